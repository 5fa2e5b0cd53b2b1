//! The files, as a stranger would bring them.

use netnew_money::{Day, Instant};

use crate::catalogue::{Coupon, Plan};
use crate::profile::Profile;
use crate::rates::Rates;
use crate::witness::{Discount, Item, Status, Witness};

pub(crate) const STATES_HEADER: &str = "customer,subscription,item,effective_at,seq,status,plan,amount,currency,\
     interval,interval_count,quantity,usage_type,discount_percent,discount_kind,discount_until,discounts,\
     trial_end,cancel_requested_at,cancel_at,reason\n";
pub(crate) const CUSTOMERS_HEADER: &str =
    "customer,name,email,country,channel,signed_up_at,company_size,effective_at\n";
pub(crate) const RATES_HEADER: &str = "date,base,quote,rate\n";

/// Text being written, handed on in large pieces.
#[derive(Default)]
pub(crate) struct Lines {
    pub text: Vec<u8>,
    pub rows: u64,
}

/// Writes the rows of the file of states.
#[derive(Default)]
pub(crate) struct States(pub Lines);

/// Writes the rows of the file of customers.
#[derive(Default)]
pub(crate) struct Customers(pub Lines);

impl Witness for States {
    fn state(&mut self, who: &Profile, at: Instant, seq: u32, item: &Item) {
        let out = &mut self.0;
        out.customer(who);
        out.subscription(who, item.subscription);
        out.put(part_of_subscription(item.plan));
        out.instant(Some(at));
        out.number(if seq == 0 { None } else { Some(seq) });
        out.put(item.status.as_str());
        out.put(item.plan.name());
        out.mills(item.mills);
        out.put(item.money.code());
        let (interval, count) = item.billing.interval();
        out.put(interval);
        out.put(count);
        out.number(u32::try_from(item.quantity).ok());
        out.put(if item.plan == Plan::ApiCalls { "metered" } else { "licensed" });
        out.discount(item.discount);
        out.instant(item.trial_end.filter(|_| item.status == Status::Trialing));
        out.instant(item.cancel_requested_at);
        out.instant(item.cancel_at);
        out.last(item.reason.unwrap_or(""));
    }
}

/// Empty for the main item, which has the id of its subscription.
fn part_of_subscription(plan: Plan) -> &'static str {
    match plan {
        Plan::Priority => "support",
        Plan::ApiCalls => "usage",
        _ => "",
    }
}

impl Customers {
    fn row(&mut self, who: &Profile, effective: Option<Day>) {
        let out = &mut self.0;
        out.customer(who);
        let (first, second) = who.name;
        out.text.extend_from_slice(first.as_bytes());
        out.text.push(b' ');
        out.put(second);
        out.text.extend(
            first
                .bytes()
                .chain(*b".")
                .chain(second.bytes())
                .filter(|c| *c != b' ')
                .map(|c| c.to_ascii_lowercase()),
        );
        out.digits(u64::from(who.index) + 1, 1);
        out.put("@example.com");
        out.put(who.country);
        out.put(who.channel);
        out.instant(Some(who.signed_up));
        out.put(who.size);
        if let Some(day) = effective {
            out.day(day);
        }
        out.last("");
    }
}

impl Witness for Customers {
    fn profile(&mut self, who: &Profile) {
        self.row(who, None);
    }

    fn relocated(&mut self, who: &Profile, on: Day) {
        self.row(who, Some(on));
    }
}

impl Lines {
    /// The published rates.
    pub(crate) fn rates(rates: &Rates) -> Lines {
        let mut out = Lines::default();
        for (day, ten_thousandths) in rates.published() {
            out.day(day);
            out.put("");
            out.put("EUR");
            out.put("USD");
            let rate = ten_thousandths.unsigned_abs();
            out.digits(rate / 10_000, 1);
            out.text.push(b'.');
            out.digits(rate % 10_000, 4);
            out.last("");
        }
        out
    }

    fn put(&mut self, cell: &str) {
        self.text.extend_from_slice(cell.as_bytes());
        self.text.push(b',');
    }

    fn last(&mut self, cell: &str) {
        self.text.extend_from_slice(cell.as_bytes());
        self.text.push(b'\n');
        self.rows += 1;
    }

    /// Digits, zeros before them up to `width`.
    fn digits(&mut self, number: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut left = number;
        let mut at = digits.len();
        while left > 0 {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        let from = at.min(digits.len() - width);
        self.text.extend_from_slice(&digits[from..]);
    }

    fn number(&mut self, number: Option<u32>) {
        if let Some(number) = number {
            self.digits(number.into(), 1);
        }
        self.text.push(b',');
    }

    fn customer(&mut self, who: &Profile) {
        self.text.extend_from_slice(b"cus_");
        self.digits(u64::from(who.index) + 1, 6);
        self.text.push(b',');
    }

    fn subscription(&mut self, who: &Profile, subscription: u32) {
        self.text.extend_from_slice(b"sub_");
        self.digits(u64::from(who.index) + 1, 6);
        self.text.push(b'_');
        self.digits(subscription.into(), 1);
        self.text.push(b',');
    }

    /// Thousandths as a number without trailing zeros.
    fn mills(&mut self, mills: i64) {
        let mills = mills.unsigned_abs();
        self.digits(mills / 1_000, 1);
        if !mills.is_multiple_of(1_000) {
            self.text.push(b'.');
            self.digits(mills % 1_000, 3);
            while self.text.last() == Some(&b'0') {
                self.text.pop();
            }
        }
        self.text.push(b',');
    }

    fn day(&mut self, day: Day) {
        let (year, month, day) = day.ymd();
        self.digits(year.unsigned_abs().into(), 4);
        self.text.push(b'-');
        self.digits(month.into(), 2);
        self.text.push(b'-');
        self.digits(day.into(), 2);
    }

    /// A moment of the history: whole seconds, UTC.
    fn instant(&mut self, at: Option<Instant>) {
        if let Some(at) = at {
            let seconds = at.micros().div_euclid(1_000_000);
            self.day(crate::calendar::day_of(at));
            let within = seconds.rem_euclid(86_400).unsigned_abs();
            for (mark, part) in [(b'T', within / 3_600), (b':', within / 60 % 60), (b':', within % 60)] {
                self.text.push(mark);
                self.digits(part, 2);
            }
            self.text.push(b'Z');
        }
        self.text.push(b',');
    }

    /// The columns `discount_percent`, `discount_kind`, `discount_until` and `discounts`.
    fn discount(&mut self, discount: Option<Discount>) {
        let Some(Discount { coupon, until }) = discount else {
            self.put(",,,");
            return;
        };
        match coupon {
            Coupon::Launch => self.put("30,repeating"),
            Coupon::Retention => self.put("50,repeating"),
            Coupon::Friends => self.put("20,forever"),
            Coupon::FirstBill => self.put("50,once"),
            Coupon::GoodCause => self.put(","),
        }
        if let Some(day) = until {
            self.day(day);
        }
        self.put("");
        self.put(match coupon {
            Coupon::GoodCause => {
                r#""[{""percent"":""10"",""kind"":""forever""},{""amount"":""2"",""kind"":""forever"",""level"":""subscription""}]""#
            }
            _ => "",
        });
    }
}
