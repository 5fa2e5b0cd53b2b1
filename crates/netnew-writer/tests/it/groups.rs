use netnew_book::{Book, Settings};
use netnew_facts::{Attributes, Body, Statement, StatementBody};
use netnew_money::{Currency, Instant};
use netnew_writer::{
    Committed, Door, Entrance, Failure, Group, Limits, Statements, Submitted, WriteError, Writer,
};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

fn book(dir: &Path) -> Book {
    let settings = Settings { currency: Currency::USD, timezone: "UTC".into(), policy: "default".into() };
    Book::create_at(dir, &settings).unwrap()
}

fn clock() -> netnew_writer::Clock {
    Arc::new(|| Instant::from_micros(1_700_000_000_000_000))
}

fn named(customer: &str, name: &str) -> Statement {
    let values: Attributes = [("name".to_string(), Some(name.to_string()))].into_iter().collect();
    let body = Body::Attributes { effective_at: None, values: Some(values) };
    Statement {
        row: 0,
        recorded_at: None,
        version: None,
        body: StatementBody::Customer { customer: customer.into(), body },
    }
}

/// Names customers; waits before each group until it is let go, refuses empty names, and fails groups with "poison".
struct Held {
    go: Mutex<Receiver<()>>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Door for Held {
    type Item = (String, String);
    type Answer = String;

    fn book(
        &self,
        group: &mut Group<'_, '_>,
        items: &[Submitted<'_, (String, String)>],
    ) -> Result<Vec<Result<String, Failure>>, Failure> {
        self.go.lock().unwrap().recv().unwrap();
        self.sizes.lock().unwrap().push(items.len());
        let mut answers = Vec::new();
        for Submitted { item: (customer, name), place } in items {
            match name.as_str() {
                "poison" => return Err(Failure::new("poison", "it spoils the group", "leave it out")),
                "panic" => panic!("a door that fails"),
                "" => answers.push(Err(Failure::new("no_name", "a name is missing", "give one"))),
                name => {
                    let statement = Statement { row: place.row, ..named(customer, name) };
                    group.import.push(place.payload, statement)?;
                    answers.push(Ok(customer.clone()));
                }
            }
        }
        Ok(answers)
    }
}

type Ended = Result<Committed<String>, WriteError>;

struct Bench {
    folder: tempfile::TempDir,
    writer: Writer,
    entrance: Entrance<Held>,
    go: Sender<()>,
    sizes: Arc<Mutex<Vec<usize>>>,
    tell: Sender<(usize, Ended)>,
    told: Receiver<(usize, Ended)>,
}

fn bench(limits: Limits) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::start(book(folder.path()), clock(), limits).unwrap();
    let (go, wait) = channel();
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let entrance = writer.entrance("crm", Held { go: Mutex::new(wait), sizes: sizes.clone() });
    let (tell, told) = channel();
    Bench { folder, writer, entrance, go, sizes, tell, told }
}

impl Bench {
    fn submit(&self, at: usize, name: &str) -> Result<(), WriteError> {
        let tell = self.tell.clone();
        let record = format!("{{\"n\":\n{at}}}").into_bytes();
        self.entrance.submit(record, (format!("c{at}"), name.to_string()), move |ended| {
            tell.send((at, ended)).unwrap();
        })
    }

    /// Waits until the first write has been taken, so that what follows gathers behind it.
    fn first_is_taken(&self) {
        while self.writer.load().waiting > 0 {
            std::thread::yield_now();
        }
    }

    fn names(&self) -> Vec<String> {
        let snapshot = Book::open_at(self.folder.path()).unwrap().snapshot().unwrap();
        let mut out = Vec::new();
        let all = netnew_book::BucketRange::ALL;
        snapshot
            .scan(all, &mut |c| {
                out.push(c.customer.to_string());
                Ok(())
            })
            .unwrap();
        out.sort();
        out
    }
}

#[test]
fn what_gathers_is_one_commit_and_each_is_answered_once_it_is_durable() {
    let bench = bench(Limits::default());
    bench.submit(0, "first").unwrap();
    bench.first_is_taken();
    for at in 1..=40 {
        bench.submit(at, "later").unwrap();
    }
    assert!(bench.told.try_recv().is_err(), "nothing is answered before it is booked");
    bench.go.send(()).unwrap();
    bench.go.send(()).unwrap();
    for expected in 0..=40 {
        let (at, ended) = bench.told.recv().unwrap();
        let done = ended.unwrap();
        assert_eq!((at, done.answer.as_str()), (expected, format!("c{at}").as_str()));
        assert_eq!(done.writes, if at == 0 { 1 } else { 40 });
    }
    assert_eq!(*bench.sizes.lock().unwrap(), [1, 40]);
    assert_eq!(bench.names().len(), 41);
    let there = Book::open_at(bench.folder.path()).unwrap();
    assert_eq!(there.imports().unwrap().len(), 2, "one commit for the forty");
    // Each fact points to its own line of what was kept.
    let facts = there.snapshot().unwrap().customer("c7").unwrap().unwrap().facts;
    let place = facts[0].payload;
    let payload = there.snapshot().unwrap().payload(place.payload).unwrap().unwrap();
    let text = std::fs::read_to_string(payload.path).unwrap();
    assert_eq!(text.lines().nth(place.row as usize - 1), Some("{\"n\": 7}"));
}

#[test]
fn a_full_queue_turns_away_and_has_room_again_later() {
    let limits = Limits { waiting_writes: 3, ..Limits::default() };
    let bench = bench(limits);
    bench.submit(0, "first").unwrap();
    bench.first_is_taken();
    for at in 1..=3 {
        bench.submit(at, "waits").unwrap();
    }
    let refused = bench.submit(4, "too much").unwrap_err();
    assert_eq!((refused.code(), refused.retry_after_seconds()), ("queue_full", Some(2)));
    assert_eq!(bench.writer.load().turned_away, 1);
    bench.go.send(()).unwrap();
    bench.go.send(()).unwrap();
    (0..4).for_each(|_| drop(bench.told.recv().unwrap().1.unwrap()));
    bench.submit(4, "now").unwrap();
    bench.go.send(()).unwrap();
    bench.told.recv().unwrap().1.unwrap();
    assert_eq!(bench.names(), ["c0", "c1", "c2", "c3", "c4"]);
}

#[test]
fn one_bad_item_harms_no_other() {
    for (bad, code) in [("", "no_name"), ("poison", "poison"), ("panic", "internal")] {
        let bench = bench(Limits::default());
        bench.submit(0, "first").unwrap();
        bench.first_is_taken();
        for (at, name) in [(1, "good"), (2, bad), (3, "good too")] {
            bench.submit(at, name).unwrap();
        }
        // Alone, as a group, and each by itself where the group failed.
        (0..5).for_each(|_| bench.go.send(()).unwrap());
        let mut ends: Vec<(usize, Ended)> = (0..4).map(|_| bench.told.recv().unwrap()).collect();
        ends.sort_by_key(|(at, _)| *at);
        for (at, ended) in ends {
            match ended {
                Err(error) => assert_eq!((at, error.code()), (2, code)),
                Ok(done) => assert!(at != 2, "{done:?}"),
            }
        }
        assert_eq!(bench.names(), ["c0", "c1", "c3"], "{bad}");
    }
}

#[test]
fn closing_writes_what_was_taken_and_takes_no_more() {
    let bench = bench(Limits { group_writes: 4, ..Limits::default() });
    (0..10).for_each(|at| bench.submit(at, "waits").unwrap());
    (0..10).for_each(|_| bench.go.send(()).unwrap());
    bench.writer.close();
    (0..10).for_each(|_| drop(bench.told.recv().unwrap().1.unwrap()));
    assert_eq!(bench.names().len(), 10);
    assert_eq!(bench.submit(11, "late").unwrap_err(), WriteError::Closed);
}

#[test]
fn plain_statements_need_no_door_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::start(book(folder.path()), clock(), Limits::default()).unwrap();
    let entrance = writer.entrance("api", Statements);
    let done = entrance.write(b"{\"name\":\"Acme\"}".to_vec(), vec![named("acme", "Acme")]).unwrap();
    assert_eq!((done.outcome.facts, done.writes), (1, 1));
    let again = entrance.write(b"{\"name\":\"Acme\"}".to_vec(), vec![named("acme", "Acme")]).unwrap();
    assert_eq!((again.outcome.facts, again.outcome.duplicates), (0, 1));
}
