//! A view that follows a book says what a new view of that book says, whatever is booked, by whom, and when it is asked.

use crate::view::View;
use crate::{Now, Question, Report};
use netnew_book::{Book, Finish, ImportOptions, Settings};
use netnew_facts::{Body, Fact, Statement, StatementBody, Text};
use netnew_metrics::{Extras, RollupRow};
use netnew_money::Instant;
use netnew_testkit::lives::Lives;
use netnew_testkit::question::Shown;
use netnew_testkit::{to_facts, to_rate_facts};
use std::sync::Arc;

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

fn import(book: &Book, source: &Text, facts: &[Fact]) {
    let now = Instant::parse_rfc3339("2030-01-01T00:00:00Z").unwrap();
    let options = ImportOptions { source, now, replace: false, wait_ms: 1_000, memory_budget_bytes: 1 << 20 };
    let mut import = book.begin_import(options).unwrap();
    let text = format!("{facts:?}");
    let payload = import.add_payload_bytes("facts", text.as_bytes()).unwrap();
    for (row, fact) in (1..).zip(facts) {
        let body = StatementBody::Customer { customer: fact.customer.clone(), body: fact.body.clone() };
        let recorded_at = Some(fact.recorded_at);
        import.push(payload, Statement { row, recorded_at, version: fact.version, body }).unwrap();
    }
    import.finish(Finish::Commit).unwrap();
}

fn question(lives: &Lives) -> Question {
    let asked = &lives.question;
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    Question {
        interval: asked.interval.as_str().into(),
        policy: Some(asked.policy.clone()),
        set: asked.knobs.iter().map(|(knob, value)| format!("{knob}={value}")).collect(),
        currency: match asked.shown {
            Shown::Default => None,
            Shown::In(currency) => Some(currency.as_str().into()),
            Shown::Original => Some("original".into()),
        },
        timezone: Some(asked.zone.name().into()),
        by: text(asked.by.join(",")),
        filter: text(asked.filter.clone()),
        ..Question::default()
    }
}

/// Rows, or why there are none; and whether they were carried from an earlier version.
fn rows(
    view: &View,
    question: &Question,
    at: Instant,
    extras: Extras,
) -> (Result<Vec<RollupRow>, String>, bool) {
    let now = Now { said: None, clock: at };
    let report = match Report::of(question, view, &now) {
        Ok(report) => report,
        Err(error) => return (Err(format!("{error:?}")), false),
    };
    let Ok(query) = report.query() else { return (Err("no days".into()), false) };
    let ctx = report.context(&query, extras.committed);
    let since = report.memory().unwrap().and_then(|memory| memory.since());
    let carried = since.is_some_and(|since| since.rows(view, &ctx, &query, extras).unwrap().is_some());
    let rows = report.rows(&query, extras).map_err(|error| format!("{error:?}")).map(|mut rows| {
        // A kind that moved by nothing on the whole is the same as one that did not move.
        for row in &mut rows {
            row.movements.retain(|_, amount| !amount.is_zero());
            row.causes.retain(|_, amount| !amount.is_zero());
        }
        rows
    });
    (rows, carried)
}

/// The first rows that differ.
fn different(here: Result<Vec<RollupRow>, String>, anew: Result<Vec<RollupRow>, String>) -> String {
    match (here, anew) {
        (Ok(here), Ok(anew)) => {
            let extra = |a: &[RollupRow], b: &[RollupRow]| {
                let only = a.iter().filter(|row| !b.contains(row)).take(2);
                only.map(|row| format!("\n  {row:?}")).collect::<String>()
            };
            format!("followed:{}\nanew:{}", extra(&here, &anew), extra(&anew, &here))
        }
        (here, anew) => {
            format!("followed: {:?}\nanew: {:?}", here.map(|rows| rows.len()), anew.map(|rows| rows.len()))
        }
    }
}

#[test]
fn a_view_that_follows_says_what_a_new_one_says() {
    let tries = std::env::var("NETNEW_LIVES").ok().and_then(|n| n.parse().ok()).unwrap_or(60u64);
    let (mut asked, mut carried) = (0, 0);
    for seed in 0..tries {
        let lives = Lives::from_seed(70_000 + seed);
        let mut dice = Dice(seed);
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("book");
        let settings = Settings {
            currency: lives.settings.currency,
            timezone: lives.settings.zone.name().into(),
            policy: "default".into(),
        };
        let book = Arc::new(Book::create_at(&dir, &settings).unwrap());
        let other = Book::open_at(&dir).unwrap();
        let mut facts: Vec<Fact> = to_facts(&lives.history).into_iter().flat_map(|c| c.facts).collect();
        facts.retain(|fact| !matches!(fact.body, Body::Entry { .. }));
        facts.sort_by_key(|fact| fact.booked_seq);
        facts.dedup_by_key(|fact| fact.booked_seq);
        let mut rates = book
            .begin_import(ImportOptions {
                source: "rates",
                now: Instant::MIN,
                replace: false,
                wait_ms: 1_000,
                memory_budget_bytes: 1 << 20,
            })
            .unwrap();
        let payload = rates.add_payload_bytes("rates", b"rates").unwrap();
        for (row, rate) in (1..).zip(to_rate_facts(&lives.history.rates)) {
            let body =
                StatementBody::Rate { day: rate.day, base: rate.base, quote: rate.quote, rate: rate.rate };
            let recorded_at = Some(rate.recorded_at);
            rates.push(payload, Statement { row, recorded_at, version: rate.version, body }).unwrap();
        }
        rates.finish(Finish::Commit).unwrap();
        let question = question(&lives);
        let extras = Extras { retention: seed % 3 == 0, committed: seed % 5 == 0 };
        let plain = Question::default();
        let mut view = View::new(book.clone()).unwrap();
        let mut at = lives.question.as_of;
        while !facts.is_empty() {
            // One fact or a handful, of one source, wherever it lies; in this process or by another reader of the book.
            let count = 1 + dice.below(if facts.len() > 8 { facts.len() / 2 } else { 2 });
            let source = facts[0].source.clone();
            let (some, rest): (Vec<Fact>, Vec<Fact>) =
                facts.into_iter().partition(|fact| fact.source == source);
            let mut some = some.into_iter();
            let now: Vec<Fact> = some.by_ref().take(count).collect();
            facts = some.chain(rest).collect();
            import(if dice.below(3) == 0 { &other } else { &book }, &source, &now);
            view = view.refresh().unwrap();
            if dice.below(4) == 0 {
                at = Instant::from_micros(at.micros() + dice.below(40) as i64 * 86_400_000_000 / 3);
            }
            if dice.below(3) == 0 {
                continue;
            }
            for question in [&question, &plain] {
                let (rows_here, from_before) = rows(&view, question, at, extras);
                let anew = View::new(book.clone()).unwrap();
                // Who looks back is told from the book itself, customer by customer.
                let known_on = (asked % 2 == 0).then(|| "2999-01-01".to_string());
                let (rows_anew, _) = rows(&anew, &Question { known_on, ..question.clone() }, at, extras);
                if rows_here != rows_anew {
                    let differ = different(rows_here, rows_anew);
                    panic!("seed {seed} at {at}: {differ}\n{}", lives.to_text("movements"));
                }
                (asked, carried) = (asked + 1, carried + usize::from(from_before));
            }
        }
    }
    assert!(carried * 2 > asked && asked as u64 > tries, "{carried} of {asked} were carried");
}
