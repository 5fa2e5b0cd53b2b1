//! Power is lost between any two operations on the disk: what was acknowledged is there, nothing is there in part,
//! nothing twice, and the book goes on.

use crate::helpers::{columns, lines, state, usd};
use netnew_book::{Book, BookError, Bulk, Finish, ImportOptions, KindOfBody, Settings};
use netnew_facts::{Body, Statement, StatementBody};
use netnew_money::{Day, Decimal, Instant};
use netnew_testkit::disk::SimDisk;
use std::path::Path;
use std::sync::Arc;

const SCRIPTS: u64 = 20;
const CRASHES: u64 = 50;
const IMPORTS: u64 = 9;

fn settings() -> Settings {
    Settings { currency: usd(), timezone: "UTC".into(), policy: "default".into() }
}

/// What import `number` of a script says: new rows, corrections, retractions, rows that go to another customer,
/// attributes, rates; every third import replaces.
fn statements(script: u64, number: u64) -> Vec<Statement> {
    let mut random = script * 1_000 + number;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % limit
    };
    let mut out = Vec::new();
    for row in 0..12 {
        let subscription = below(6);
        let moved = u64::from(number > 4 && subscription == 0);
        let amount = if below(8) == 0 { -1 } else { below(5) as i64 };
        let customer = format!("c{}", (subscription + moved) % 4);
        out.push(state(row, &customer, &format!("s{subscription}"), below(3) as i64, amount));
    }
    let attributes = [("country".to_string(), Some(format!("L{}", below(3))))].into();
    let body = Body::Attributes { effective_at: None, values: Some(attributes) };
    let says = |body| Statement { row: 99, recorded_at: None, version: None, body };
    out.push(says(StatementBody::Customer { customer: "c1".into(), body }));
    let (base, quote) = (netnew_money::Currency::EUR, usd());
    let rate = Some(Decimal::from_i64(1 + below(2) as i64));
    out.push(says(StatementBody::Rate { day: Day::from_days(below(3) as i32), base, quote, rate }));
    out
}

fn import(book: &Book, script: u64, number: u64) -> Result<(), BookError> {
    let mut import = book.begin_import(ImportOptions {
        source: "files",
        now: Instant::from_micros(number as i64),
        replace: number % 3 == 2,
        wait_ms: 0,
        memory_budget_bytes: 1 << 16,
    })?;
    import.declare_kind(KindOfBody::States);
    let payload = import.add_payload_bytes("rows", format!("{script} {}", number / 2).as_bytes())?;
    let mut statements = statements(script, number);
    if number.is_multiple_of(3) {
        // These come by column, which is another way to the disk.
        statements.retain(|s| matches!(&s.body, StatementBody::Customer { body: Body::State { .. }, .. }));
        let (batch, contents) = columns(&statements);
        let bulk = Bulk::new(1 << 20);
        bulk.feeder(0).add(&batch, &contents).expect("room");
        import.add_bulk(bulk, vec![(0, payload)], batch.len() as u64)?;
        return import.finish(Finish::Commit).map(|_| ());
    }
    for statement in statements {
        import.push(payload, statement)?;
    }
    import.finish(Finish::Commit).map(|_| ())
}

/// Everything in the book, as lines.
fn held(book: &Book) -> Vec<String> {
    let snapshot = book.snapshot().expect("a snapshot");
    let mut out = lines(&snapshot);
    for rate in snapshot.rates().expect("rates") {
        out.push(format!("rate {} {:?} at {}", rate.day, rate.rate, rate.recorded_at.micros()));
    }
    for payload in snapshot.payloads() {
        out.push(format!("payload {} {}", payload.id, payload.sha256));
    }
    out.push(format!("attributes {}", snapshot.counts().expect("counts").attributes));
    out
}

#[test]
fn a_thousand_losses_of_power() {
    let disk = SimDisk::new();
    let dir = Path::new("/book");
    let (mut in_flight_kept, mut in_flight_lost) = (0u64, 0u64);
    for script in 0..SCRIPTS {
        disk.erase();
        let calm = Book::create(dir, &settings(), Arc::new(disk.clone())).expect("a book");
        let begun = disk.operations();
        let mut expected = vec![held(&calm)];
        for number in 0..IMPORTS {
            import(&calm, script, number).expect("a calm import");
            expected.push(held(&calm));
        }
        let whole = disk.operations() - begun;
        drop(calm);
        for crash in 0..CRASHES {
            disk.erase();
            let book = Book::create(dir, &settings(), Arc::new(disk.clone())).expect("a book");
            let step = whole / CRASHES + 1;
            disk.fail_at(disk.operations() + 1 + crash * step + (script * 7 + crash * 13) % step);
            let mut acknowledged = 0;
            while acknowledged < IMPORTS && import(&book, script, acknowledged).is_ok() {
                acknowledged += 1;
            }
            drop(book);
            disk.crash();

            let place = format!("script {script}, crash {crash}, {acknowledged} acknowledged");
            let book = Book::open(dir, Arc::new(disk.clone())).unwrap_or_else(|e| panic!("{place}: {e}"));
            let there = held(&book);
            let next = match expected.iter().skip(acknowledged as usize).take(2).position(|e| *e == there) {
                Some(0) => acknowledged,
                Some(_) => acknowledged + 1,
                None => {
                    panic!("{place}: neither what was acknowledged nor that and the next import\n{there:#?}")
                }
            };
            if acknowledged < IMPORTS {
                if next > acknowledged { in_flight_kept += 1 } else { in_flight_lost += 1 }
            }
            assert_eq!(book.verify().expect("verify"), [], "{place}");
            for number in next..IMPORTS {
                import(&book, script, number).unwrap_or_else(|e| panic!("{place}, going on: {e}"));
            }
            assert_eq!(held(&book), expected[IMPORTS as usize], "{place}, after going on");
            assert_eq!(book.verify().expect("verify"), [], "{place}, after going on");
        }
    }
    // Both sides of a commit have been hit, or the test proves little.
    assert!(in_flight_kept > 5 && in_flight_lost > 200, "{in_flight_kept} kept, {in_flight_lost} lost");
}

#[test]
fn an_acknowledged_import_survives_at_once() {
    let disk = SimDisk::new();
    let dir = Path::new("/book");
    let book = Book::create(dir, &settings(), Arc::new(disk.clone())).expect("a book");
    for number in 0..IMPORTS {
        import(&book, 1, number).expect("an import");
    }
    let before = held(&book);
    drop(book);
    disk.crash();
    let book = Book::open(dir, Arc::new(disk.clone())).expect("the book opens");
    assert_eq!(held(&book), before);
    assert!(disk.operations() > 100);
}
