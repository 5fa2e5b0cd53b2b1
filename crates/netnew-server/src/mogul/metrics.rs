//! Figures, under the preset `chartmogul`.

use super::{Answer, Call, Oops, Reply, missing};
use netnew_ledger::Kind;
use netnew_metrics::RollupRow;
use netnew_metrics::registry::Value as Figure;
use netnew_mogul::dates;
use netnew_mogul::figures::{self, Metric, Row, percent};
use netnew_mogul::money::cents;
use netnew_money::{Day, Grain, Ratio, Zone};
use netnew_report::metrics::Asked;
use netnew_report::{Question, Report, ReportError};
use std::collections::BTreeMap;

/// The policy of every figure here, unless the address names another.
const POLICY: &str = "chartmogul";

/// `/metrics/...`
pub(super) fn answer(call: &Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("GET", ["all"]) => {
            let (rows, before) = rows(call)?;
            Reply::ok(&figures::all(&rows, &before))
        }
        ("GET", [name]) => {
            let metric = Metric::ALL.into_iter().find(|m| m.path() == *name).ok_or_else(missing)?;
            let (rows, before) = rows(call)?;
            Reply::ok(&figures::one(metric, &rows, &before))
        }
        _ => Err(missing()),
    }
}

/// A report under the policy of this API, after all that was sent has become facts.
pub(super) fn report(call: &Call, question: Question) -> Result<Report, Oops> {
    call.site.tell()?;
    let policy = call.params.text("policy").unwrap_or_else(|| POLICY.into());
    Ok(call.site.ask(&Question { policy: Some(policy), ..question })?)
}

/// A day from the address, under either spelling.
pub(super) fn day(call: &Call, name: &str) -> Result<Option<Day>, Oops> {
    let given = call.params.text(name).or_else(|| call.params.text(&name.replace('-', "_")));
    match given {
        None => Ok(None),
        Some(text) => match dates::read_day(&text) {
            Some(day) => Ok(Some(day)),
            None => Err(Oops::Param(name.into(), "is not a valid date".into())),
        },
    }
}

/// What the address filters by.
fn filter(call: &Call) -> Result<Option<String>, Oops> {
    let mut terms = Vec::new();
    let escaped = |value: &str| {
        value.trim().replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('=', "\\=")
    };
    let joined = |values: Vec<String>| values.iter().map(|v| escaped(v)).collect::<Vec<_>>().join("|");
    if let Some(plans) = call.params.get("plans") {
        terms.push(format!("plan={}", joined(plan_names(call, plans)?)));
    }
    if let Some(geo) = call.params.get("geo") {
        terms.push(format!("country={}", joined(geo.split(',').map(str::to_string).collect())));
    }
    for clause in call.params.get("filters").unwrap_or_default().split("~AND~").filter(|c| !c.is_empty()) {
        let mut parts = clause.splitn(3, '~');
        let (field, operator, values) = (parts.next(), parts.next(), parts.next());
        let field = match field {
            Some("currency") => "currency",
            Some("country" | "geo") => "country",
            Some("plan" | "plans" | "plan_name") => "plan",
            _ => return Err(Oops::Param("filters".into(), "know currency, country and plan here".into())),
        };
        let sign = match operator {
            Some("ANY") => "=",
            Some("NONE") => "!=",
            _ => return Err(Oops::Param("filters".into(), "know ANY and NONE here".into())),
        };
        let list = values.unwrap_or_default().trim().trim_start_matches("VALUES(").trim_end_matches(')');
        let values = list.split(',').map(|v| v.trim().trim_matches('\'').to_string()).collect();
        terms.push(format!("{field}{sign}{}", joined(values)));
    }
    Ok((!terms.is_empty()).then(|| terms.join(",")))
}

/// Plans are given by name, or by uuid or external id.
fn plan_names(call: &Call, plans: &str) -> Result<Vec<String>, Oops> {
    let known = call.read(|store| store.all("plan"))?;
    let mut names = Vec::new();
    for given in plans.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let name = known
            .iter()
            .filter(|o| o.id == given || o.external.as_deref() == Some(given))
            .find_map(|o| serde_json::from_str::<netnew_mogul::shapes::Plan>(&o.body).ok())
            .map(|plan| plan.name);
        names.push(name.unwrap_or_else(|| given.to_string()));
    }
    Ok(names)
}

/// The periods asked for, and what was right before them.
fn rows(call: &Call) -> Result<(Vec<Row>, Row), Oops> {
    let interval = call.params.get("interval").unwrap_or("month").to_lowercase();
    if Grain::parse(&interval).is_err() {
        return Err(Oops::Param("interval".into(), "must be one of day, week, month, quarter, year".into()));
    }
    let (start, end) = (day(call, "start-date")?, day(call, "end-date")?);
    let settings = call.site.book().settings();
    let zone = Zone::parse(&settings.timezone).map_err(ReportError::from)?;
    let today = zone.day_of(call.site.now().at(&zone)?);
    let end = end.unwrap_or(today).min(today);
    let start = start.unwrap_or_else(|| end.first_of_month().add_months(-11));
    let nothing = Row {
        date: start,
        mrr: 0,
        new_business: 0,
        expansion: 0,
        contraction: 0,
        churn: 0,
        reactivation: 0,
        customers: 0,
        new_customers: 0,
        customer_churn: 0,
        mrr_churn: 0,
    };
    if end < start {
        return Ok((Vec::new(), nothing));
    }
    let report = report(
        call,
        Question {
            from: Some(start.to_string()),
            to: Some(end.to_string()),
            interval,
            filter: filter(call)?,
            ..Question::default()
        },
    )?;
    let asked = Asked::new(&report, &["customer_churn,net_mrr_churn".to_string()])?;
    let mut rates: BTreeMap<(Day, &str), Ratio> = BTreeMap::new();
    for figure in asked.figures(&report) {
        if let Some(Figure::Ratio(ratio)) = figure.value {
            rates.insert((figure.row.period.start, figure.metric.name), ratio);
        }
    }
    let by_period: BTreeMap<Day, &RollupRow> = asked.rows.iter().map(|row| (row.period.start, row)).collect();
    let query = report.query().map_err(ReportError::from)?;
    let mut out = Vec::new();
    let mut before = nothing;
    for period in query.periods().map_err(ReportError::from)? {
        let Some(row) = by_period.get(&period.start) else {
            out.push(Row { date: period.last, ..nothing });
            continue;
        };
        if out.is_empty() {
            before = Row { mrr: cents(row.start), customers: row.heads_start, ..nothing };
        }
        let rate = |name| rates.get(&(period.start, name)).copied().map_or(0, percent);
        let moved = |kind| cents(row.movement(kind));
        out.push(Row {
            date: period.last,
            mrr: cents(row.end),
            new_business: moved(Kind::New),
            expansion: moved(Kind::Expansion),
            contraction: moved(Kind::Contraction),
            churn: moved(Kind::Churn),
            reactivation: moved(Kind::Reactivation),
            customers: row.heads_end,
            new_customers: row.heads.new,
            customer_churn: rate("customer_churn"),
            mrr_churn: rate("net_mrr_churn"),
        });
    }
    Ok((out, before))
}
