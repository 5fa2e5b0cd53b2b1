//! Small statements to import, and what a book holds as plain lines.

use netnew_book::{Book, BucketRange, Finish, ImportOptions, Outcome, Settings, Snapshot};
use netnew_facts::{Body, ItemState, NO_INSTANT, StateBatch, Statement, StatementBody, WITHDRAWN};
use netnew_money::{Currency, Decimal, Instant};
use std::path::Path;

/// A book in USD.
pub fn book(dir: &Path) -> Book {
    let settings = Settings { currency: usd(), timezone: "UTC".into(), policy: "default".into() };
    Book::create_at(dir, &settings).expect("a new book")
}

pub fn usd() -> Currency {
    Currency::parse("USD").expect("a currency")
}

/// An active state; an amount below 0 retracts.
pub fn state(row: u64, customer: &str, subscription: &str, at: i64, amount: i64) -> Statement {
    let state = (amount >= 0).then(|| Box::new(ItemState::monthly(Decimal::from_i64(amount), usd())));
    Statement {
        row,
        recorded_at: None,
        version: None,
        body: StatementBody::Customer {
            customer: customer.into(),
            body: Body::State {
                subscription: subscription.into(),
                item: subscription.into(),
                effective_at: Instant::from_micros(at),
                seq: 0,
                state,
            },
        },
    }
}

/// How an import of these statements goes.
pub struct How {
    pub now: i64,
    pub replace: bool,
    pub budget: usize,
    pub finish: Finish,
}

impl Default for How {
    fn default() -> How {
        How { now: 1_000, replace: false, budget: 64 << 20, finish: Finish::Commit }
    }
}

/// Imports statements.
pub fn import(book: &Book, statements: Vec<Statement>, how: How) -> Outcome {
    let mut import = book
        .begin_import(ImportOptions {
            source: "files",
            now: Instant::from_micros(how.now),
            replace: how.replace,
            wait_ms: 10_000,
            memory_budget_bytes: how.budget,
        })
        .expect("the write lock");
    import.declare_kind(netnew_book::KindOfBody::States);
    let payload = import.add_payload_bytes("rows.csv", format!("{}", how.now).as_bytes()).expect("a payload");
    for statement in statements {
        import.push(payload, statement).expect("a row");
    }
    import.finish(how.finish).expect("a finished import")
}

/// Every fact as a line, sorted: customer it is filed under, customer it speaks of, subscription, instant, amount.
pub fn lines(snapshot: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for part in snapshot.partitions(3) {
        let each = &mut |customer: netnew_facts::CustomerFacts| {
            for fact in &customer.facts {
                if let Body::State { subscription, effective_at, state, .. } = &fact.body {
                    let amount = state.as_ref().map_or("gone".to_string(), |s| s.amount.to_string());
                    out.push(format!(
                        "{} {} {subscription} {} {amount}",
                        customer.customer,
                        fact.customer,
                        effective_at.micros()
                    ));
                }
            }
            Ok(())
        };
        snapshot.scan(part, each).expect("a scan");
    }
    assert_eq!(snapshot.partitions(1), [BucketRange::ALL]);
    out.sort();
    out
}

/// States by column, with the contents that they point to; row numbers are those of their places.
pub fn columns(statements: &[Statement]) -> (StateBatch, Vec<ItemState>) {
    let (mut batch, mut contents) = (StateBatch::default(), Vec::new());
    for statement in statements {
        let StatementBody::Customer { customer, body } = &statement.body else { panic!("a state") };
        let Body::State { subscription, item, effective_at, seq, state } = body else { panic!("a state") };
        batch.customers.push(customer.as_bytes());
        batch.subscriptions.push(subscription.as_bytes());
        batch.items.push(item.as_bytes());
        batch.effective_at.push(effective_at.micros());
        batch.seq.push(*seq);
        batch.recorded_at.push(statement.recorded_at.map_or(NO_INSTANT, Instant::micros));
        batch.content.push(match state {
            None => WITHDRAWN,
            Some(state) => {
                contents.push((**state).clone());
                contents.len() as u32 - 1
            }
        });
    }
    (batch, contents)
}
