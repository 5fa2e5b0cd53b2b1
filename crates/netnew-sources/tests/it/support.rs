//! Files written for a test, and what came of reading them.

use std::path::Path;

use netnew_facts::{Body, ItemState, Statement, StatementBody};
use netnew_money::{Currency, Zone};
use netnew_sources::{Context, Kind, Opened, Problem, Reader, Row, SourceError, open};

/// Everything a file gave.
#[derive(Debug)]
pub struct Outcome {
    pub opened: Opened,
    pub statements: Vec<Statement>,
    pub problems: Vec<Problem>,
}

/// How a test reads its file.
#[derive(Clone, Debug)]
pub struct Desk {
    pub zone: Zone,
    pub currency: Currency,
    pub kind: Option<Kind>,
}

impl Desk {
    /// A book in US dollars and UTC.
    pub fn new() -> Desk {
        Desk { zone: Zone::utc(), currency: Currency::USD, kind: None }
    }

    pub fn zone(mut self, name: &str) -> Desk {
        self.zone = Zone::parse(name).expect("a test names a zone that exists");
        self
    }

    pub fn currency(mut self, code: &str) -> Desk {
        self.currency = Currency::parse(code).expect("a test names a currency that exists");
        self
    }

    pub fn kind(mut self, kind: Kind) -> Desk {
        self.kind = Some(kind);
        self
    }

    pub fn open(&self, path: &Path) -> Result<Reader, SourceError> {
        open(path, &Context { zone: &self.zone, currency: self.currency, kind: self.kind })
    }

    pub fn read_path(&self, path: &Path) -> Result<Outcome, SourceError> {
        let mut reader = self.open(path)?;
        let mut rows = Vec::new();
        while reader.next_batch(&mut rows)? {}
        let (mut statements, mut problems) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                Row::Statement(statement) => statements.push(statement),
                Row::Problem(problem) => problems.push(problem),
            }
        }
        Ok(Outcome { opened: reader.opened().clone(), statements, problems })
    }

    /// Reads a file with this content. Its name says nothing about its format.
    pub fn try_read(&self, content: impl AsRef<[u8]>) -> Result<Outcome, SourceError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("data");
        std::fs::write(&path, content).expect("a temporary file");
        self.read_path(&path)
    }

    pub fn read(&self, content: impl AsRef<[u8]>) -> Outcome {
        self.try_read(content).expect("the file opens and reads to its end")
    }

    pub fn refusal(&self, content: impl AsRef<[u8]>) -> SourceError {
        self.try_read(content).expect_err("the file as a whole is refused")
    }
}

impl Outcome {
    /// Asserts that no row was refused.
    pub fn sound(self) -> Outcome {
        assert_eq!(self.problems, Vec::new());
        self
    }

    /// Statements in short: one line each.
    pub fn lines(&self) -> Vec<String> {
        self.statements.iter().map(describe).collect()
    }

    /// Problems in short: `line column code`.
    pub fn faults(&self) -> Vec<String> {
        let short = |p: &Problem| format!("{} {} {}", p.line, p.column.as_deref().unwrap_or("-"), p.code);
        self.problems.iter().map(short).collect()
    }

    /// The item states, retractions left out.
    pub fn states(&self) -> Vec<&ItemState> {
        self.statements.iter().filter_map(state_of).collect()
    }
}

pub fn state_of(statement: &Statement) -> Option<&ItemState> {
    match &statement.body {
        StatementBody::Customer { body: Body::State { state, .. }, .. } => state.as_deref(),
        _ => None,
    }
}

fn describe(statement: &Statement) -> String {
    match &statement.body {
        StatementBody::Customer {
            customer,
            body: Body::State { subscription, item, effective_at, seq, state },
        } => {
            let item = if item == subscription { String::new() } else { format!("/{item}") };
            let seq = if *seq == 0 { String::new() } else { format!("#{seq}") };
            let state = state.as_ref().map_or("withdrawn".to_string(), |s| describe_state(s));
            format!("{customer} {subscription}{item} {effective_at}{seq} {state}")
        }
        StatementBody::Customer { customer, body: Body::Attributes { effective_at, values } } => {
            let from = effective_at.map_or("ever".to_string(), |at| at.to_string());
            let values = values.as_ref().map_or("withdrawn".to_string(), |values| {
                let shown =
                    |(k, v): (&String, &Option<String>)| format!("{k}={}", v.as_deref().unwrap_or("∅"));
                values.iter().map(shown).collect::<Vec<_>>().join(" ")
            });
            format!("{customer} from {from}: {values}")
        }
        StatementBody::Customer { customer, body: Body::Entry { kind, key, effective_at, entry } } => {
            let said = entry.as_ref().map_or("withdrawn".to_string(), |entry| entry.to_json());
            format!("{customer} {kind} {key} {effective_at} {said}")
        }
        StatementBody::Rate { day, base, quote, rate } => {
            format!("{day} {base}/{quote} {}", rate.map_or("withdrawn".to_string(), |r| r.to_string()))
        }
        StatementBody::Alias { customer, merged_into } => {
            format!("{customer} -> {}", merged_into.as_deref().unwrap_or("withdrawn"))
        }
    }
}

fn describe_state(state: &ItemState) -> String {
    let mut words = vec![state.status.as_str().to_string()];
    words.extend(state.plan.as_deref().map(|p| format!("[{p}]")));
    words.push(format!("{} {}", state.amount, state.currency));
    let every = match (state.interval_count, state.interval) {
        (1, unit) => format!("/{unit}"),
        (count, unit) => format!("/{count}{unit}"),
    };
    words.push(every);
    if state.quantity_micros != 1_000_000 {
        words.push(format!("x{}", netnew_money::Decimal::new(i128::from(state.quantity_micros), 6)));
    }
    if !state.discounts.is_empty() {
        words.push(netnew_facts::Discount::list_to_json(&state.discounts));
    }
    for (name, at) in
        [("trial_end", state.trial_end), ("asked", state.cancel_requested_at), ("cancel_at", state.cancel_at)]
    {
        words.extend(at.map(|at| format!("{name}={at}")));
    }
    words.extend(state.reason.map(|r| r.as_str().to_string()));
    words.extend(state.reason_text.as_deref().map(|t| format!("({t})")));
    if state.reconstructed {
        words.push("rebuilt".into());
    }
    words.join(" ")
}
