//! What is read straight from what was sent.

use super::{Answer, Call, Reply};
use netnew_connect::mogul::{List, Object, Order};
use netnew_mogul::cursor;
use netnew_report::ReportError;
use serde_json::{Map, Value, json};

/// A page of objects under a key.
pub(super) fn list(
    call: &Call,
    kind: &str,
    key: &str,
    conditions: &[(&str, String)],
    order: Order,
    shape: impl Fn(&Object, Value) -> Value,
) -> Answer {
    let asked = call.asked()?;
    let list = call.read(|store| store.list(kind, conditions, &asked, order))?;
    let mut body = Map::new();
    let mut values = Vec::with_capacity(list.objects.len());
    for object in &list.objects {
        values.push(shape(object, serde_json::from_str(&object.body)?));
    }
    body.insert(key.into(), Value::Array(values));
    close(&mut body, &asked, &list);
    Reply::ok(&body)
}

pub(super) fn close(body: &mut Map<String, Value>, asked: &cursor::Asked, list: &List) {
    cursor::close(body, asked, list.last(), list.more, list.total);
}

/// Conditions from parameters of the address, for those that are given.
pub(super) fn given(call: &Call, names: &[(&'static str, &'static str)]) -> Vec<(&'static str, String)> {
    names.iter().filter_map(|(name, sql)| Some((*sql, call.params.text(name)?))).collect()
}

/// The book as an account.
pub(super) fn account(call: &Call) -> Answer {
    let settings = call.site.book().settings();
    let policy = netnew_policy::Policy::preset("chartmogul").map_err(ReportError::from)?;
    let week = format!("{:?}", policy.week_start).to_lowercase();
    let mut body = Map::new();
    body.insert("id".into(), json!(netnew_mogul::ids::id("acc", &[&call.site.options().title])));
    body.insert("name".into(), json!(call.site.options().title));
    body.insert("currency".into(), json!(settings.currency.as_str()));
    body.insert("time_zone".into(), json!(settings.timezone));
    body.insert("week_start_on".into(), json!(week));
    for name in call.params.get("include").unwrap_or_default().split(',').map(str::trim) {
        let value = match name {
            "churn_recognition" => json!("immediate"),
            "churn_when_zero_mrr" => json!(false),
            "auto_churn_subscription" => json!({"enabled": false, "interval": null}),
            "refund_handling" => json!("ignore"),
            "proximate_movement_reclassification" => json!("enabled"),
            _ => continue,
        };
        body.insert(name.into(), value);
    }
    Reply::ok(&body)
}
