//! Files of states come into a book in two ways, by column and row by row: the book must not know which it was.

use netnew_book::{Book, Bulk, Conflict, Feeder, Finish, ImportOptions, KindOfBody, Outcome, Settings};
use netnew_facts::{CustomerFacts, StateBatch};
use netnew_money::{Currency, Instant, Zone};
use netnew_sources::{Context, Kind, Problem, Row, Unfit};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

/// Columns of a file; texts and numbers, null as `None`.
#[derive(Clone)]
enum Column {
    Text(Vec<Option<String>>),
    Long(Vec<Option<i64>>),
    Int(Vec<Option<i32>>),
    Double(Vec<Option<f64>>),
}

#[derive(Clone)]
struct File {
    schema: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
}

const DAY: i64 = 86_400_000_000;

impl File {
    /// A file of random states, tame or wild.
    fn random(dice: &mut Dice, rows: usize) -> File {
        let mut file = File { schema: Vec::new(), columns: Vec::new(), rows };
        let wild = dice.one_in(2);
        let odd = |dice: &mut Dice| wild && dice.one_in(40);
        let subscriptions: Vec<u64> = (0..rows).map(|_| dice.below(rows as u64 / 4 + 2)).collect();
        let mut customers = Vec::new();
        for subscription in &subscriptions {
            // Now and then a subscription names another customer.
            let moved = u64::from(wild && dice.one_in(60));
            let name =
                format!("cus_{}{}", subscription % 23 + moved, if subscription % 7 == 0 { "é" } else { "" });
            customers.push(match odd(dice) {
                true => dice.pick(&[None, Some("  ".into()), Some(format!(" {name}\u{a0}"))]),
                false => Some(name),
            });
        }
        let text = |name: &str| format!("optional binary {name} (UTF8)");
        file.add(text("customer"), Column::Text(customers));
        let ids = subscriptions.iter().map(|s| (!odd(dice)).then(|| format!("sub_{s}"))).collect();
        file.add(text("subscription"), Column::Text(ids));
        if dice.one_in(2) {
            let items = subscriptions.iter().map(|s| match dice.below(4) {
                0 => None,
                1 => Some(format!("sub_{s}")),
                other => Some(format!("si_{s}_{other}")),
            });
            file.add(text("item"), Column::Text(items.collect()));
        }
        file.instants(dice, "effective_at", 1, &odd);
        let statuses = ["active", "active", "Trialing", "canceled", "past due", "paused", "free"];
        let all = (0..rows).map(|_| match odd(dice) {
            true => dice.pick(&[None, Some("sleeping".to_string())]),
            false => Some(dice.pick(&statuses).to_string()),
        });
        file.add(text("status"), Column::Text(all.collect()));
        let plans = (0..rows).map(|_| dice.pick(&[None, Some("Basic"), Some("Pro "), Some("Größer")]));
        file.add(text("plan"), Column::Text(plans.map(|p| p.map(String::from)).collect()));
        file.amounts(dice, &odd);
        let currencies = (0..rows).map(|_| match odd(dice) {
            true => Some("XQX".to_string()),
            false => dice.pick(&[None, Some("USD".into()), Some("eur".into())]),
        });
        file.add(text("currency"), Column::Text(currencies.collect()));
        let intervals = (0..rows).map(|_| dice.pick(&[None, Some("month"), Some("yearly"), Some("week")]));
        file.add(text("interval"), Column::Text(intervals.map(|p| p.map(String::from)).collect()));
        let counts =
            (0..rows).map(|_| if odd(dice) { Some(0) } else { dice.pick(&[None, Some(1), Some(3)]) });
        file.add("optional int32 interval_count".into(), Column::Int(counts.collect()));
        let quantities = (0..rows).map(|_| if odd(dice) { Some(-3) } else { Some(dice.below(9) as i64) });
        file.add("optional int64 quantity".into(), Column::Long(quantities.collect()));
        if dice.one_in(2) {
            file.instants(dice, "trial_end", 6, &odd);
            file.instants(dice, "cancel_at", 9, &odd);
        }
        if dice.one_in(2) {
            let percents = (0..rows).map(|_| match dice.below(5) {
                0 => Some(if odd(dice) { 120 } else { 25 }),
                1 => Some(0),
                _ => None,
            });
            file.add("optional int32 discount_percent".into(), Column::Int(percents.collect()));
            file.instants(dice, "discount_until", 4, &odd);
            let kinds =
                (0..rows).map(|_| dice.pick(&[None, None, Some("repeating"), Some("forever"), Some("once")]));
            file.add(text("discount_kind"), Column::Text(kinds.map(|k| k.map(String::from)).collect()));
        }
        if dice.one_in(3) {
            let listed = [
                None,
                None,
                Some(r#"[{"percent": 10, "kind": "forever"}]"#),
                Some(r#"[{"amount": 3, "kind": "repeating", "until": "2024-05-01"}]"#),
                Some("[]"),
                Some("{"),
            ];
            let listed = (0..rows).map(|_| dice.pick(&listed).map(String::from));
            file.add(text("discounts"), Column::Text(listed.collect()));
        }
        if dice.one_in(2) {
            let orders = (0..rows).map(|_| dice.pick(&[None, Some(0), Some(0), Some(2), Some(-1)]));
            file.add("optional int64 seq".into(), Column::Long(orders.collect()));
        }
        if dice.one_in(3) {
            file.instants(dice, "recorded_at", 2, &odd);
        }
        if dice.one_in(3) {
            let flags = (0..rows).map(|_| dice.pick(&[None, None, None, Some("no"), Some("yes")]));
            file.add(text("retract"), Column::Text(flags.map(|f| f.map(String::from)).collect()));
            let flags = (0..rows).map(|_| dice.pick(&[None, Some("false"), Some("true")]));
            file.add(text("reconstructed"), Column::Text(flags.map(|f| f.map(String::from)).collect()));
            let reasons = (0..rows).map(|_| dice.pick(&[None, Some("voluntary"), Some("card expired")]));
            file.add(text("reason"), Column::Text(reasons.map(|f| f.map(String::from)).collect()));
        }
        file
    }

    fn add(&mut self, schema: String, column: Column) {
        self.schema.push(schema);
        self.columns.push(column);
    }

    /// A column of instants, absent in all but one of so many rows, in one of the types they come in.
    fn instants(&mut self, dice: &mut Dice, name: &str, one_in: u64, odd: &dyn Fn(&mut Dice) -> bool) {
        let days: Vec<Option<i64>> =
            (0..self.rows).map(|_| dice.one_in(one_in).then(|| 19_700 + dice.below(40) as i64)).collect();
        let (schema, column) = match dice.below(5) {
            0 => (
                "int64 NAME (TIMESTAMP(MILLIS,true))",
                Column::Long(days.iter().map(|d| d.map(|d| d * DAY / 1000)).collect()),
            ),
            1 => ("int32 NAME (DATE)", Column::Int(days.iter().map(|d| d.map(|d| d as i32)).collect())),
            2 => {
                let texts = days.iter().map(|d| d.map(|d| format!("2024-02-{:02}", d % 28 + 1))).map(|t| {
                    match odd(dice) {
                        true => Some("soon".to_string()),
                        false => t,
                    }
                });
                ("binary NAME (UTF8)", Column::Text(texts.collect()))
            }
            _ => {
                let micros =
                    days.iter().map(|d| if odd(dice) { Some(i64::MAX / 2) } else { d.map(|d| d * DAY + 17) });
                ("int64 NAME (TIMESTAMP(MICROS,true))", Column::Long(micros.collect()))
            }
        };
        self.add(format!("optional {}", schema.replace("NAME", name)), column);
    }

    fn amounts(&mut self, dice: &mut Dice, odd: &dyn Fn(&mut Dice) -> bool) {
        let cents: Vec<i64> = (0..self.rows).map(|_| dice.pick(&[0, 999, 2900, 4950, -500])).collect();
        let (schema, column) = match dice.below(3) {
            0 => (
                "int64 amount (DECIMAL(18,2))",
                Column::Long(cents.iter().map(|c| (!odd(dice)).then_some(*c)).collect()),
            ),
            1 => (
                "double amount",
                Column::Double(cents.iter().map(|c| (!odd(dice)).then_some(*c as f64)).collect()),
            ),
            _ => {
                let texts = cents.iter().map(|c| match odd(dice) {
                    true => Some("1.2.3".to_string()),
                    false => Some(format!("{}.{:02}", c / 100, c.abs() % 100)),
                });
                ("binary amount (UTF8)", Column::Text(texts.collect()))
            }
        };
        self.add(format!("optional {schema}"), column);
    }

    /// The rows in another order, some of them twice.
    fn shuffled(&self, dice: &mut Dice) -> File {
        let order: Vec<usize> =
            (0..self.rows + self.rows / 9).map(|_| dice.below(self.rows as u64) as usize).collect();
        self.chosen(&order)
    }

    fn chosen(&self, order: &[usize]) -> File {
        fn each<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|row| values[*row].clone()).collect()
        }
        let columns = self.columns.iter().map(|column| match column {
            Column::Text(values) => Column::Text(each(values, order)),
            Column::Long(values) => Column::Long(each(values, order)),
            Column::Int(values) => Column::Int(each(values, order)),
            Column::Double(values) => Column::Double(each(values, order)),
        });
        File { schema: self.schema.clone(), columns: columns.collect(), rows: order.len() }
    }

    /// The same rows, some of them corrected, and some said again later.
    fn corrected(&self, dice: &mut Dice) -> File {
        let mut file = self.clone();
        for (schema, column) in file.schema.iter().zip(&mut file.columns) {
            let Column::Long(values) = column else { continue };
            if schema.contains(" quantity") {
                values.iter_mut().filter(|_| dice.one_in(15)).for_each(|value| *value = Some(77));
            }
            // What is said again is said later.
            if schema.contains(" recorded_at") {
                let later = values.iter_mut().flatten().filter(|at| **at < i64::MAX / 4);
                later.filter(|_| dice.one_in(2)).for_each(|at| *at += 86_400_000);
            }
        }
        file
    }

    fn write(&self, path: &Path, dice: &mut Dice) {
        let schema = format!("message states {{ {}; }}", self.schema.join("; "));
        let schema = Arc::new(parse_message_type(&schema).expect("a schema"));
        let version =
            dice.pick(&[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]);
        let properties = WriterProperties::builder()
            .set_compression(dice.pick(&[Compression::UNCOMPRESSED, Compression::SNAPPY]))
            .set_writer_version(version)
            .set_dictionary_enabled(!dice.one_in(3))
            .set_dictionary_page_size_limit(dice.pick(&[64, 1 << 20]))
            .set_data_page_row_count_limit(dice.pick(&[13, 100_000]))
            .set_write_batch_size(dice.pick(&[7, 1024]));
        let mut writer = SerializedFileWriter::new(
            std::fs::File::create(path).expect("a file"),
            schema,
            Arc::new(properties.build()),
        )
        .expect("a writer");
        let rows: Vec<usize> = (0..self.rows).collect();
        for chunk in rows.chunks(dice.pick(&[50, 1_000_000])) {
            let mut group = writer.next_row_group().expect("a row group");
            for column in &self.chosen(chunk).columns {
                let mut to = group.next_column().expect("no fault").expect("a column");
                match (to.untyped(), column) {
                    (ColumnWriter::ByteArrayColumnWriter(w), Column::Text(values)) => {
                        let there: Vec<ByteArray> =
                            values.iter().flatten().map(|v| v.as_str().into()).collect();
                        w.write_batch(&there, Some(&levels(values)), None).expect("written");
                    }
                    (ColumnWriter::Int64ColumnWriter(w), Column::Long(values)) => {
                        let there: Vec<i64> = values.iter().flatten().copied().collect();
                        w.write_batch(&there, Some(&levels(values)), None).expect("written");
                    }
                    (ColumnWriter::Int32ColumnWriter(w), Column::Int(values)) => {
                        let there: Vec<i32> = values.iter().flatten().copied().collect();
                        w.write_batch(&there, Some(&levels(values)), None).expect("written");
                    }
                    (ColumnWriter::DoubleColumnWriter(w), Column::Double(values)) => {
                        let there: Vec<f64> = values.iter().flatten().copied().collect();
                        w.write_batch(&there, Some(&levels(values)), None).expect("written");
                    }
                    _ => panic!("a column of another type"),
                }
                to.close().expect("closed");
            }
            group.close().expect("closed");
        }
        writer.close().expect("closed");
    }
}

fn levels<T>(values: &[Option<T>]) -> Vec<i16> {
    values.iter().map(|value| i16::from(value.is_some())).collect()
}

/// How to import.
#[derive(Clone, Copy)]
struct How {
    now: i64,
    replace: bool,
    finish: Finish,
}

type Done = (Outcome, Vec<Problem>);

/// Imports files by column, or row by row what does not fit columns; says which it was.
fn import_columns(book: &Book, paths: &[&Path], how: How) -> (Done, bool) {
    match try_import(book, paths, how, true) {
        Ok(done) => (done, true),
        Err(Unfit) => (import_rows(book, paths, how), false),
    }
}

fn import_rows(book: &Book, paths: &[&Path], how: How) -> Done {
    try_import(book, paths, how, false).expect("rows always fit")
}

fn try_import(book: &Book, paths: &[&Path], how: How, by_column: bool) -> Result<Done, Unfit> {
    let zone = Zone::parse("America/New_York").expect("a zone");
    let context = Context { zone: &zone, currency: Currency::USD, kind: Some(Kind::States) };
    let options = ImportOptions {
        source: "files",
        now: Instant::from_micros(how.now),
        replace: how.replace,
        // A process that another test begins at this very moment may hold the last import's lock for an instant.
        wait_ms: 10_000,
        memory_budget_bytes: 1 << 20,
    };
    let mut import = book.begin_import(options).expect("the lock");
    import.declare_kind(KindOfBody::States);
    let mut problems = Vec::new();
    let bulk = Bulk::new(1 << 30);
    let (mut first, mut payloads) = (0, Vec::new());
    for path in paths {
        let mut reader = netnew_sources::open(path, &context).expect("a file of states");
        let payload = import.add_payload("states.parquet", path).expect("a payload");
        if by_column {
            let file = reader.bulk().ok_or(Unfit)?;
            payloads.push((first, payload));
            for number in 0..file.groups() {
                let mut group = file.group(number)?;
                let mut feeder: Feeder = bulk.feeder(first);
                let mut batch = StateBatch::default();
                while group.next(&mut batch, &mut problems)? {
                    feeder.add(&batch, group.contents()).expect("room");
                }
            }
            first += file.rows();
            continue;
        }
        let (mut rows, mut more) = (Vec::new(), true);
        while more {
            more = reader.next_batch(&mut rows).expect("rows");
            for row in rows.drain(..) {
                match row {
                    Row::Statement(statement) => import.push(payload, statement).expect("a row"),
                    Row::Problem(problem) => problems.push(problem),
                }
            }
        }
    }
    if by_column {
        import.add_bulk(bulk, payloads, first).expect("rows by column");
    }
    Ok((import.finish(how.finish).expect("an end"), problems))
}

/// Everything a reader can see of a book.
fn held(book: &Book) -> (Vec<CustomerFacts>, String) {
    let snapshot = book.snapshot().expect("a snapshot");
    let mut customers = Vec::new();
    for part in snapshot.partitions(3) {
        let each = &mut |customer| {
            customers.push(customer);
            Ok(())
        };
        snapshot.scan(part, each).expect("a scan");
    }
    let mut counts = snapshot.counts().expect("counts");
    counts.bytes = 0;
    let through = snapshot.data_through(Instant::MAX, Instant::MAX).expect("data through");
    let through: std::collections::BTreeMap<_, _> = through.into_iter().collect();
    let rest = format!(
        "{counts:?} {through:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        snapshot.first_effective(Instant::MAX),
        snapshot.begins(),
        snapshot.version(),
        snapshot.payloads().iter().map(|p| (p.id, p.sha256.clone())).collect::<Vec<_>>(),
        book.imports().expect("imports"),
        book.verify().expect("verified"),
    );
    (customers, rest)
}

fn book(dir: &Path) -> Book {
    let settings = Settings { currency: Currency::USD, timezone: "UTC".into(), policy: "default".into() };
    Book::create_at(dir, &settings).expect("a book")
}

#[test]
fn by_column_and_row_by_row_make_the_same_book() {
    let (mut facts, mut duplicates, mut superseded, mut confirmed) = (0, 0, 0, 0);
    let mut fitted = 0;
    let (mut conflicts, mut found): (Vec<Conflict>, usize) = (Vec::new(), 0);
    for seed in 0..30 {
        let mut dice = Dice(seed * 7_919 + 1);
        let dir = tempfile::tempdir().expect("a folder");
        let (rows, columns) = (book(&dir.path().join("rows")), book(&dir.path().join("columns")));
        let size = dice.pick(&[3, 40, 400, 1500]);
        let file = File::random(&mut dice, size);
        let files = [
            file.clone(),
            file.clone(),
            file.shuffled(&mut dice),
            file.corrected(&mut dice),
            File::random(&mut dice, 60),
        ];
        let mut paths = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let path = dir.path().join(format!("{number}.parquet"));
            file.write(&path, &mut dice);
            paths.push(path);
        }
        for (number, path) in paths.iter().enumerate() {
            let finish = dice.pick(&[
                Finish::Commit,
                Finish::Commit,
                Finish::Commit,
                Finish::CommitIfConsistent,
                Finish::DryRun,
            ]);
            let how = How { now: 1_800_000_000_000_000 + number as i64, replace: dice.one_in(6), finish };
            let mut together = vec![path.as_path()];
            if dice.one_in(4) {
                together.push(&paths[4]);
            }
            let place = format!("seed {seed}, import {number}");
            let one = import_rows(&rows, &together, how);
            let (other, fit) = import_columns(&columns, &together, how);
            fitted += u64::from(fit);
            assert_eq!(one.1, other.1, "problems, {place}");
            assert_eq!(one.0, other.0, "outcome, {place}");
            let (one_held, other_held) = (held(&rows), held(&columns));
            assert_eq!(one_held.1, other_held.1, "{place}");
            for (a, b) in one_held.0.iter().zip(&other_held.0) {
                assert_eq!(a, b, "{place}");
            }
            assert_eq!(one_held.0.len(), other_held.0.len(), "{place}");
            facts += one.0.facts;
            duplicates += one.0.duplicates;
            superseded += one.0.superseded;
            confirmed += one.0.confirmed;
            conflicts.extend(one.0.conflicts);
            found += one.1.len();
        }
    }
    // All of it came to pass, or the comparison proves little.
    let seen = [fitted, facts, duplicates, superseded, confirmed, conflicts.len() as u64, found as u64];
    assert!(seen.iter().all(|count| *count > 30), "{seen:?}");
}
