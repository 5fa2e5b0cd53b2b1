//! What payments, invoices, refunds and usage do to the ledger (section 10).

use crate::*;
use netnew_facts::{
    Body, CreditNote, CustomerFacts, Discount, DiscountKind, DiscountLevel, DiscountValue, Entry, Fact,
    Invoice, InvoiceLine, ItemState, PayloadRef, Payment, PaymentResult, Refund, Status, Usage, UsageType,
};
use netnew_money::{Amount, Currency, Day, Decimal, Grain, Instant, IntervalUnit, RateTable, Zone};
use netnew_policy::Policy;
use std::collections::BTreeMap;

fn at(text: &str) -> Instant {
    Zone::utc().start_of(Day::parse(text).unwrap())
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

struct Life {
    facts: Vec<Fact>,
    policy: Policy,
}

impl Life {
    fn new(knob: &str, value: &str) -> Life {
        let mut policy = Policy::preset("default").unwrap();
        policy.set(knob, value).unwrap();
        Life { facts: Vec::new(), policy }
    }

    fn fact(mut self, body: Body) -> Life {
        self.facts.push(Fact {
            source: "files".into(),
            customer: "acme".into(),
            body,
            recorded_at: at("2026-12-01"),
            version: None,
            booked_seq: self.facts.len() as u64 + 1,
            payload: PayloadRef::default(),
        });
        self
    }

    fn state(self, when: &str, subscription: &str, change: impl FnOnce(&mut ItemState)) -> Life {
        let mut state = ItemState::monthly(Decimal::from_i64(100), usd());
        change(&mut state);
        self.fact(Body::State {
            subscription: subscription.into(),
            item: subscription.into(),
            effective_at: at(when),
            seq: 0,
            state: Some(Box::new(state)),
        })
    }

    fn entry(self, when: &str, key: &str, entry: Entry) -> Life {
        let (kind, effective_at) = (entry.kind(), at(when));
        self.fact(Body::Entry { kind, key: key.into(), effective_at, entry: Some(Box::new(entry)) })
    }

    fn paid(self, when: &str, key: &str, invoice: Option<&str>, result: PaymentResult) -> Life {
        let payment = Payment {
            result,
            invoice: invoice.map(Into::into),
            ..Payment::succeeded(Amount::from_major(100), usd())
        };
        self.entry(when, key, Entry::Payment(payment))
    }

    fn invoice(self, when: &str, key: &str, subscription: &str, until: &str) -> Life {
        let mut invoice = Invoice { total: Amount::from_major(100), ..Invoice::open(usd()) };
        invoice.lines.push(InvoiceLine {
            subscription: Some(subscription.into()),
            period_start: Some(at(when)),
            period_end: Some(at(until)),
            ..InvoiceLine::of(Amount::from_major(100))
        });
        self.entry(when, key, Entry::Invoice(invoice))
    }

    fn used(self, when: &str, quantity: &str) -> Life {
        let usage = Usage {
            quantity: Decimal::parse(quantity).unwrap(),
            subscription: Some("m".into()),
            item: None,
            metric: None,
            amount: None,
            currency: None,
        };
        let key = format!("u{}", self.facts.len());
        self.entry(when, &key, Entry::Usage(usage))
    }

    fn lines(&self) -> Vec<String> {
        let zone = Zone::utc();
        let data_through = BTreeMap::from([("files".into(), at("2026-12-01"))]);
        let ctx = Context {
            policy: &self.policy,
            zone: &zone,
            book_zone: &zone,
            book_currency: usd(),
            rates: &RateTable::new(),
            as_of: at("2026-12-15"),
            known_on: Instant::MAX,
            horizon: at("2026-12-15"),
            data_through: &data_through,
            grain: Grain::Month,
            range_start: None,
            range_end: None,
            dimensions: Dimensions::default(),
        };
        let ids = vec!["acme".into()];
        let facts = CustomerFacts { customer: "acme".into(), ids, facts: self.facts.clone() };
        let forwards = lines_of(&replay(&facts, &ctx).unwrap());
        let mut turned = facts;
        turned.facts.reverse();
        assert_eq!(lines_of(&replay(&turned, &ctx).unwrap()), forwards, "the order of facts matters");
        forwards
    }
}

fn lines_of(ledger: &CustomerLedger) -> Vec<String> {
    let rows = ledger.steps.iter().flat_map(|step| step.rows.iter().map(move |row| (step, row)));
    rows.map(|(step, row)| {
        format!("{} {} {} {}", step.day, row.kind.as_str(), row.amount, row.cause.as_str())
    })
    .collect()
}

#[test]
fn an_item_waits_for_the_first_payment_of_its_own_subscription() {
    let life = Life::new("activation.moment", "first_payment")
        .state("2026-01-01", "s", |_| {})
        .state("2026-02-01", "t", |s| s.amount = Decimal::from_i64(40))
        .invoice("2026-01-01", "i1", "s", "2026-02-01")
        .paid("2026-01-02", "p1", Some("i1"), PaymentResult::Failed)
        .paid("2026-01-05", "p2", Some("i1"), PaymentResult::Succeeded);
    assert_eq!(life.lines(), ["2026-01-05 new 100 other"]);
    let named_none = life.paid("2026-03-03", "p3", None, PaymentResult::Succeeded);
    // The waiting item was there before, so it is no second subscription that starts.
    assert_eq!(named_none.lines(), ["2026-01-05 new 100 other", "2026-03-03 expansion 40 other"]);
}

#[test]
fn a_waiting_item_changes_unseen_and_an_ended_one_never_counts() {
    let life = Life::new("activation.moment", "first_payment")
        .state("2026-01-01", "s", |s| s.status = Status::PastDue)
        .state("2026-02-01", "s", |s| s.amount = Decimal::from_i64(150))
        .state("2026-05-01", "s", |s| s.status = Status::Canceled);
    assert!(life.lines().is_empty());
    let paid = life.paid("2026-03-10", "p", None, PaymentResult::Succeeded);
    assert_eq!(paid.lines(), ["2026-03-10 new 150 other", "2026-05-01 churn -150 cancel_voluntary"]);
}

#[test]
fn a_trial_that_waits_converts_when_it_is_paid() {
    let life = Life::new("activation.moment", "invoice_opened")
        .state("2026-01-01", "s", |s| {
            s.status = Status::Trialing;
            s.trial_end = Some(at("2026-01-15"));
        })
        .invoice("2026-01-20", "i1", "s", "2026-02-20");
    assert_eq!(life.lines(), ["2026-01-20 new 100 trial_conversion"]);
}

#[test]
fn a_full_refund_takes_its_time_out_and_a_part_does_not() {
    let life = Life::new("refund", "erases_history")
        .state("2026-01-01", "s", |_| {})
        .invoice("2026-02-01", "i2", "s", "2026-03-01")
        .paid("2026-02-01", "p2", Some("i2"), PaymentResult::Succeeded);
    let refund = |amount: i64| {
        let refund = Refund { payment: Some("p2".into()), ..Refund::of(Amount::from_major(amount), usd()) };
        Entry::Refund(refund)
    };
    assert_eq!(life.lines(), ["2026-01-01 new 100 other"]);
    let part = life.entry("2026-02-20", "r1", refund(60));
    assert_eq!(part.lines(), ["2026-01-01 new 100 other"]);
    let whole = part.entry("2026-02-21", "r2", refund(40));
    assert_eq!(
        whole.lines(),
        ["2026-01-01 new 100 other", "2026-02-01 churn -100 other", "2026-03-01 reactivation 100 other"]
    );
}

fn metered(rule: &str) -> Life {
    Life::new("metered", rule).state("2026-01-10", "m", |s| {
        s.usage_type = UsageType::Metered;
        s.amount = Decimal::parse("0.5").unwrap();
    })
}

#[test]
fn usage_sets_a_level_once_a_month() {
    let life = metered("trailing_30_days")
        .used("2026-01-20", "100")
        .used("2026-01-31", "20")
        .used("2026-02-10", "300")
        .used("2026-03-01", "7");
    assert_eq!(
        life.lines(),
        ["2026-02-01 new 60 usage", "2026-03-01 expansion 100 usage", "2026-04-01 churn -160 usage"]
    );
}

#[test]
fn the_mean_of_three_months_begins_with_as_many_as_there_are() {
    let life = metered("three_month_mean")
        .used("2026-01-20", "100")
        .used("2026-02-20", "200")
        .used("2026-03-20", "200")
        .used("2026-04-20", "500")
        .state("2026-05-02", "m", |s| s.status = Status::Canceled);
    let amounts: Vec<String> =
        life.lines().iter().map(|l| l.split(' ').take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        amounts,
        [
            "2026-02-01 new 50",
            "2026-03-01 expansion 25",
            "2026-04-01 expansion 8.3333333333",
            "2026-05-01 expansion 66.6666666667",
            "2026-05-02 churn -150",
        ]
    );
}

#[test]
fn committed_usage_counts_like_a_licence_and_by_default_nothing_does() {
    let life = metered("committed_plus_overage").used("2026-01-20", "1000");
    assert_eq!(life.lines(), ["2026-01-10 new 0.5 other"]);
    assert!(metered("excluded").used("2026-01-20", "1000").lines().is_empty());
}

impl Life {
    fn also(mut self, knob: &str, value: &str) -> Life {
        self.policy.set(knob, value).unwrap();
        self
    }

    fn billed(
        self,
        key: &str,
        (from, until): (&str, &str),
        amount: i64,
        change: impl FnOnce(&mut InvoiceLine),
    ) -> Life {
        let mut line = InvoiceLine {
            subscription: Some("s".into()),
            period_start: Some(at(from)),
            period_end: Some(at(until)),
            ..InvoiceLine::of(Amount::from_major(amount))
        };
        change(&mut line);
        let total = Amount::from_major(amount);
        let invoice = Invoice { total, lines: vec![line], ..Invoice::open(usd()) };
        self.entry(from, key, Entry::Invoice(invoice))
    }

    fn refunded(self, when: &str, key: &str, invoice: &str, amount: i64) -> Life {
        let refund =
            Refund { invoice: Some(invoice.into()), ..Refund::of(Amount::from_major(amount), usd()) };
        self.entry(when, key, Entry::Refund(refund))
    }

    fn credited(self, when: &str, key: &str, invoice: &str, amount: i64) -> Life {
        let note =
            CreditNote { invoice: Some(invoice.into()), ..CreditNote::of(Amount::from_major(amount), usd()) };
        self.entry(when, key, Entry::CreditNote(note))
    }
}

const FEBRUARY: (&str, &str) = ("2026-02-01", "2026-03-01");

#[test]
fn a_refund_lowers_the_whole_period_of_its_invoice() {
    let life = Life::new("refund", "reduces_mrr").state("2026-01-01", "s", |_| {});
    let part = life.billed("i", FEBRUARY, 100, |_| {}).refunded("2026-02-20", "r1", "i", 60);
    assert_eq!(
        part.lines(),
        [
            "2026-01-01 new 100 other",
            "2026-02-01 contraction -60 price_change",
            "2026-03-01 expansion 60 price_change"
        ]
    );
    // Whole, and what is given back beyond the invoice changes nothing more.
    let whole = part.refunded("2026-02-21", "r2", "i", 70);
    assert_eq!(
        whole.lines(),
        [
            "2026-01-01 new 100 other",
            "2026-02-01 churn -100 price_change",
            "2026-03-01 reactivation 100 price_change"
        ]
    );
}

#[test]
fn a_refund_of_nothing_known_lowers_nothing() {
    let life = Life::new("refund", "reduces_mrr").state("2026-01-01", "s", |_| {});
    let unknown = life.billed("i", FEBRUARY, 100, |_| {}).refunded("2026-02-20", "r1", "elsewhere", 60);
    assert_eq!(unknown.lines(), ["2026-01-01 new 100 other"]);
    let other_item = unknown.billed("j", FEBRUARY, 100, |line| line.item = Some("another".into())).refunded(
        "2026-02-20",
        "r2",
        "j",
        60,
    );
    assert_eq!(other_item.lines(), ["2026-01-01 new 100 other"]);
}

/// 100 for February and 10 for its second half: of a level of 120 the half month is a sixth.
#[test]
fn a_refund_of_a_proration_lowers_only_what_it_was_for() {
    let life = Life::new("refund", "reduces_mrr")
        .state("2026-01-01", "s", |_| {})
        .state("2026-02-15", "s", |s| s.amount = Decimal::from_i64(120))
        .billed("i", FEBRUARY, 100, |_| {})
        .billed("j", ("2026-02-15", "2026-03-01"), 10, |line| line.proration = true);
    assert_eq!(life.lines(), ["2026-01-01 new 100 other", "2026-02-15 expansion 20 price_change"]);
    let refunded = life.refunded("2026-02-16", "r", "j", 10);
    assert_eq!(refunded.lines(), ["2026-01-01 new 100 other", "2026-03-01 expansion 20 price_change"]);
}

#[test]
fn half_of_a_discounted_invoice_is_half_of_the_level() {
    let discounted = |value: DiscountValue| {
        Life::new("refund", "reduces_mrr")
            .state("2026-01-01", "s", |s| {
                s.discounts.push(Discount {
                    value,
                    kind: DiscountKind::Forever,
                    until: None,
                    level: DiscountLevel::Item,
                });
            })
            .billed("i", FEBRUARY, 80, |line| line.discount = Some(Amount::from_major(20)))
            .refunded("2026-02-20", "r", "i", 40)
    };
    for value in [DiscountValue::Amount(Decimal::from_i64(20)), DiscountValue::Percent(Decimal::from_i64(20))]
    {
        assert_eq!(
            discounted(value).lines(),
            [
                "2026-01-01 new 80 other",
                "2026-02-01 contraction -40 price_change",
                "2026-03-01 expansion 40 price_change"
            ]
        );
    }
}

#[test]
fn a_credit_note_lowers_what_is_left_of_the_period() {
    let life = Life::new("credit_note", "reduces_mrr").state("2026-01-01", "s", |_| {});
    let life = life.billed("i", FEBRUARY, 100, |_| {}).credited("2026-02-15", "c", "i", 50);
    let wanted = [
        "2026-01-01 new 100 other",
        "2026-02-15 contraction -50 price_change",
        "2026-03-01 expansion 50 price_change",
    ];
    assert_eq!(life.lines(), wanted);
    // Paid out as well: refunds do nothing here, and where they do, the larger of both counts.
    let paid_out = life.refunded("2026-02-16", "r", "i", 50);
    assert_eq!(paid_out.lines(), wanted);
    let both = paid_out.also("refund", "reduces_mrr");
    assert_eq!(
        both.lines(),
        [
            "2026-01-01 new 100 other",
            "2026-02-01 contraction -50 price_change",
            "2026-03-01 expansion 50 price_change"
        ]
    );
}

#[test]
fn a_refunded_year_that_is_canceled_ends_at_once() {
    let year = |interval| {
        Life::new("refund", "annual_refund_churns")
            .state("2025-12-01", "s", |s| {
                (s.interval, s.amount) = (interval, Decimal::from_i64(1200));
            })
            .state("2026-03-01", "s", |s| {
                (s.interval, s.amount) = (interval, Decimal::from_i64(1200));
                s.cancel_requested_at = Some(at("2026-03-01"));
                s.cancel_at = Some(at("2026-12-01"));
            })
            .billed("i", ("2025-12-01", "2026-12-01"), 1200, |_| {})
    };
    let life = year(IntervalUnit::Year);
    assert_eq!(life.lines(), ["2025-12-01 new 100 other", "2026-12-01 churn -100 cancel_voluntary"]);
    let part = life.refunded("2026-03-05", "r", "i", 1000);
    assert_eq!(part.lines()[1], "2026-12-01 churn -100 cancel_voluntary");
    let whole = part.refunded("2026-03-07", "r2", "i", 200);
    assert_eq!(whole.lines(), ["2025-12-01 new 100 other", "2026-03-07 churn -100 cancel_voluntary"]);
    let monthly = year(IntervalUnit::Month).refunded("2026-03-07", "r", "i", 1200);
    assert_eq!(monthly.lines()[1], "2026-12-01 churn -1200 cancel_voluntary");
}

#[test]
fn a_cancellation_waits_for_the_end_of_the_invoiced_period() {
    let life = Life::new("churn.timing", "period_end")
        .state("2026-01-01", "s", |_| {})
        .billed("i", FEBRUARY, 100, |_| {})
        .state("2026-02-10", "s", |s| s.status = Status::Canceled);
    assert_eq!(life.lines(), ["2026-01-01 new 100 other", "2026-03-01 churn -100 cancel_voluntary"]);
    let back = life.state("2026-02-20", "s", |s| s.amount = Decimal::from_i64(90));
    assert_eq!(back.lines(), ["2026-01-01 new 100 other", "2026-02-20 contraction -10 price_change"]);
    let unbilled = Life::new("churn.timing", "period_end").state("2026-01-01", "s", |_| {}).state(
        "2026-02-10",
        "s",
        |s| s.status = Status::Canceled,
    );
    assert_eq!(unbilled.lines()[1], "2026-02-10 churn -100 cancel_voluntary");
}
