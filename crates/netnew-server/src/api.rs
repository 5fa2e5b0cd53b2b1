//! The API: what the pages show, as JSON, in the shapes of the command line.

use crate::error::WebError;
use crate::params::Params;
use crate::site::{Site, named_policy};
use crate::upload::Upload;
use crate::web::{as_file, tagged, work};
use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use netnew_book::Book;
use netnew_metrics::ReportCurrency;
use netnew_policy::Policy;
use netnew_report::metrics::{Asked, describe_json, find, list_json};
use netnew_report::movements::parse_kind;
use netnew_report::mrr::{envelope, policy_json, row_json, waterfall};
use netnew_report::page::page;
use netnew_report::{
    Report, check, cohorts, compare, customer, customers, decide, explain, find_policy, flat, movements,
    parse_day, set_knob, story,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Rows of a page of an answer, unless `limit` says otherwise; and at most.
const USUAL_ROWS: usize = 1_000;
const MOST_ROWS: usize = 10_000;

type Answer = Result<Response, WebError>;
type Shared = State<Arc<Site>>;

/// The API's routes.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/openapi.json", get(crate::openapi::serve))
        .route("/story", get(the_story))
        .route("/mrr", get(mrr))
        .route("/movements", get(list_movements))
        .route("/metrics", get(metrics))
        .route("/metrics/list", get(metrics_list))
        .route("/metrics/{name}", get(metric))
        .route("/cohorts", get(cohort_table))
        .route("/customers", get(list_customers))
        .route("/customers/{id}", get(one_customer))
        .route("/explain", get(explain_period))
        .route("/explain/{movement}", get(explain_movement))
        .route("/check", get(checks))
        .route("/policies", get(policies))
        .route("/policies/compare", get(compare_policies))
        .route("/policies/{name}", get(one_policy))
        .route("/imports", get(imports))
        .route("/diagnose", get(diagnosis))
        .route("/benchmarks", get(benchmark_rows))
        .route("/milestones", get(milestone_rows))
        .route("/forecast", get(forecast_rows))
        .route("/whatif", get(whatif_rows))
        .route("/alerts", get(alert_rows))
        .merge(crate::marks::routes())
        .merge(crate::notify::routes())
        .merge(crate::upload::limited(Router::new().route("/import", post(import))))
        .route("/events", post(events))
        .fallback(|| async { WebError::not_found("such path of the API") })
        .method_not_allowed_fallback(|| async {
            WebError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not take that method",
                "",
            )
        })
}

/// Rows inside an envelope, as JSON or as CSV.
fn rows(
    headers: &HeaderMap,
    params: &Params,
    name: &str,
    envelope: Map<String, Value>,
    rows: Vec<Value>,
    next: Option<String>,
) -> Answer {
    match params.get("format") {
        None | Some("json") => {
            let mut out = envelope;
            out.insert("rows".into(), Value::Array(rows));
            out.insert("next".into(), json!(next));
            Ok(tagged(headers, "application/json", Value::Object(out).to_string()))
        }
        Some("csv") => {
            let mut body = Vec::new();
            flat::write_csv(&rows, &mut body).map_err(netnew_report::ReportError::from)?;
            Ok(as_file(tagged(headers, "text/csv; charset=utf-8", body), &format!("{name}.csv")))
        }
        Some(other) => Err(netnew_report::ReportError::usage(
            "bad_format",
            format!("unknown format {other:?}"),
            "use json or csv",
        )
        .into()),
    }
}

fn object(headers: &HeaderMap, value: &Value) -> Answer {
    Ok(tagged(headers, "application/json", value.to_string()))
}

fn report(site: &Site, params: &Params) -> Result<Report, WebError> {
    site.ask_as_of(&params.question(), params.get("as_of"))
}

/// The same with movements in the currencies they were made in, unless one is named.
fn report_in_own_currency(site: &Site, params: &Params) -> Result<Report, WebError> {
    site.ask_as_of(&params.question().in_own_currency(), params.get("as_of"))
}

/// A page of rows that are all there.
type Page<T> = (Vec<T>, Option<String>);

fn cut<T>(params: &Params, rows: Vec<T>) -> Result<Page<T>, WebError> {
    let limit = params.limit(USUAL_ROWS, MOST_ROWS)?;
    Ok(page(rows, Some(limit), params.get("cursor"))?)
}

async fn the_story(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&[])?;
    work(move || object(&headers, &story::story_json(&report(&site, &params)?)?)).await
}

async fn mrr(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["limit", "cursor", "format"])?;
    work(move || {
        let report = report(&site, &params)?;
        let query = report.query().map_err(netnew_report::ReportError::from)?;
        let found = waterfall(&report, &query)?;
        let (found, next) = cut(&params, found)?;
        let values = found.iter().map(|row| row_json(&report, &query, row)).collect();
        rows(&headers, &params, "mrr", envelope(&report), values, next)
    })
    .await
}

async fn list_movements(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["limit", "cursor", "format", "kind", "customer"])?;
    work(move || {
        let kind = params.get("kind").map(parse_kind).transpose()?;
        let report = report_in_own_currency(&site, &params)?;
        let query = report.query().map_err(netnew_report::ReportError::from)?;
        let convert = params.get("currency").is_some() && report.currency != ReportCurrency::Original;
        let found = movements::collect(&report, &query, params.get("customer"), kind, convert)?;
        let (found, next) = cut(&params, found)?;
        let values = found.iter().map(|m| movements::to_json(m, &report)).collect();
        rows(&headers, &params, "movements", Map::new(), values, next)
    })
    .await
}

async fn metrics(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["limit", "cursor", "format", "name"])?;
    work(move || {
        let names = params.all("name");
        names.iter().flat_map(|n| n.split(',')).try_for_each(|n| find(n.trim()).map(|_| ()))?;
        let report = report(&site, &params)?;
        let asked = Asked::new(&report, &names)?;
        let values = asked.figures(&report).iter().map(|f| f.to_json(&report)).collect();
        let (values, next) = cut(&params, values)?;
        rows(&headers, &params, "metrics", envelope(&report), values, next)
    })
    .await
}

async fn metrics_list(headers: HeaderMap, params: Params) -> Answer {
    rows(&headers, &params, "metrics-list", Map::new(), list_json(), None)
}

async fn metric(headers: HeaderMap, Path(name): Path<String>) -> Answer {
    object(&headers, &describe_json(find(&name)?))
}

async fn cohort_table(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["limit", "cursor", "format", "measure"])?;
    work(move || {
        let measure = cohorts::parse_measure(params.get("measure").unwrap_or("customers"))?;
        let report = report(&site, &params)?;
        let (found, next) = cut(&params, cohorts::cohorts(&report, measure)?)?;
        let values = found.iter().map(cohorts::row_json).collect();
        rows(&headers, &params, "cohorts", envelope(&report), values, next)
    })
    .await
}

async fn list_customers(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["limit", "cursor", "format", "search"])?;
    work(move || {
        let report = report(&site, &params)?;
        let (found, next) = cut(&params, customers::customers(&report, params.get("search"))?)?;
        let values = found.iter().map(|c| customers::to_json(c, &report)).collect();
        rows(&headers, &params, "customers", envelope(&report), values, next)
    })
    .await
}

async fn one_customer(
    State(site): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    params.allow(&[])?;
    work(move || {
        let report = report_in_own_currency(&site, &params)?;
        object(&headers, &customer::customer(&report, &id)?.value)
    })
    .await
}

async fn explain_period(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["period", "kind"])?;
    work(move || {
        let kind = params.get("kind").map(parse_kind).transpose()?;
        let Some(day) = params.get("period") else {
            return Err(netnew_report::ReportError::usage(
                "usage",
                "explain needs a period, or a movement's id",
                "/api/v1/explain?period=2026-10&kind=churn, or /api/v1/explain/ID",
            )
            .into());
        };
        let mut report = report(&site, &params)?;
        object(&headers, &explain::period(&mut report, day, kind)?.value)
    })
    .await
}

async fn explain_movement(
    State(site): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    params.allow(&["customer"])?;
    work(move || {
        let report = report_in_own_currency(&site, &params)?;
        let convert = params.get("currency").is_some();
        object(&headers, &explain::movement(&report, &id, params.get("customer"), convert)?)
    })
    .await
}

async fn checks(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["name", "format"])?;
    work(move || {
        let mut report = report(&site, &params)?;
        let outcomes = check::check(&mut report, params.get("name"))?;
        let values = outcomes.iter().map(check::outcome_json).collect();
        rows(&headers, &params, "check", Map::new(), values, None)
    })
    .await
}

/// Presets and saved policies.
pub fn list_policies(book: &Book) -> Result<Vec<Value>, WebError> {
    let mut values = Vec::new();
    for name in Policy::names() {
        let policy = Policy::preset(name).map_err(netnew_report::ReportError::from)?;
        values.push(json!({"name": name, "version": policy.version, "kind": "preset"}));
    }
    for name in book.policies().map_err(netnew_report::ReportError::from)? {
        let policy = find_policy(&name, Some(book))?;
        values.push(json!({"name": name, "version": policy.version, "kind": "saved"}));
    }
    Ok(values)
}

async fn policies(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format"])?;
    work(move || rows(&headers, &params, "policies", Map::new(), list_policies(site.book())?, None)).await
}

async fn one_policy(
    State(site): Shared,
    headers: HeaderMap,
    Path(name): Path<String>,
    params: Params,
) -> Answer {
    params.allow(&["format"])?;
    work(move || {
        let mut policy = named_policy(site.book(), &name)?;
        for change in params.all("set") {
            set_knob(&mut policy, &change)?;
        }
        let values = policy
            .entries()
            .iter()
            .map(|k| {
                json!({
                    "knob": k.knob, "value": k.value, "default": k.default, "source": k.source,
                    "date": k.date, "found": k.found, "note": k.note,
                })
            })
            .collect();
        let mut envelope = Map::new();
        envelope.insert("policy".into(), policy_json(&policy));
        rows(&headers, &params, "policy", envelope, values, None)
    })
    .await
}

async fn compare_policies(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["a", "b", "at", "format", "limit", "cursor"])?;
    work(move || {
        let (Some(a), Some(b)) = (params.get("a"), params.get("b")) else {
            return Err(netnew_report::ReportError::usage(
                "usage",
                "two policies are compared",
                "/api/v1/policies/compare?a=default&b=chartmogul",
            )
            .into());
        };
        let (a, b) = (named_policy(site.book(), a)?, named_policy(site.book(), b)?);
        let day = params.get("at").map(|text| parse_day("at", text)).transpose()?;
        let mut report = report(&site, &params)?;
        let compared = compare::compare(&mut report, &a, &b, day)?;
        let envelope = compared.envelope(&report.currency_name());
        let (found, next) = cut(&params, compared.rows.iter().map(|r| r.to_json()).collect())?;
        rows(&headers, &params, "policy-compare", envelope, found, next)
    })
    .await
}

/// Files in: the parts of a multipart form, imported together.
async fn import(State(site): Shared, params: Params, form: Result<Multipart, MultipartRejection>) -> Answer {
    params.allow(&["as", "source", "replace", "strict", "dry_run"])?;
    let upload = Upload::receive(form?).await?;
    let summary = work(move || upload.with(&params).import(&site)).await?;
    let status = if summary.problem_count > 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = summary.to_json().to_string();
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Product events in: one object, a list, or `{"events": [...]}`. Each has `customer`, `date` and `event`, better also an
/// `id`: an event with an id that is there already adds nothing.
async fn events(State(site): Shared, params: Params, body: Bytes) -> Answer {
    params.allow(&["source"])?;
    let summary = work(move || {
        let lines = event_lines(&body)?;
        let source = params.text("source").unwrap_or_else(|| "events".into());
        Upload::of_text("events.jsonl", &lines, &[("as", "events"), ("source", &source)])?.import(&site)
    })
    .await?;
    let status = if summary.problem_count > 0 { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = summary.to_json().to_string();
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The events of a body, one object a line.
fn event_lines(body: &[u8]) -> Result<String, WebError> {
    let wrong = |what: String| {
        let hint = "send {\"customer\": ..., \"date\": ..., \"event\": ..., \"id\": ...}, a list of these, or {\"events\": [...]}";
        WebError::new(StatusCode::BAD_REQUEST, "bad_events", what, hint)
    };
    let mut value: Value =
        serde_json::from_slice(body).map_err(|error| wrong(format!("this is not JSON: {error}")))?;
    if let Some(list) = value.get_mut("events") {
        value = list.take();
    }
    let list = match value {
        Value::Array(list) => list,
        one @ Value::Object(_) => vec![one],
        _ => return Err(wrong("this is no event and no list of events".into())),
    };
    if list.is_empty() || !list.iter().all(Value::is_object) {
        return Err(wrong("an event is an object".into()));
    }
    Ok(list.iter().map(|event| format!("{event}\n")).collect())
}

async fn imports(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format"])?;
    work(move || {
        let imports = site.book().imports().map_err(netnew_report::ReportError::from)?;
        let values = imports
            .iter()
            .map(|i| {
                json!({
                    "id": i.id, "source": i.source, "at": i.at.to_string(), "facts": i.facts,
                    "duplicates": i.duplicates, "superseded": i.superseded,
                })
            })
            .collect();
        rows(&headers, &params, "imports", Map::new(), values, None)
    })
    .await
}

async fn diagnosis(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&[])?;
    work(move || object(&headers, &decide::diagnose(&report(&site, &params)?)?.to_json())).await
}

async fn benchmark_rows(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format"])?;
    work(move || {
        let report = report(&site, &params)?;
        let values = decide::benchmarks(&report, None)?.iter().map(|p| p.to_json()).collect();
        rows(&headers, &params, "benchmarks", envelope(&report), values, None)
    })
    .await
}

async fn milestone_rows(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format"])?;
    work(move || {
        let report = report(&site, &params)?;
        let values = decide::milestones(&report)?.iter().map(|m| m.to_json()).collect();
        rows(&headers, &params, "milestones", envelope(&report), values, None)
    })
    .await
}

async fn forecast_rows(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format", "months"])?;
    work(move || {
        let months = match params.get("months").map(str::parse::<usize>) {
            None => 12,
            Some(Ok(months @ 1..=60)) => months,
            Some(_) => {
                return Err(netnew_report::ReportError::usage(
                    "bad_months",
                    "months is not a number from 1 to 60",
                    "leave it out for 12",
                )
                .into());
            }
        };
        let report = report(&site, &params)?;
        let told = decide::forecast(&report, months)?;
        let envelope = decide::forecast_envelope(&report, &told, &decide::ForecastQuestions::default());
        rows(&headers, &params, "forecast", envelope, told.rows.iter().map(|r| r.to_json()).collect(), None)
    })
    .await
}

async fn whatif_rows(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format", "churn", "price", "annual", "expansion", "new"])?;
    work(move || {
        let assume = crate::pages::assumptions(&params)?;
        let report = report(&site, &params)?;
        let mut envelope = envelope(&report);
        envelope.insert("assumptions".into(), assume.to_json());
        let values = decide::whatif(&report, &assume)?.iter().map(|s| s.to_json()).collect();
        rows(&headers, &params, "whatif", envelope, values, None)
    })
    .await
}

async fn alert_rows(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&["format", "limit", "cursor"])?;
    work(move || {
        let report = report(&site, &params)?;
        let told = decide::alerts(&report, None)?;
        let mut envelope = envelope(&report);
        envelope.insert("rules".into(), told.rules.iter().map(|r| r.to_json()).collect());
        let (values, next) = cut(&params, told.rows.iter().map(|a| a.to_json()).collect())?;
        rows(&headers, &params, "alerts", envelope, values, next)
    })
    .await
}
