//! Goals and annotations over the network: what the pages' forms and the API share.

use crate::error::WebError;
use crate::notify::{fields, text_of};
use crate::params::Params;
use crate::sign_in::{Caller, now};
use crate::site::Site;
use crate::web::{tagged, work};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Extension, Router};
use netnew_access::{Action, Annotation, Goal};
use netnew_money::Day;
use netnew_report::decide::{GoalStanding, Marks, goal_from, goals};
use netnew_report::{Question, ReportError};
use serde_json::{Value, json};
use std::sync::Arc;

type Shared = State<Arc<Site>>;
type Answer = Result<Response, WebError>;

/// The paths of the API.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/goals", get(list_goals).post(add_goal))
        .route("/goals/{id}", delete(remove_goal))
        .route("/annotations", get(list_annotations).post(add_annotation))
        .route("/annotations/{id}", delete(remove_annotation))
}

/// What people wrote down about the book.
///
/// # Errors
/// A catalog that cannot be read.
pub fn marks(site: &Site) -> Result<Marks, WebError> {
    Ok(Marks::of(site.access())?)
}

/// Sets a goal from fields: `metric`, `value`, `by`, and `aim` and `currency` when they are not the usual.
///
/// # Errors
/// What is wrong with which field, or that they may not.
pub fn goal_of(
    site: &Site,
    caller: &Caller,
    field: &dyn Fn(&str) -> Option<String>,
) -> Result<GoalStanding, WebError> {
    caller.who.must(Action::Annotate)?;
    let need = |name: &str| field(name).filter(|v| !v.trim().is_empty()).ok_or_else(|| missing(name));
    let at_most = match field("aim").as_deref() {
        None | Some("" | "at_least") => false,
        Some("at_most") => true,
        Some(_) => return Err(missing("aim: at_least or at_most")),
    };
    let currency = field("currency").filter(|c| !c.trim().is_empty());
    let report = site.ask(&Question { currency, ..Params::default().question() })?;
    let goal = goal_from(&report, &need("metric")?, &need("value")?, &need("by")?, at_most).map_err(usage)?;
    let goal = site.access().set_goal(&caller.who, &goal, now(site)?)?;
    let mut told = goals(&report, &[goal])?;
    told.pop().ok_or_else(|| WebError::not_found("such goal"))
}

/// Adds an annotation from the fields `date` and `text`.
///
/// # Errors
/// What is wrong with which field, or that they may not.
pub fn annotation_of(
    site: &Site,
    caller: &Caller,
    field: &dyn Fn(&str) -> Option<String>,
) -> Result<Annotation, WebError> {
    caller.who.must(Action::Annotate)?;
    let date = field("date").ok_or_else(|| missing("date"))?;
    let date = Day::parse(date.trim())
        .map_err(|e| ReportError::usage("bad_date", e.to_string(), "write a day like 2026-11-02"))?;
    let text = field("text").ok_or_else(|| missing("text"))?;
    Ok(site.access().annotate(&caller.who, date, &text, now(site)?)?)
}

/// What somebody sent is wrong, whatever it names: the path is there.
fn usage(error: ReportError) -> WebError {
    let mut error = WebError::from(error);
    if error.status == StatusCode::NOT_FOUND {
        error.status = StatusCode::BAD_REQUEST;
    }
    error
}

fn missing(what: &str) -> WebError {
    WebError::new(
        StatusCode::BAD_REQUEST,
        "bad_form",
        format!("there is no {what}"),
        "a goal has metric, value, by, aim and currency; an annotation has date and text",
    )
}

fn rows(headers: &HeaderMap, rows: Vec<Value>) -> Answer {
    Ok(tagged(headers, "application/json", json!({"rows": rows, "next": null}).to_string()))
}

fn done(value: &Value) -> Answer {
    Ok(([(CONTENT_TYPE, "application/json")], value.to_string()).into_response())
}

async fn list_goals(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&[])?;
    work(move || {
        let report = site.ask_as_of(&params.question(), params.get("as_of"))?;
        let all: Vec<Goal> = marks(&site)?.goals;
        rows(&headers, goals(&report, &all)?.iter().map(GoalStanding::to_json).collect())
    })
    .await
}

async fn add_goal(State(site): Shared, Extension(caller): Extension<Caller>, body: Bytes) -> Answer {
    work(move || {
        let fields = fields(&body)?;
        done(&goal_of(&site, &caller, &|name| text_of(&fields, name))?.to_json())
    })
    .await
}

async fn remove_goal(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    work(move || {
        site.access().remove_goal(&caller.who, &id, now(&site)?)?;
        done(&json!({"id": id, "removed": true}))
    })
    .await
}

async fn list_annotations(State(site): Shared, headers: HeaderMap, params: Params) -> Answer {
    params.allow(&[])?;
    work(move || rows(&headers, marks(&site)?.annotations.iter().map(Annotation::to_json).collect())).await
}

async fn add_annotation(State(site): Shared, Extension(caller): Extension<Caller>, body: Bytes) -> Answer {
    work(move || {
        let fields = fields(&body)?;
        done(&annotation_of(&site, &caller, &|name| text_of(&fields, name))?.to_json())
    })
    .await
}

async fn remove_annotation(
    State(site): Shared,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    work(move || {
        site.access().remove_annotation(&caller.who, &id, now(&site)?)?;
        done(&json!({"id": id, "removed": true}))
    })
    .await
}
