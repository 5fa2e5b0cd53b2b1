//! The same states written in many dialects read back the same.

use std::sync::Arc;

use netnew_facts::{Body, CancelReason, ItemState, Statement, StatementBody, Status, UsageType};
use netnew_money::{Currency, Day, Decimal, Instant, IntervalUnit, Zone};
use proptest::prelude::*;

use crate::support::Desk;

/// How a program writes its files.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    separator: u8,
    encoding: Encoding,
    crlf: bool,
    decimal_comma: bool,
    grouped: bool,
    dates: Dates,
    quote_all: bool,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Utf8WithMark,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

#[derive(Clone, Copy, Debug)]
enum Dates {
    Iso,
    DayFirst,
    MonthFirst,
    Dotted,
    Words,
    Unix,
}

fn dialects() -> impl Strategy<Value = Dialect> {
    let encodings = prop_oneof![
        Just(Encoding::Utf8),
        Just(Encoding::Utf8WithMark),
        Just(Encoding::Utf16Le),
        Just(Encoding::Utf16Be),
        Just(Encoding::Windows1252),
    ];
    let dates = prop_oneof![
        Just(Dates::Iso),
        Just(Dates::DayFirst),
        Just(Dates::MonthFirst),
        Just(Dates::Dotted),
        Just(Dates::Words),
        Just(Dates::Unix),
    ];
    let separators = prop::sample::select(vec![b',', b';', b'\t', b'|']);
    (separators, encodings, any::<bool>(), any::<bool>(), any::<bool>(), dates, any::<bool>()).prop_map(
        |(separator, encoding, crlf, decimal_comma, grouped, dates, quote_all)| Dialect {
            separator,
            encoding,
            crlf,
            decimal_comma,
            grouped,
            dates,
            quote_all,
        },
    )
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
}

/// One state, with its day instead of its instant: most formats write days.
#[derive(Clone, Debug)]
struct Line {
    customer: String,
    subscription: String,
    day: Day,
    state: ItemState,
}

/// Texts with everything that gets in the way, within Windows-1252 and without blanks around them.
fn texts() -> impl Strategy<Value = String> {
    "[a-zA-Zäöüß€é][a-zA-Z0-9äöüß€é \",;|\t\n'.-]{0,12}[a-zA-Z0-9é]"
}

fn numbers() -> impl Strategy<Value = Decimal> {
    (-9_999_999i64..99_999_999, 0u8..6)
        .prop_map(|(mantissa, scale)| Decimal::new(i128::from(mantissa), scale))
}

fn lines() -> impl Strategy<Value = Line> {
    let ids = (texts(), texts(), prop::option::of(texts()), day_range());
    let price = (numbers(), prop::sample::select(vec!["USD", "EUR", "JPY", "KWD"]), 0usize..4, 1u32..13);
    let rest = (0i64..10_000_000, any::<bool>(), 0usize..7, prop::option::of(texts()));
    (ids, price, rest).prop_map(
        |(ids, (amount, currency, unit, count), (quantity, metered, status, words))| {
            let (customer, subscription, plan, day) = ids;
            let currency = Currency::parse(currency).expect("a currency");
            let mut state = ItemState::monthly(amount, currency);
            state.status = Status::ALL[status];
            state.plan = plan.map(Arc::from);
            (state.interval, state.interval_count) = (IntervalUnit::ALL[unit], count);
            state.quantity_micros = quantity;
            state.usage_type = if metered { UsageType::Metered } else { UsageType::Licensed };
            state.reason = words.is_some().then_some(CancelReason::Voluntary);
            state.reason_text = words.map(Arc::from);
            Line { customer, subscription, day, state }
        },
    )
}

fn day_range() -> impl Strategy<Value = Day> {
    // Before 2001-09-09 a Unix time has nine digits, which no one can tell from another number.
    (12_000i32..30_000).prop_map(Day::from_days)
}

const HEADER: [&str; 11] = [
    "Customer",
    "Subscription ID",
    "effective-at",
    "plan",
    "Amount",
    "currency",
    "interval",
    "interval count",
    "Qty",
    "usage_type",
    "status",
];

impl Dialect {
    fn number(&self, number: Decimal) -> String {
        let text = number.to_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "00"));
        // Three decimals would be thousands to a reader who does not know; programs pad to a fixed number.
        let decimals = format!("{decimals:0<6}");
        let whole = if self.grouped { self.group(whole) } else { whole.to_string() };
        format!("{sign}{whole}{}{decimals}", if self.decimal_comma { ',' } else { '.' })
    }

    fn group(&self, whole: &str) -> String {
        let separator = if self.decimal_comma { '.' } else { ',' };
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        grouped
    }

    fn date(&self, day: Day, zone: &Zone) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, of_month) = day.ymd();
        match self.dates {
            Dates::Iso => day.to_string(),
            Dates::DayFirst => format!("{of_month}/{month}/{year}"),
            Dates::MonthFirst => format!("{month:02}/{of_month:02}/{year}"),
            Dates::Dotted => format!("{of_month:02}.{month:02}.{year}"),
            Dates::Words => format!("{} {of_month}, {year}", MONTHS[month as usize - 1]),
            Dates::Unix => (zone.start_of(day).micros() / 1_000_000).to_string(),
        }
    }

    fn write(&self, lines: &[Line], zone: &Zone) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(self.separator)
            .terminator(if self.crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if self.quote_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(HEADER.iter().copied().chain(["cancel reason"])).expect("memory takes it");
        for Line { customer, subscription, day, state } in lines {
            let reason =
                state.reason_text.as_ref().map_or(String::new(), |words| format!("voluntary: {words}"));
            let record = [
                customer.clone(),
                subscription.clone(),
                self.date(*day, zone),
                state.plan.as_deref().unwrap_or("").to_string(),
                self.number(state.amount),
                state.currency.to_string(),
                state.interval.to_string(),
                state.interval_count.to_string(),
                self.number(Decimal::new(i128::from(state.quantity_micros), 6)),
                state.usage_type.as_str().to_string(),
                state.status.as_str().to_string(),
                reason,
            ];
            writer.write_record(&record).expect("memory takes it");
        }
        self.encode(
            &String::from_utf8(writer.into_inner().expect("memory takes it")).expect("texts are UTF-8"),
        )
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        let marked = format!("\u{feff}{text}");
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf8WithMark => marked.into_bytes(),
            Encoding::Utf16Le => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Windows1252 => text.chars().map(|c| if c == '€' { 0x80 } else { c as u8 }).collect(),
        }
    }
}

/// Line that a row starts on, by the line breaks of the rows before it.
fn expected(lines: &[Line], zone: &Zone) -> Vec<Statement> {
    let mut row = 2;
    lines
        .iter()
        .map(|line| {
            let effective_at: Instant = zone.start_of(line.day);
            let subscription: Arc<str> = line.subscription.as_str().into();
            let state = Some(Box::new(line.state.clone()));
            let body = Body::State { item: subscription.clone(), subscription, effective_at, seq: 0, state };
            let customer = line.customer.as_str().into();
            let statement = Statement {
                row,
                recorded_at: None,
                version: None,
                body: StatementBody::Customer { customer, body },
            };
            let texts = [
                Some(&*line.customer),
                Some(&*line.subscription),
                line.state.plan.as_deref(),
                line.state.reason_text.as_deref(),
            ];
            row += 1 + texts.iter().flatten().map(|t| t.matches('\n').count() as u64).sum::<u64>();
            statement
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn states_read_back_the_same_in_every_dialect(
        dialect in dialects(),
        zone in zones(),
        mut lines in prop::collection::vec(lines(), 1..8),
    ) {
        // One date that can be read one way only, so that the order is settled.
        let sure = Day::parse("2026-01-31").expect("a day");
        lines[0].day = sure;
        let zone = Zone::parse(zone).expect("a zone");
        let desk = Desk { zone: zone.clone(), ..Desk::new() };
        let outcome = desk.read(dialect.write(&lines, &zone));
        prop_assert_eq!(&outcome.problems, &Vec::new());
        prop_assert_eq!(outcome.statements, expected(&lines, &zone));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Desk::new().try_read(&bytes);
        let mut rows = b"customer,subscription,effective_at,amount\n".to_vec();
        rows.extend(&bytes);
        let _ = Desk::new().try_read(&rows);
    }

    #[test]
    fn no_cells_make_it_panic(cells in prop::collection::vec("\\PC{0,24}", 0..40), json in any::<bool>()) {
        let mut text = String::new();
        for row in cells.chunks(4) {
            let quoted: Vec<String> = row.iter().map(|c| serde_json::Value::from(c.as_str()).to_string()).collect();
            let names = ["customer", "start", "end", "amount"];
            if json {
                let pairs: Vec<String> = names.iter().zip(&quoted).map(|(n, c)| format!("\"{n}\":{c}")).collect();
                text.push_str(&format!("{{{}}}\n", pairs.join(",")));
            } else {
                text.push_str(&format!("{}\n", row.join(";")));
            }
        }
        let content = if json { text } else { format!("customer;start;end;amount\n{text}") };
        let _ = Desk::new().try_read(content);
    }
}
