//! Customers: what was sent of them, and what follows from it.

use super::activities::{self, sign};
use super::metrics::report;
use super::reads::close;
use super::{Answer, Call, Oops, Reply, missing};
use axum::http::StatusCode;
use netnew_connect::mogul::acts::customers::{self, Custom};
use netnew_connect::mogul::acts::subscriptions;
use netnew_connect::mogul::{List, Order, Refusal};
use netnew_facts::Status;
use netnew_ledger::{CustomerLedger, Kind, replay};
use netnew_metrics::{Query, RollupError};
use netnew_mogul::checks::Fields;
use netnew_mogul::shapes::{Customer, DataSource, Invoice, Plan, Subscription};
use netnew_mogul::{dates, ids, money};
use netnew_money::{Amount, Instant};
use netnew_report::{Question, Report, ReportError};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `/customers`
pub(super) fn answer(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", []) => {
            let made = call.write(customers::add)?;
            let facing = Facing::nothing(call);
            Ok(Reply::Json(StatusCode::CREATED, facing.json(&made, std::slice::from_ref(&made))))
        }
        ("GET", []) => list(call),
        ("GET", ["search"]) => search(call),
        ("POST", ["merges"]) => {
            call.write(customers::merge)?;
            Reply::accepted(&json!({}))
        }
        ("POST", ["unmerges"]) => {
            call.write(customers::unmerge)?;
            Reply::accepted(&json!({}))
        }
        ("POST", ["attributes", what @ ("tags" | "custom")]) => by_email(call, what),
        ("GET", [uuid]) => Reply::ok(&one(call, uuid)?),
        ("PATCH", [uuid]) => {
            let id = uuid.to_string();
            call.write(move |store, request| customers::change(store, request, &id))?;
            Reply::ok(&one(call, uuid)?)
        }
        ("DELETE", [uuid]) => {
            let id = uuid.to_string();
            call.write(move |store, request| customers::remove(store, request, &id))?;
            Ok(Reply::Empty)
        }
        ("GET", [uuid, "attributes"]) => {
            let customer = found(call, uuid)?;
            Reply::ok(&attributes(&customer))
        }
        ("POST" | "DELETE", [uuid, "attributes", "tags"]) => {
            let (id, add) = (uuid.to_string(), method == "POST");
            let tags = call.write(move |store, request| customers::tags(store, request, &id, add))?;
            Reply::ok(&json!({"tags": tags}))
        }
        ("POST" | "PUT" | "DELETE", [uuid, "attributes", "custom"]) => {
            let id = uuid.to_string();
            let how = if method == "DELETE" { Custom::Remove } else { Custom::Set };
            let customer = call.write(move |store, request| customers::custom(store, request, &id, how))?;
            Reply::ok(&json!({"custom": customer.custom}))
        }
        ("GET", [uuid, "activities"]) => own_activities(call, uuid),
        ("GET", [uuid, "subscriptions"]) => own_subscriptions(call, uuid),
        ("POST", [uuid, how @ ("connect_subscriptions" | "disconnect_subscriptions")]) => {
            let (id, connect) = (uuid.to_string(), *how == "connect_subscriptions");
            call.write(move |store, request| subscriptions::connect(store, request, &id, connect))?;
            Reply::accepted(&json!({}))
        }
        (_, [uuid, "contacts"]) => super::extras::contacts_of(call, method, uuid),
        _ => Err(missing()),
    }
}

fn found(call: &Call, uuid: &str) -> Result<Customer, Oops> {
    call.read(|store| customers::find(store, uuid)?.read())
}

fn attributes(customer: &Customer) -> Value {
    json!({"tags": customer.tags, "stripe": {}, "clearbit": {}, "custom": customer.custom})
}

/// What figures of customers are taken from.
struct Facing<'c> {
    call: &'c Call,
    report: Option<(Report, Query)>,
    sources: Vec<DataSource>,
}

/// What follows from a customer's facts.
#[derive(Default)]
struct Standing {
    mrr: i64,
    status: &'static str,
    since: Option<Instant>,
}

impl<'c> Facing<'c> {
    /// For what has just been made: there are no figures.
    fn nothing(call: &'c Call) -> Facing<'c> {
        Facing { call, report: None, sources: Vec::new() }
    }

    fn new(call: &'c Call) -> Result<Facing<'c>, Oops> {
        let report = report(call, Question::default())?;
        let query = report.query().map_err(ReportError::from)?;
        let objects = call.read(|store| store.all("data_source"))?;
        let sources = objects.iter().filter_map(|o| serde_json::from_str(&o.body).ok()).collect();
        Ok(Facing { call, report: Some((report, query)), sources })
    }

    fn standing(&self, customer: &Customer) -> Result<Standing, Oops> {
        let lead = Standing { status: "New Lead", ..Standing::default() };
        let Some((report, query)) = &self.report else { return Ok(lead) };
        let Some(facts) = report.customer_facts(&customer.book_id)? else { return Ok(lead) };
        let ctx = report.context(query, false);
        let ledger = replay(&facts, &ctx).map_err(ReportError::from)?;
        let listed = netnew_report::customers::listed(report, &ctx, query, &facts, &ledger)
            .map_err(|e: RollupError| ReportError::from(e))?;
        let Some(listed) = listed else { return Ok(lead) };
        let began = |s: &&netnew_ledger::Step| !s.expected && s.kind == Some(Kind::New);
        let status = match listed.status {
            "active" if late(&ledger, report.as_of) => "Past Due",
            "active" => "Active",
            "churned" => "Cancelled",
            _ => "New Lead",
        };
        let since = ledger.customer_steps().iter().find(began).map(|s| s.at);
        Ok(Standing { mrr: money::cents(listed.mrr), status, since })
    }

    /// The customer as it is answered. `records`: itself and those merged into it.
    fn json(&self, customer: &Customer, records: &[Customer]) -> Value {
        let standing = self.standing(customer).unwrap_or_default();
        self.with(customer, records, &standing)
    }

    fn with(&self, customer: &Customer, records: &[Customer], standing: &Standing) -> Value {
        let currency = self.call.site.book().settings().currency.as_str();
        let shown = if customer.name.is_empty() { &customer.company } else { &customer.name };
        let system = self
            .sources
            .iter()
            .find(|s| s.uuid == customer.data_source_uuid)
            .map_or("Import API", |s| &s.system);
        let each = |get: fn(&Customer) -> &str| records.iter().map(get).collect::<Vec<_>>();
        json!({
            "id": ids::number(&customer.uuid),
            "uuid": customer.uuid,
            "external_id": customer.external_id,
            "name": customer.name,
            "email": customer.email,
            "status": standing.status,
            "customer-since": standing.since.map(dates::write_offset),
            "attributes": attributes(customer),
            "data_source_uuid": customer.data_source_uuid,
            "data_source_uuids": each(|r| &r.data_source_uuid),
            "external_ids": each(|r| &r.external_id),
            "company": customer.company,
            "country": customer.country,
            "state": customer.state,
            "city": customer.city,
            "zip": customer.zip,
            "lead_created_at": customer.lead_created_at.map(dates::write),
            "free_trial_started_at": customer.free_trial_started_at.map(dates::write),
            "address": {
                "country": customer.country, "state": customer.state, "city": customer.city,
                "address_zip": customer.zip,
            },
            "mrr": standing.mrr,
            "arr": standing.mrr.saturating_mul(12),
            "billing-system-url": null,
            "chartmogul-url": format!("{}/customers/{}", self.call.base, encoded(&customer.book_id)),
            "billing-system-type": system,
            "currency": currency,
            "currency-sign": sign(currency),
            "owner": customer.owner,
            "website_url": customer.website_url,
            "display_name": shown,
        })
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Whether something that runs is past due.
fn late(ledger: &CustomerLedger, at: Instant) -> bool {
    ledger
        .phases
        .iter()
        .filter_map(|phases| phases.iter().rev().find(|p| p.from <= at))
        .any(|phase| phase.live && phase.status == Status::PastDue)
}

fn one(call: &Call, uuid: &str) -> Result<Value, Oops> {
    let records = call.read(|store| {
        customers::find(store, uuid)?;
        customers::records(store, uuid)
    })?;
    let customer = records.first().ok_or(Refusal::NotFound("Customer"))?;
    let facing = Facing::new(call)?;
    let standing = facing.standing(customer)?;
    Ok(facing.with(customer, &records, &standing))
}

fn entries(call: &Call, list: &List) -> Result<Vec<Value>, Oops> {
    let facing = Facing::new(call)?;
    let mut out = Vec::with_capacity(list.objects.len());
    for object in &list.objects {
        let records = call.read(|store| customers::records(store, &object.id))?;
        if let Some(customer) = records.first() {
            let standing = facing.standing(customer)?;
            out.push(facing.with(customer, &records, &standing));
        }
    }
    Ok(out)
}

fn list(call: &Call) -> Answer {
    let asked = call.asked()?;
    let mut conditions: Vec<(&str, String)> = vec![("about = id", String::new())];
    // A merged customer is found by any of its records.
    let within = [
        ("external_id", "id IN (SELECT about FROM mogul_objects WHERE kind = 'customer' AND external = ?)"),
        (
            "data_source_uuid",
            "id IN (SELECT about FROM mogul_objects WHERE kind = 'customer' AND source = ?)",
        ),
    ];
    for (name, sql) in within {
        conditions.extend(call.params.text(name).map(|value| (sql, value)));
    }
    if let Some(system) = call.params.text("system") {
        conditions.push(("? = 'Import API'", system));
    }
    let list = call.read(|store| store.list("customer", &conditions, &asked, Order::Oldest))?;
    let mut body = Map::new();
    let mut values = entries(call, &list)?;
    if let Some(status) = call.params.get("status") {
        let wanted = status.replace('_', " ");
        values.retain(|v| v["status"].as_str().is_some_and(|s| s.eq_ignore_ascii_case(&wanted)));
    }
    body.insert("entries".into(), Value::Array(values));
    close(&mut body, &asked, &list);
    Reply::ok(&body)
}

fn nobody(email: &str) -> Oops {
    let message = format!("Can't find any customers with email: \"{email}\"");
    Oops::Body(StatusCode::NOT_FOUND, json!({"code": 404, "message": message, "param": "email"}))
}

fn search(call: &Call) -> Answer {
    let asked = call.asked()?;
    let Some(email) = call.params.text("email") else {
        return Err(Oops::Param("email".into(), "is missing".into()));
    };
    let conditions = [("about = id", String::new()), ("search = ?", email.trim().to_lowercase())];
    let list = call.read(|store| store.list("customer", &conditions, &asked, Order::Oldest))?;
    if list.objects.is_empty() && asked.after.is_none() {
        return Err(nobody(&email));
    }
    let mut body = Map::new();
    body.insert("entries".into(), Value::Array(entries(call, &list)?));
    close(&mut body, &asked, &list);
    Reply::ok(&body)
}

/// Tags or custom attributes for every customer with an e-mail address.
fn by_email(call: &Call, what: &str) -> Answer {
    let mut fields = Fields::of(&call.body);
    let email = fields.required("email", "can't be blank");
    if !fields.wrong.is_empty() {
        return Err(fields.wrong.into());
    }
    let (is_tags, wanted) = (what == "tags", email.clone());
    let ids = call.write(move |store, request| {
        let all = customers::by_email(store, &wanted)?;
        for object in &all {
            match is_tags {
                true => drop(customers::tags(store, request, &object.id, true)?),
                false => drop(customers::custom(store, request, &object.id, Custom::Set)?),
            }
        }
        Ok(all.into_iter().map(|o| o.id).collect::<Vec<_>>())
    })?;
    if ids.is_empty() {
        return Err(nobody(&email));
    }
    let entries = ids.iter().map(|id| one(call, id)).collect::<Result<Vec<_>, _>>()?;
    Reply::ok(&json!({"entries": entries}))
}

fn own_activities(call: &Call, uuid: &str) -> Answer {
    let asked = call.asked()?;
    let customer = found(call, uuid)?;
    let report = report(call, Question::default())?;
    let mut all = match report.is_empty()? {
        true => Vec::new(),
        false => activities::of(&report, Some(&customer.book_id))?,
    };
    all.reverse();
    let skip = asked.after.map_or(asked.skip, |after| usize::try_from(after).unwrap_or(usize::MAX));
    Reply::ok(&activities::page(&all, &asked, skip, |a| Value::Object(a.own_json(&report))))
}

fn own_subscriptions(call: &Call, uuid: &str) -> Answer {
    let asked = call.asked()?;
    let customer = found(call, uuid)?;
    let report = report(call, Question::default())?;
    let query = report.query().map_err(ReportError::from)?;
    let ctx = report.context(&query, false);
    let objects = call.read(|store| store.about(uuid))?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for object in call.read(|store| store.all("data_source"))? {
        let source: DataSource = serde_json::from_str(&object.body)?;
        names.insert(source.uuid, source.name);
    }
    let invoices: Vec<Invoice> = objects
        .iter()
        .filter(|o| o.kind == "invoice")
        .map(|o| serde_json::from_str(&o.body))
        .collect::<Result<_, _>>()?;
    let ledger = match report.customer_facts(&customer.book_id)? {
        Some(facts) => Some(replay(&facts, &ctx).map_err(ReportError::from)?),
        None => None,
    };
    let mut all: Vec<Value> = Vec::new();
    for object in objects.iter().filter(|o| o.kind == "subscription") {
        let subscription: Subscription = serde_json::from_str(&object.body)?;
        let plan: Option<Plan> = match &subscription.plan_uuid {
            Some(id) => call.read(|store| store.get("plan", id)?.map(|o| o.read()).transpose())?,
            None => None,
        };
        let source = names.get(&subscription.data_source_uuid).map_or("", String::as_str);
        let run = ledger.as_ref().map(|l| Run::of(l, source, &subscription.external_id, report.as_of));
        let run = run.unwrap_or_default();
        // Who was never billed has no subscription.
        let Some(start) = run.start else { continue };
        let last = invoices
            .iter()
            .flat_map(|i| &i.line_items)
            .filter(|l| l.subscription_external_id.as_deref() == Some(&subscription.external_id));
        let last = last.max_by_key(|l| l.service_period_start);
        let end = run.end.or_else(|| last.and_then(|l| l.service_period_end));
        let mrr = money::cents(run.mrr);
        all.push(json!({
            "id": ids::number(&subscription.uuid),
            "external_id": subscription.external_id,
            "subscription_set_external_id":
                subscription.subscription_set_external_id.as_ref().unwrap_or(&subscription.external_id),
            "plan": plan.as_ref().map(|p| &p.name),
            "quantity": last.map_or(1, |l| l.quantity),
            "uuid": subscription.uuid.trim_start_matches("sub_"),
            "mrr": mrr,
            "arr": mrr.saturating_mul(12),
            "status": if run.end.is_some() { "inactive" } else { "active" },
            "billing-cycle": plan.as_ref().map(|p| &p.interval_unit),
            "billing-cycle-count": plan.as_ref().map(|p| p.interval_count),
            "start-date": dates::write_offset(start),
            "end-date": end.map(dates::write_offset),
            "currency": run.currency,
            "currency-sign": run.currency.as_deref().map(sign),
        }));
    }
    let skip = asked.after.map_or(asked.skip, |after| usize::try_from(after).unwrap_or(usize::MAX));
    Reply::ok(&activities::page(&all, &asked, skip, Value::clone))
}

/// How a subscription runs, or ran.
#[derive(Default)]
struct Run {
    start: Option<Instant>,
    end: Option<Instant>,
    mrr: Amount,
    currency: Option<String>,
}

impl Run {
    fn of(ledger: &CustomerLedger, source: &str, subscription: &str, now: Instant) -> Run {
        let mut run = Run::default();
        let (mut live, mut held) = (Amount::ZERO, Amount::ZERO);
        let mut runs = false;
        for (info, phases) in ledger.items.iter().zip(&ledger.phases) {
            if &*info.source != source || &*info.subscription != subscription {
                continue;
            }
            let past: Vec<_> = phases.iter().filter(|p| p.from <= now).collect();
            let began = past.iter().find(|p| p.live && p.counts).map(|p| p.from);
            run.start = match (run.start, began) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            let Some(last) = past.last() else { continue };
            run.currency = ledger.state(last).map(|s| s.currency.as_str().to_string()).or(run.currency);
            if last.live {
                runs = true;
                live += last.level.mrr;
            } else {
                run.end = run.end.max(Some(last.from));
                held += past.iter().rev().find(|p| p.live).map_or(Amount::ZERO, |p| p.level.mrr);
            }
        }
        run.end = run.end.filter(|_| !runs);
        run.mrr = if runs { live } else { held };
        run
    }
}
