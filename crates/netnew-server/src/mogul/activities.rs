//! Movements as activities: one line per subscription and change.

use super::metrics::{day, report};
use super::{Answer, Call, Oops, Reply, missing};
use netnew_connect::mogul::Store;
use netnew_facts::Text;
use netnew_ledger::Kind;
use netnew_mogul::cursor;
use netnew_mogul::shapes::{Customer, DataSource, Subscription};
use netnew_mogul::{dates, ids, money};
use netnew_money::{Amount, Instant};
use netnew_report::movements::{Movement, collect};
use netnew_report::{Question, Report, ReportError};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// One activity.
pub(super) struct Activity {
    at: Instant,
    kind: &'static str,
    movement: i64,
    after: i64,
    plan: Option<Text>,
    source: Text,
    subscription: Text,
    customer: Text,
    id: String,
}

/// The activities of a report, oldest first; of one customer, or of all.
pub(super) fn of(report: &Report, customer: Option<&str>) -> Result<Vec<Activity>, Oops> {
    let query = report.query().map_err(ReportError::from)?;
    let movements = collect(report, &query, customer, None, true)?;
    let mut out: Vec<Activity> = Vec::new();
    let mut rows = movements.iter().filter(|m| !m.expected).peekable();
    while let Some(first) = rows.next() {
        let mut step = vec![first];
        while let Some(next) = rows.next_if(|m| m.step == first.step) {
            step.push(next);
        }
        of_step(&step, &mut out);
    }
    Ok(out)
}

/// One step of one customer: a line for each of its subscriptions that comes out above or below 0, with what the customer
/// pays after it.
fn of_step(step: &[&Movement], out: &mut Vec<Activity>) {
    let mut by_subscription: BTreeMap<(&str, &str), Vec<&Movement>> = BTreeMap::new();
    // What only moves from one subscription to another is nobody's change.
    for row in step.iter().filter(|m| m.row.kind != Kind::Transfer) {
        by_subscription.entry((&row.item.source, &row.item.subscription)).or_default().push(row);
    }
    let mut level: Amount = step[0].customer_before;
    for rows in by_subscription.values() {
        let sum: Amount = rows.iter().map(|m| m.row.amount).sum();
        if sum.is_zero() {
            continue;
        }
        let before = level;
        level += sum;
        let decided = rows.iter().find_map(|m| match m.row.kind {
            Kind::New => Some("new_biz"),
            Kind::Reactivation => Some("reactivation"),
            Kind::Churn => Some("churn"),
            _ => None,
        });
        let by_sign = if sum > Amount::ZERO { "expansion" } else { "contraction" };
        let of_plan = rows.iter().max_by_key(|m| m.row.after);
        let Some(first) = rows.first() else { continue };
        out.push(Activity {
            at: first.at,
            kind: decided.unwrap_or(by_sign),
            // What is shown adds up: each is the difference of levels as they are shown.
            movement: money::cents(level) - money::cents(before),
            after: money::cents(level),
            plan: of_plan.and_then(|m| m.row.plan.clone()),
            source: first.item.source.clone(),
            subscription: first.item.subscription.clone(),
            customer: first.customer.clone(),
            id: ids::id("", &[&first.step, &first.item.source, &first.item.subscription]),
        });
    }
}

impl Activity {
    fn description(&self) -> String {
        let plan = self.plan.as_deref().map_or("a plan".to_string(), |plan| format!("the {plan} plan"));
        match self.kind {
            "new_biz" => format!("purchased {plan}"),
            "reactivation" => format!("reactivated with {plan}"),
            "churn" => format!("cancelled {plan}"),
            "expansion" => format!("upgraded to more on {plan}"),
            _ => format!("downgraded to less on {plan}"),
        }
    }

    /// As a customer's own list has it.
    pub(super) fn own_json(&self, report: &Report) -> Map<String, Value> {
        let currency = report.currency_name();
        let mut out = Map::new();
        out.insert("id".into(), json!(ids::number(&self.id)));
        out.insert("description".into(), json!(self.description()));
        out.insert("activity-mrr-movement".into(), json!(self.movement));
        out.insert("activity-mrr".into(), json!(self.after));
        out.insert("activity-arr".into(), json!(self.after.saturating_mul(12)));
        out.insert("date".into(), json!(dates::write_offset(self.at)));
        out.insert("type".into(), json!(self.kind));
        out.insert("currency".into(), json!(currency));
        out.insert("currency-sign".into(), json!(sign(&currency)));
        out.insert("subscription-external-id".into(), json!(&*self.subscription));
        out
    }
}

/// The sign that a currency is shown with; its code where it has none of its own.
pub(super) fn sign(currency: &str) -> &str {
    match currency {
        "USD" | "AUD" | "CAD" | "NZD" | "SGD" | "HKD" | "MXN" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "INR" => "₹",
        "KRW" => "₩",
        "BRL" => "R$",
        "PLN" => "zł",
        "SEK" | "NOK" | "DKK" => "kr",
        "ILS" => "₪",
        "TRY" => "₺",
        "UAH" => "₴",
        other => other,
    }
}

/// Who and what the objects sent say that facts are about.
struct Names {
    customers: HashMap<String, Customer>,
    sources: HashMap<String, String>,
    sets: HashMap<(String, String), String>,
    plans: HashMap<String, String>,
}

impl Names {
    fn of(store: &Store) -> Result<Names, netnew_connect::mogul::Refusal> {
        let mut names = Names {
            customers: HashMap::new(),
            sources: HashMap::new(),
            sets: HashMap::new(),
            plans: HashMap::new(),
        };
        for object in store.all("customer")? {
            let customer: Customer = object.read()?;
            names.customers.insert(customer.book_id.clone(), Customer { uuid: object.about, ..customer });
        }
        for object in store.all("data_source")? {
            let source: DataSource = object.read()?;
            names.sources.insert(source.name, source.uuid);
        }
        for object in store.all("subscription")? {
            let one: Subscription = object.read()?;
            if let Some(set) = one.subscription_set_external_id {
                names.sets.insert((one.data_source_uuid, one.external_id), set);
            }
        }
        for object in store.all("plan")? {
            let plan: netnew_mogul::shapes::Plan = object.read()?;
            names.plans.insert(plan.name, plan.external_id);
        }
        Ok(names)
    }

    fn json(&self, report: &Report, activity: &Activity) -> Map<String, Value> {
        let mut out = activity.own_json(report);
        out.shift_remove("id");
        out.shift_remove("currency-sign");
        let customer = self.customers.get(&*activity.customer);
        let source = self
            .sources
            .get(&*activity.source)
            .cloned()
            .unwrap_or_else(|| ids::id("ds", &[&activity.source]));
        let set = self.sets.get(&(source.clone(), activity.subscription.to_string()));
        out.insert("subscription-set-external-id".into(), json!(set.map_or(&*activity.subscription, |s| s)));
        let plan = activity.plan.as_deref().unwrap_or_default();
        out.insert("plan-external-id".into(), json!(self.plans.get(plan).map_or(plan, |p| p)));
        out.insert("customer-name".into(), json!(customer.map_or(&*activity.customer, |c| &c.name)));
        let uuid = customer.map_or_else(|| ids::id("cus", &["", &activity.customer]), |c| c.uuid.clone());
        out.insert("customer-uuid".into(), json!(uuid));
        out.insert(
            "customer-external-id".into(),
            json!(customer.map_or(&*activity.customer, |c| &c.external_id)),
        );
        out.insert("billing-connector-uuid".into(), json!(source));
        out.insert("uuid".into(), json!(activity.id));
        out
    }
}

/// `/activities` and `/activities_export`
pub(super) fn answer(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", ["activities"]) => list(call),
        ("POST", ["activities_export"]) => export(call),
        ("GET", ["activities_export", id]) => Reply::ok(&exported(call, id)?),
        ("GET", ["activities_export", id, "file"]) => file(call, id),
        _ => Err(missing()),
    }
}

fn asked_report(call: &Call, from: Option<String>, to: Option<String>) -> Result<Report, Oops> {
    let question = Question { from, to, interval: "month".into(), ..Question::default() };
    report(call, question)
}

fn found(report: &Report, kind: Option<&str>) -> Result<Vec<Activity>, Oops> {
    let mut found = if report.is_empty()? { Vec::new() } else { of(report, None)? };
    found.retain(|a| kind.is_none_or(|kind| a.kind == kind));
    Ok(found)
}

const TYPES: [&str; 5] = ["new_biz", "reactivation", "expansion", "contraction", "churn"];

fn list(call: &Call) -> Answer {
    let asked = call.asked()?;
    let kind = call.params.get("type");
    if kind.is_some_and(|kind| !TYPES.contains(&kind)) {
        return Err(Oops::Param("type".into(), format!("must be one of {}", TYPES.join(", "))));
    }
    let text = |name| day(call, name).map(|day| day.map(|d| d.to_string()));
    let report = asked_report(call, text("start-date")?, text("end-date")?)?;
    let mut found = found(&report, kind)?;
    if call.params.get("order") == Some("-date") {
        found.reverse();
    }
    let names = call.read(Names::of)?;
    let skip = match asked.after {
        Some(after) => usize::try_from(after).unwrap_or(usize::MAX),
        None => match call.params.get("start-after") {
            Some(uuid) => found.iter().position(|a| a.id == uuid).map_or(found.len(), |at| at + 1),
            None => asked.skip,
        },
    };
    let body = page(&found, &asked, skip, |activity| Value::Object(names.json(&report, activity)));
    Reply::ok(&body)
}

/// A page of what is all there, under `entries`.
pub(super) fn page<T>(all: &[T], asked: &cursor::Asked, skip: usize, shape: impl Fn(&T) -> Value) -> Value {
    let end = skip.saturating_add(asked.rows).min(all.len());
    let rows = all.get(skip..end).unwrap_or_default();
    let mut body = Map::new();
    body.insert("entries".into(), rows.iter().map(shape).collect());
    let last = (!rows.is_empty()).then(|| i64::try_from(end).unwrap_or(i64::MAX));
    cursor::close(&mut body, asked, last, end < all.len(), all.len());
    Value::Object(body)
}

fn export(call: &Call) -> Answer {
    let text = |name: &str| call.body.get(name).or_else(|| call.body.get(&name.replace('_', "-")));
    let mut params = Map::new();
    for name in ["start_date", "end_date", "type"] {
        let Some(value) = text(name).and_then(Value::as_str) else { continue };
        if name != "type" && dates::read_day(value).is_none() {
            return Err(netnew_mogul::Wrong::one(name, "is not a valid date").into());
        }
        if name == "type" && !TYPES.contains(&value) {
            return Err(netnew_mogul::Wrong::one(name, "is not a type of activities").into());
        }
        params.insert(name.into(), json!(value));
    }
    let id =
        ids::id("", &["export", &call.now.micros().to_string(), &Value::Object(params.clone()).to_string()]);
    let body = json!({
        "id": id,
        "status": "pending",
        "file_url": null,
        "params": {"kind": "activities", "params": params},
        "expires_at": null,
        "created_at": dates::write(call.now),
    });
    let kept = body.clone();
    call.write(move |store, _| netnew_connect::mogul::acts::basics::keep(store, "export", &id, "", &kept))?;
    Reply::created(&body)
}

fn exported(call: &Call, id: &str) -> Result<Value, Oops> {
    let mut body: Value = call.read(|store| store.need("export", id, "Activities export")?.read())?;
    body["status"] = json!("succeeded");
    body["file_url"] = json!(format!("{}/v1/activities_export/{id}/file", call.base));
    Ok(body)
}

const COLUMNS: [&str; 13] = [
    "date",
    "type",
    "description",
    "activity-mrr-movement",
    "activity-mrr",
    "activity-arr",
    "currency",
    "customer-name",
    "customer-uuid",
    "customer-external-id",
    "plan-external-id",
    "subscription-external-id",
    "subscription-set-external-id",
];

fn file(call: &Call, id: &str) -> Answer {
    let body = exported(call, id)?;
    let params = &body["params"]["params"];
    let text = |name: &str| params[name].as_str().map(|t| t.chars().take(10).collect::<String>());
    let report = asked_report(call, text("start_date"), text("end_date"))?;
    let names = call.read(Names::of)?;
    let rows: Vec<Value> = found(&report, params["type"].as_str())?
        .iter()
        .map(|activity| {
            let all = names.json(&report, activity);
            let cell = |name: &&str| (name.to_string(), all.get(*name).cloned().unwrap_or(Value::Null));
            Value::Object(COLUMNS.iter().map(cell).collect())
        })
        .collect();
    let mut out = Vec::new();
    match rows.is_empty() {
        true => out.extend(format!("{}\n", COLUMNS.join(",")).bytes()),
        false => netnew_report::flat::write_csv(&rows, &mut out).map_err(ReportError::from)?,
    }
    Ok(Reply::Csv(format!("activities-{id}.csv"), out))
}
