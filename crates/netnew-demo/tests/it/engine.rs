//! The demo's files, read by the public path and asked through the engine, in memory.

use std::collections::BTreeMap;
use std::path::Path;

use netnew_demo::Demo;
use netnew_facts::{Body, CustomerFacts, Fact, PayloadRef, RateFact, StatementBody, Text};
use netnew_ledger::{CustomerLedger, replay};
use netnew_metrics::{Extras, Field, Filter, Frame, ReportCurrency, Rollup, RollupRow, known_rates};
use netnew_money::{Currency, Grain, Instant, Zone};
use netnew_policy::Policy;
use netnew_sources::{Context, Row, open};

/// Everything that the three files say.
pub struct Engine {
    customers: Vec<CustomerFacts>,
    rates: Vec<RateFact>,
    data_through: Option<Instant>,
    first_effective: Option<Instant>,
}

const RECORDED: Instant = Instant::MIN;

impl Engine {
    /// Writes the files of a demo and reads them again.
    pub fn read(demo: &Demo) -> Engine {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut facts: BTreeMap<Text, Vec<Fact>> = BTreeMap::new();
        let mut rates = Vec::new();
        let mut booked = 0;
        for (name, bytes) in [
            ("states.csv", written(|out| demo.write_states_csv(out))),
            ("customers.csv", written(|out| demo.write_customers_csv(out))),
            ("rates.csv", written(|out| demo.write_rates_csv(out))),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("a temporary file");
            for (row, statement) in read_rows(&path) {
                booked += 1;
                let payload = PayloadRef { payload: 1, row };
                match statement {
                    StatementBody::Customer { customer, body } => {
                        let fact = Fact {
                            source: "files".into(),
                            customer: customer.clone(),
                            body,
                            recorded_at: RECORDED,
                            version: None,
                            booked_seq: booked,
                            payload,
                        };
                        facts.entry(customer).or_default().push(fact);
                    }
                    StatementBody::Rate { day, base, quote, rate } => rates.push(RateFact {
                        source: "files".into(),
                        day,
                        base,
                        quote,
                        rate,
                        recorded_at: RECORDED,
                        version: None,
                        booked_seq: booked,
                        payload,
                    }),
                    StatementBody::Alias { .. } => panic!("the demo merges nobody"),
                }
            }
        }
        let effective = |fact: &Fact| match &fact.body {
            Body::State { effective_at, .. } => Some(*effective_at),
            Body::Attributes { .. } | Body::Entry { .. } => None,
        };
        let all = || facts.values().flatten().filter_map(effective);
        let (data_through, first_effective) = (all().max(), all().min());
        let customers = facts
            .into_iter()
            .map(|(customer, facts)| CustomerFacts { ids: vec![customer.clone()], customer, facts })
            .collect();
        Engine { customers, rates, data_through, first_effective }
    }

    /// The newest state.
    pub fn data_through(&self) -> Option<Instant> {
        self.data_through
    }

    fn frame(&self, as_of: Instant, currency: ReportCurrency, by: &[&str]) -> Frame {
        let by = by.iter().map(|field| Field::parse(field)).collect::<Result<_, _>>();
        Frame {
            policy: Policy::preset("default").expect("there is a default policy"),
            zone: Zone::utc(),
            book_zone: Zone::utc(),
            book_currency: Currency::USD,
            rates: known_rates(&self.rates, Instant::MAX).expect("sound rates"),
            as_of,
            known_on: Instant::MAX,
            data_through: self.data_through.map(|at| ("files".into(), at)).into_iter().collect(),
            first_effective: self.first_effective,
            currency,
            constant_rates: None,
            grain: Grain::Month,
            by: by.expect("known fields"),
            filter: Filter::parse("").expect("no filter"),
            from: None,
            to: None,
        }
    }

    /// The rows of a monthly report from the first movement's month to now.
    pub fn report(&self, as_of: Instant, currency: ReportCurrency, by: &[&str]) -> Vec<RollupRow> {
        let frame = self.frame(as_of, currency, by);
        let query = frame.query().expect("a sound question");
        let ctx = frame.context(&query, false);
        let mut rollup = Rollup::new(&ctx, &query, Extras::default()).expect("a sound question");
        for customer in &self.customers {
            let ledger = replay(customer, &ctx).expect("a sound life");
            rollup.add(&ledger).expect("every day has its rate");
        }
        let first = rollup.first_movement();
        frame.trim(rollup.finish().expect("every day has its rate"), first)
    }

    /// Every customer's ledger.
    pub fn ledgers(&self, as_of: Instant) -> Vec<CustomerLedger> {
        let frame = self.frame(as_of, ReportCurrency::Original, &[]);
        let query = frame.query().expect("a sound question");
        let ctx = frame.context(&query, false);
        self.customers.iter().map(|c| replay(c, &ctx).expect("a sound life")).collect()
    }
}

/// What is written to memory.
pub fn written(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes everything");
    bytes
}

fn read_rows(path: &Path) -> Vec<(u64, StatementBody)> {
    let zone = Zone::utc();
    let context = Context { zone: &zone, currency: Currency::USD, kind: None };
    let mut reader = open(path, &context).expect("the file is recognised");
    let notes = reader.opened().notes.join("; ");
    assert!(!notes.contains("not used"), "{notes}");
    let (mut rows, mut out) = (Vec::new(), Vec::new());
    while reader.next_batch(&mut rows).expect("the file can be read") {}
    for row in rows {
        match row {
            Row::Statement(statement) => out.push((statement.row, statement.body)),
            Row::Problem(problem) => panic!("{problem:?}"),
        }
    }
    out
}
