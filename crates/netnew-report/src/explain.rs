//! From a number to its movements, to the facts, to the rows of your files.

use crate::ReportError;
use crate::customer::fact_json;
use crate::metrics::find;
use crate::movements::{Movement, collect, to_json};
use crate::mrr::envelope;
use crate::parse_day;
use crate::{Question, Report};
use netnew_book::PayloadInfo;
use netnew_ledger::Kind;
use netnew_metrics::registry::Metric;
use netnew_metrics::{Extras, Query, ReportCurrency, RollupRow};
use netnew_money::{Amount, Day};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// A movement with the facts and payload rows under it, by the beginning of its id. The report is best asked for with
/// [`crate::Question::in_own_currency`]; `convert`: amounts in the report's currency; `customer`: whose it is, when that is
/// known, so that nobody else has to be looked at.
///
/// # Errors
/// `unknown_movement` when no or several ids begin so.
pub fn movement(
    report: &Report,
    id: &str,
    customer: Option<&str>,
    convert: bool,
) -> Result<Value, ReportError> {
    let query = report.query()?;
    let all = collect(report, &query, customer, None, convert)?;
    let found: Vec<Movement> = all.into_iter().filter(|m| m.id.starts_with(id)).collect();
    let [one] = found.as_slice() else {
        return Err(ReportError::refused(
            "unknown_movement",
            format!("{} movements have an id that starts with {id:?}", found.len()),
            "ids are in `netnew movements`, with the same --policy, --set, --by and --timezone",
        ));
    };
    Ok(tree(report, std::slice::from_ref(one))?.remove(0))
}

/// A period of the report's interval, and what happened in it.
pub struct PeriodMovements {
    /// Its first day.
    pub start: Day,
    /// The question over it.
    pub query: Query,
    /// Its rows of the waterfall: one, or one per currency.
    pub rows: Vec<RollupRow>,
    /// Its movements, oldest first.
    pub movements: Vec<Movement>,
    /// What they add up to.
    pub total: Amount,
    /// The metric that this number is.
    pub metric: &'static Metric,
}

/// The movements of a period of the report's interval, named by any of its days; `kind`: only movements of that kind. The
/// report's range is that period afterwards.
///
/// # Errors
/// `bad_date`, a missing rate, or a book that cannot be read.
pub fn movements_of(
    report: &mut Report,
    any_day: &str,
    kind: Option<Kind>,
) -> Result<PeriodMovements, ReportError> {
    let day = parse_day("--period", any_day)?;
    let start = report.grain.period_start(day, report.policy.week_start);
    let next = report.grain.next_start(start, report.policy.week_start);
    report.from = Some(start);
    report.to = Some(next.add_days(-1).min(report.today().max(start)));
    let query = report.query()?;
    let rows = report.rows(&query, Extras::default())?;
    let convert = report.currency != ReportCurrency::Original;
    let movements = collect(report, &query, None, kind, convert)?;
    let total = movements.iter().map(|m| m.row.amount).sum();
    let metric = find(kind.map_or("net_new_mrr", metric_of))?;
    Ok(PeriodMovements { start, query, rows, movements, total, metric })
}

/// A period's number with everything under it.
pub struct Explained {
    /// The tree, in the contract's shape.
    pub value: Value,
    /// Its movements.
    pub movements: Vec<Movement>,
}

/// What a period is made of, whole; see [`movements_of`].
///
/// # Errors
/// As [`movements_of`].
pub fn period(report: &mut Report, any_day: &str, kind: Option<Kind>) -> Result<Explained, ReportError> {
    let found = movements_of(report, any_day, kind)?;
    let movements = found.movements;
    let mut value = envelope(report);
    value.insert("period".into(), json!(found.start.to_string()));
    value.insert("kind".into(), json!(kind.map(Kind::as_str)));
    value.insert("definition".into(), json!(found.metric.definition));
    value.insert("amount".into(), json!(found.total.to_string()));
    value.insert("customers".into(), json!(distinct(&movements)));
    value.insert("movement_count".into(), json!(movements.len()));
    value.insert("waterfall".into(), Value::Array(found.rows.iter().map(waterfall).collect()));
    value.insert("command".into(), json!(command(&found.query, kind, &report.question)));
    value.insert("movements".into(), Value::Array(tree(report, &movements)?));
    Ok(Explained { value: Value::Object(value), movements })
}

fn metric_of(kind: Kind) -> &'static str {
    match kind {
        Kind::New => "new_mrr",
        Kind::Reactivation => "reactivation_mrr",
        Kind::Expansion => "expansion_mrr",
        Kind::Contraction => "contraction_mrr",
        Kind::Churn => "churned_mrr",
        Kind::Transfer => "net_new_mrr",
    }
}

/// How many customers.
pub fn distinct(movements: &[Movement]) -> usize {
    let mut customers: Vec<&str> = movements.iter().map(|m| &*m.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    customers.len()
}

fn waterfall(row: &RollupRow) -> Value {
    let mut out = Map::new();
    out.insert("start".into(), json!(row.start.to_string()));
    for kind in Kind::ALL {
        out.insert(kind.as_str().into(), json!(row.movement(kind).to_string()));
    }
    out.insert("fx".into(), json!(row.fx.to_string()));
    out.insert("end".into(), json!(row.end.to_string()));
    Value::Object(out)
}

/// A command that gives the same number.
pub fn command(query: &Query, kind: Option<Kind>, read: &Question) -> String {
    let mut out = format!("netnew movements --from {} --to {}", query.from, query.to);
    if let Some(kind) = kind {
        out.push_str(&format!(" --kind {}", kind.as_str()));
    }
    for (flag, value) in [
        ("--policy", &read.policy),
        ("--currency", &read.currency),
        ("--timezone", &read.timezone),
        ("--where", &read.filter),
        ("--known-on", &read.known_on),
    ] {
        if let Some(value) = value {
            out.push_str(&format!(" {flag} '{value}'"));
        }
    }
    for set in &read.set {
        out.push_str(&format!(" --set {set}"));
    }
    out
}

/// Movements with the facts and payload rows under them.
///
/// # Errors
/// A book that cannot be read.
pub fn tree(report: &Report, movements: &[Movement]) -> Result<Vec<Value>, ReportError> {
    let mut facts: HashMap<String, Value> = HashMap::new();
    let mut customers: Vec<&str> = movements.iter().map(|m| &*m.customer).collect();
    customers.sort_unstable();
    customers.dedup();
    let wanted: std::collections::HashSet<&str> =
        movements.iter().flat_map(|m| m.facts.iter().map(String::as_str)).collect();
    let mut rows_wanted: Vec<(String, u32, u64)> = Vec::new();
    for customer in customers {
        let Some(all) = report.customer_facts(customer)? else { continue };
        for fact in &all.facts {
            let id = fact.id();
            if wanted.contains(id.as_str()) && !facts.contains_key(&id) {
                facts.insert(id.clone(), fact_json(fact, &report.snapshot)?);
                rows_wanted.push((id, fact.payload.payload, fact.payload.row));
            }
        }
    }
    attach_raw_rows(report, &mut rows_wanted, &mut facts)?;
    let mut out = Vec::with_capacity(movements.len());
    for m in movements {
        let mut value = to_json(m, report);
        let receipts: Vec<Value> = m.facts.iter().filter_map(|id| facts.get(id).cloned()).collect();
        value["facts"] = Value::Array(receipts);
        out.push(value);
    }
    Ok(out)
}

/// Reads the wanted rows of each kept file in one pass.
fn attach_raw_rows(
    report: &Report,
    wanted: &mut [(String, u32, u64)],
    facts: &mut HashMap<String, Value>,
) -> Result<(), ReportError> {
    wanted.sort_by_key(|(_, payload, row)| (*payload, *row));
    for rows in wanted.chunk_by(|a, b| a.1 == b.1) {
        let Some(info) = report.snapshot.payload(rows[0].1)? else { continue };
        let lines = text_lines(&info, &rows.iter().map(|r| r.2).collect::<Vec<_>>())?;
        for ((id, ..), line) in rows.iter().zip(lines) {
            if let (Some(fact), Some(line)) = (facts.get_mut(id), line) {
                fact["payload"]["raw"] = json!(line);
            }
        }
    }
    Ok(())
}

/// The lines of a kept text file, for ascending line numbers; `None` for files that are not text.
/// # Errors
/// A file that cannot be read.
pub fn text_lines(info: &PayloadInfo, rows: &[u64]) -> Result<Vec<Option<String>>, ReportError> {
    let mut reader = BufReader::new(std::fs::File::open(&info.path)?);
    let mut head = [0u8; 4];
    let read = reader.read(&mut head)?;
    if read >= 4 && (&head == b"PAR1" || &head == b"PK\x03\x04") {
        return Ok(vec![None; rows.len()]);
    }
    let mut reader = BufReader::new(std::fs::File::open(&info.path)?);
    let mut out = Vec::with_capacity(rows.len());
    let (mut number, mut line) = (0u64, Vec::new());
    for &row in rows {
        while number < row {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
        }
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .trim_start_matches('\u{feff}')
            .to_string();
        out.push((number == row && row > 0).then_some(text));
    }
    Ok(out)
}
