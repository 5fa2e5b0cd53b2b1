//! The waterfall, period by period, and what every answer says about itself.

use crate::Report;
use crate::ReportError;
use netnew_ledger::Kind;
use netnew_metrics::{Extras, GroupKey, Query, ReportCurrency, RollupRow};
use netnew_money::Amount;
use netnew_policy::Policy;
use serde_json::{Map, Value, json};

/// The rows of the report.
///
/// # Errors
/// A missing rate, or a book that cannot be read.
pub fn waterfall(report: &Report, query: &Query) -> Result<Vec<RollupRow>, ReportError> {
    match report.is_empty()? {
        true => Ok(Vec::new()),
        false => report.rows(query, Extras::default()),
    }
}

/// What every report says about itself.
pub fn envelope(report: &Report) -> Map<String, Value> {
    let mut envelope = Map::new();
    envelope.insert("policy".into(), policy_json(&report.policy));
    envelope.insert("currency".into(), json!(report.currency_name()));
    envelope.insert("timezone".into(), json!(report.zone.name()));
    envelope.insert("as_of".into(), json!(report.as_of.to_string()));
    envelope.insert("data_through".into(), json!(report.least_data_through().map(|i| i.to_string())));
    envelope
}

/// Name, version and what was changed.
pub fn policy_json(policy: &Policy) -> Value {
    let changed: Map<String, Value> =
        policy.changed.iter().map(|(knob, value)| (knob.clone(), json!(value))).collect();
    json!({"name": policy.name, "version": policy.version, "changed": changed})
}

/// A group as one text: null without one, fields joined by commas.
pub fn group_json(key: &GroupKey) -> Value {
    match key.values.as_slice() {
        [] => Value::Null,
        [one] => json!(one),
        several => {
            json!(several.iter().map(|v| v.as_deref().unwrap_or_default()).collect::<Vec<_>>().join(","))
        }
    }
}

/// A row in the contract's shape.
pub fn row_json(report: &Report, query: &Query, row: &RollupRow) -> Value {
    let mut out = Map::new();
    out.insert("period".into(), json!(row.period.start.to_string()));
    out.insert("complete".into(), json!(report.complete(&row.period)));
    if !report.by.is_empty() {
        out.insert("group".into(), group_json(&row.group));
    }
    if let Some(currency) = row.group.currency {
        out.insert("currency".into(), json!(currency.as_str()));
    }
    let amount = |a: Amount| json!(a.to_string());
    out.insert("start".into(), amount(row.start));
    for kind in Kind::ALL {
        out.insert(kind.as_str().into(), amount(row.movement(kind)));
    }
    out.insert("fx".into(), amount(row.fx));
    out.insert("end".into(), amount(row.end));
    out.insert(
        "customers".into(),
        json!({
            "start": row.heads_start,
            "new": row.heads.new,
            "reactivated": row.heads.reactivated,
            "entered": row.heads.entered,
            "churned": row.heads.churned,
            "left": row.heads.left,
            "end": row.heads_end,
        }),
    );
    if report.expected(query, &row.period) {
        out.insert("expected".into(), json!(true));
    }
    Value::Object(out)
}

/// Minor-unit decimals of a row's currency.
pub fn decimals(report: &Report, row: &RollupRow) -> u8 {
    match (report.currency, row.group.currency) {
        (ReportCurrency::In(currency), _) | (ReportCurrency::Original, Some(currency)) => currency.exponent(),
        (ReportCurrency::Original, None) => 2,
    }
}

/// What a reader needs to know to repeat the figures.
pub fn footer(report: &Report) -> String {
    let changed: Vec<String> = report.policy.changed.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
    let through = report.least_data_through().map_or("nothing yet".to_string(), |i| i.to_string());
    format!(
        "{} · policy {} {}{} · {} · as of {} · data through {}\n",
        report.currency_name(),
        report.policy.name,
        report.policy.version,
        changed,
        report.zone.name(),
        report.as_of,
        through
    )
}
