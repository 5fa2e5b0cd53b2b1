//! Settings: oneself, people, keys, links that show one page, and the trail.

use super::doors::{Field, form, inside};
use super::parts::{Cell, Head, Row, Select, Table, render};
use super::{Ask, Page};
use crate::error::WebError;
use crate::params::Params;
use crate::sign_in::now;
use crate::site::Site;
use crate::web::work;
use askama::Template;
use axum::Router;
use axum::extract::RawForm;
use axum::http::StatusCode;
use axum::http::header::{HOST, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use netnew_access::{Action, Role, Scope, Secret};
use std::sync::Arc;

/// The pages of settings.
pub fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/settings", get(own))
        .route("/settings/password", get(own).post(password))
        .route("/settings/sessions", get(own).post(sessions))
        .route("/settings/people", get(people).post(change_people))
        .route("/settings/keys", get(keys).post(change_keys))
        .route("/settings/shares", get(shares).post(change_shares))
        .route(super::MARKS, get(super::marks::show).post(super::marks::change))
        .route("/settings/notify", get(super::notify::show).post(super::notify::change))
        .route("/settings/notify/preview/{name}", get(super::notify::preview))
        .route("/settings/audit", get(audit))
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Tabs {
    tabs: Vec<(&'static str, &'static str)>,
    here: &'static str,
}

#[derive(Template, Default)]
#[template(path = "form.html")]
struct Form {
    action: &'static str,
    heading: &'static str,
    hidden: Vec<(String, String)>,
    fields: Vec<Field>,
    selects: Vec<Select>,
    button: &'static str,
    hint: String,
}

/// A secret that is shown once.
#[derive(Template)]
#[template(path = "once.html")]
struct Once {
    heading: String,
    secret: String,
}

/// A button that does one thing.
#[derive(Template)]
#[template(path = "act.html")]
struct Act {
    action: &'static str,
    hidden: Vec<(&'static str, String)>,
    button: &'static str,
    danger: bool,
}

pub(super) fn act(
    action: &'static str,
    hidden: Vec<(&'static str, String)>,
    button: &'static str,
) -> Result<Cell, WebError> {
    let danger = ["Revoke", "Shut out", "End", "Remove"].contains(&button);
    Ok(Cell { html: render(&Act { action, hidden, button, danger })?, ..Cell::default() })
}

pub(super) fn page(ask: &Ask, here: &'static str) -> Result<Page, WebError> {
    let may = |action: Action| ask.caller.who.grant.may(action);
    let mut tabs = vec![("You", "/settings")];
    if may(Action::Annotate) {
        tabs.push(("Goals and annotations", super::MARKS));
    }
    if may(Action::ManageSecrets) {
        tabs.push(("Alerts and reports", "/settings/notify"));
    }
    if may(Action::ManageUsers) {
        tabs.push(("People", "/settings/people"));
    }
    if may(Action::ManageKeys) {
        tabs.push(("API keys", "/settings/keys"));
    }
    if may(Action::Share) {
        tabs.push(("Shared pages", "/settings/shares"));
    }
    if may(Action::Import) {
        tabs.push(("Sources", "/settings/sources"));
    }
    if may(Action::ReadAudit) {
        tabs.push(("Who did what", "/settings/audit"));
    }
    Page::new(ask, "Settings", None).part(&Tabs { tabs, here })
}

pub(super) fn back(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to.to_string())]).into_response()
}

async fn own(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let mut shown = page(&ask, "/settings")?;
        if ask.caller.who.user.is_none() {
            let text = match ask.site.options().demo {
                true => {
                    "Nobody signs in to the made-up business; a book of your own is served with netnew serve."
                }
                false => "You came with a key, not as a person.",
            };
            return shown.notice("info", text).respond(&ask);
        }
        let at = now(&ask.site)?;
        shown = shown.part(&Form {
            action: "/settings/password",
            heading: "Change your password",
            fields: vec![
                Field::password("old", "Present password", false),
                Field::password("new", "New password", true),
            ],
            button: "Change",
            hint: "All your sessions end, this one too.".into(),
            ..Form::default()
        })?;
        let mut table =
            Table { heading: "Your sessions".into(), caption: "Your sessions".into(), ..Table::default() };
        table.heads = ["Last used", "Since", "From", "Browser", ""].map(Head::text).into();
        for session in ask.site.access().sessions(&ask.caller.who, at)? {
            let number = vec![("id", session.id.to_string())];
            table.rows.push(Row {
                class: "",
                cells: vec![
                    Cell::text(session.seen_at.to_string()),
                    Cell::text(session.created_at.to_string()),
                    Cell::text(session.address.unwrap_or_default()),
                    Cell { class: "wrap", ..Cell::text(session.agent.unwrap_or_default()) },
                    act("/settings/sessions", number, "End")?,
                ],
            });
        }
        shown.part(&table)?.respond(&ask)
    })
    .await
}

async fn password(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let secret = |name: &str| Secret::new(fields.get(name).unwrap_or_default());
        let at = now(&ask.site)?;
        ask.site.access().change_password(&ask.caller.who, &secret("old"), &secret("new"), at)?;
        Ok(back("/sign-in"))
    })
    .await
}

async fn sessions(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let at = now(&ask.site)?;
        if let Some(id) = form(&body).get("id").and_then(|id| id.parse().ok()) {
            ask.site.access().end_session(&ask.caller.who, id, at)?;
        }
        Ok(back("/settings"))
    })
    .await
}

fn choices(values: &[&'static str]) -> Vec<(String, String)> {
    values.iter().map(|v| (v.to_string(), v.to_string())).collect()
}

fn people_page(ask: &Ask, once: Option<Once>) -> Result<Response, WebError> {
    let (access, who, at) = (ask.site.access(), &ask.caller.who, now(&ask.site)?);
    let mut shown = page(ask, "/settings/people")?;
    if let Some(once) = once {
        shown = shown.part(&once)?;
    }
    let roles: Vec<&'static str> = Role::ALL.iter().map(|r| r.as_str()).collect();
    shown = shown.part(&Form {
        action: "/settings/people",
        heading: "Invite somebody",
        hidden: vec![("do".into(), "invite".into())],
        fields: vec![Field { complete: "off", ..Field::email("") }],
        selects: vec![Select { name: "role", label: "As", value: "viewer".into(), options: choices(&roles) }],
        button: "Invite",
        hint: "Viewers look; members also import, annotate and share; owners decide about everything.".into(),
    })?;
    let mut table = Table { heading: "People".into(), caption: "People".into(), ..Table::default() };
    table.heads = ["E-mail", "Role", "Since", "", ""].map(Head::text).into();
    for user in access.users(who)? {
        let id = user.id.to_string();
        let (other, word) = match user.role {
            Role::Viewer => (Role::Member, "Make a member"),
            Role::Member => (Role::Owner, "Make an owner"),
            Role::Owner => (Role::Viewer, "Make a viewer"),
        };
        let role = vec![("do", "role".into()), ("id", id.clone()), ("role", other.as_str().to_string())];
        let door = match user.disabled_at {
            None => act("/settings/people", vec![("do", "disable".into()), ("id", id)], "Shut out")?,
            Some(_) => act("/settings/people", vec![("do", "enable".into()), ("id", id)], "Let in again")?,
        };
        let since = user.disabled_at.map_or(user.created_at.to_string(), |at| format!("shut out since {at}"));
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(user.email),
                Cell::text(user.role.as_str()),
                Cell::dim(since),
                act("/settings/people", role, word)?,
                door,
            ],
        });
    }
    shown = shown.part(&table)?;
    let waiting = access.invitations(who, at)?;
    if !waiting.is_empty() {
        let mut table = Table { heading: "Invited".into(), caption: "Invited".into(), ..Table::default() };
        table.heads = ["E-mail", "Role", "Until", ""].map(Head::text).into();
        for one in waiting {
            let hidden = vec![("do", "withdraw".into()), ("email", one.email.clone())];
            table.rows.push(Row {
                class: "",
                cells: vec![
                    Cell::text(one.email),
                    Cell::text(one.role.as_str()),
                    Cell::dim(one.expires_at.to_string()),
                    act("/settings/people", hidden, "Withdraw")?,
                ],
            });
        }
        shown = shown.part(&table)?;
    }
    shown.respond(ask)
}

async fn people(ask: Ask) -> Result<Response, WebError> {
    work(move || people_page(&ask, None)).await
}

fn role_of(fields: &Params) -> Result<Role, WebError> {
    Role::parse(fields.get("role").unwrap_or_default()).ok_or_else(|| wrong("role"))
}

pub(super) fn wrong(what: &str) -> WebError {
    WebError::new(
        StatusCode::BAD_REQUEST,
        "bad_form",
        format!("the form has no {what}"),
        "go back and try again",
    )
}

async fn change_people(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let (access, who, at) = (ask.site.access(), &ask.caller.who, now(&ask.site)?);
        let id = || fields.get("id").and_then(|id| id.parse().ok()).ok_or_else(|| wrong("person"));
        let email = fields.get("email").unwrap_or_default();
        match fields.get("do") {
            Some("invite") => {
                let secret = access.invite(who, email, role_of(&fields)?, at)?;
                let link = Params::default().with("token", secret.reveal()).link("/invitation");
                let once = Once {
                    heading: format!("Send this link to {email}; it works once, for a week."),
                    secret: format!("{}{link}", origin(&ask)),
                };
                return people_page(&ask, Some(once));
            }
            Some("role") => drop(access.change_role(who, id()?, role_of(&fields)?, at)?),
            Some("disable") => access.disable(who, id()?, at)?,
            Some("enable") => access.enable(who, id()?, at)?,
            Some("withdraw") => access.withdraw_invitation(who, email, at)?,
            _ => return Err(wrong("such button")),
        }
        Ok(back("/settings/people"))
    })
    .await
}

/// How the reader reached this site.
fn origin(ask: &Ask) -> String {
    let host = ask.headers.get(HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
    let scheme = if ask.site.options().https { "https" } else { "http" };
    format!("{scheme}://{host}")
}

fn keys_page(ask: &Ask, once: Option<Once>) -> Result<Response, WebError> {
    let mut shown = page(ask, "/settings/keys")?;
    if let Some(once) = once {
        shown = shown.part(&once)?;
    }
    let scopes: Vec<&'static str> = Scope::ALL.iter().map(|s| s.as_str()).collect();
    let name =
        Field { name: "name", label: "Name", kind: "text", value: String::new(), complete: "off", hint: "" };
    shown = shown.part(&Form {
        action: "/settings/keys",
        heading: "Make a key for a program",
        hidden: vec![("do".into(), "create".into())],
        fields: vec![name],
        selects: vec![Select {
            name: "scope",
            label: "It may",
            value: "read".into(),
            options: choices(&scopes),
        }],
        button: "Make",
        hint: "read: figures; write: also facts in; admin: also policy, keys and links. Never people.".into(),
    })?;
    let mut table = Table { heading: "Keys".into(), caption: "Keys".into(), ..Table::default() };
    table.heads = ["Name", "May", "Begins with", "Made", "Last used", ""].map(Head::text).into();
    for key in ask.site.access().keys(&ask.caller.who)? {
        let hidden = vec![("do", "revoke".into()), ("name", key.name.clone())];
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(key.name),
                Cell::text(key.scope.as_str()),
                Cell::text(format!("{}…", key.prefix)),
                Cell::dim(format!("{} by {}", key.created_at, key.created_by)),
                Cell::dim(key.last_used_at.map_or("never".into(), |at| at.to_string())),
                act("/settings/keys", hidden, "Revoke")?,
            ],
        });
    }
    shown.part(&table)?.respond(ask)
}

async fn keys(ask: Ask) -> Result<Response, WebError> {
    work(move || keys_page(&ask, None)).await
}

async fn change_keys(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let (access, who, at) = (ask.site.access(), &ask.caller.who, now(&ask.site)?);
        let name = fields.get("name").ok_or_else(|| wrong("name"))?;
        match fields.get("do") {
            Some("create") => {
                let scope =
                    Scope::parse(fields.get("scope").unwrap_or_default()).ok_or_else(|| wrong("scope"))?;
                let secret = access.create_key(who, name, scope, at)?;
                let heading = format!("The key {name}.");
                keys_page(&ask, Some(Once { heading, secret: secret.reveal().to_string() }))
            }
            Some("revoke") => {
                access.revoke_key(who, name, at)?;
                Ok(back("/settings/keys"))
            }
            _ => Err(wrong("such button")),
        }
    })
    .await
}

fn shares_page(ask: &Ask, once: Option<Once>) -> Result<Response, WebError> {
    let mut shown = page(ask, "/settings/shares")?;
    if let Some(once) = once {
        shown = shown.part(&once)?;
    }
    let text =
        |name, label, value: String| Field { name, label, kind: "text", value, complete: "off", hint: "" };
    shown = shown.part(&Form {
        action: "/settings/shares",
        heading: "Show one page to whoever has the link",
        hidden: vec![("do".into(), "create".into())],
        fields: vec![
            text("page", "Page", inside(ask.params.get("page"))),
            text("label", "For", "the board".into()),
        ],
        selects: vec![Select {
            name: "days",
            label: "Until",
            value: "30".into(),
            options: [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")]
                .map(|(v, w)| (v.to_string(), w.to_string()))
                .into(),
        }],
        button: "Make a link",
        hint: "The link opens this page with these very filters, and nothing else.".into(),
    })?;
    let mut table = Table { heading: "Links".into(), caption: "Links".into(), ..Table::default() };
    table.heads = ["For", "Page", "Until", "Last used", ""].map(Head::text).into();
    for share in ask.site.access().shares(&ask.caller.who)? {
        let hidden = vec![("do", "revoke".into()), ("id", share.id.to_string())];
        let query = if share.query.is_empty() { String::new() } else { format!("?{}", share.query) };
        let (until, end) = match share.revoked_at {
            Some(at) => (format!("ended {at}"), Cell::default()),
            None => (share.expires_at.to_string(), act("/settings/shares", hidden, "Revoke")?),
        };
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell::text(share.label),
                Cell { class: "wrap", ..Cell::text(format!("{}{query}", share.path)) },
                Cell::dim(until),
                Cell::dim(share.last_used_at.map_or("never".into(), |at| at.to_string())),
                end,
            ],
        });
    }
    shown.part(&table)?.respond(ask)
}

async fn shares(ask: Ask) -> Result<Response, WebError> {
    work(move || shares_page(&ask, None)).await
}

async fn change_shares(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let (access, who, at) = (ask.site.access(), &ask.caller.who, now(&ask.site)?);
        match fields.get("do") {
            Some("create") => {
                let page = inside(fields.get("page"));
                let (path, query) = page.split_once('?').unwrap_or((&page, ""));
                // As the link itself will be read and written.
                let query = Params::parse(query).link("");
                let query = query.trim_start_matches('?');
                let days: i64 = fields.get("days").and_then(|d| d.parse().ok()).unwrap_or(30);
                let until = at.add_micros(days.clamp(1, 366) * 86_400_000_000);
                let label = fields.get("label").unwrap_or("link");
                let (secret, _) = access.create_share(who, (path, query), label, until, at)?;
                let link = Params::parse(query).with("share", secret.reveal()).link(path);
                let once =
                    Once { heading: format!("For {label}:"), secret: format!("{}{link}", origin(&ask)) };
                shares_page(&ask, Some(once))
            }
            Some("revoke") => {
                let id = fields.get("id").and_then(|id| id.parse().ok()).ok_or_else(|| wrong("link"))?;
                access.revoke_share(who, id, at)?;
                Ok(back("/settings/shares"))
            }
            _ => Err(wrong("such button")),
        }
    })
    .await
}

/// Lines of the trail on a page.
const LINES: usize = 100;

async fn audit(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let before = ask.params.get("before").and_then(|b| b.parse().ok());
        let trail = ask.site.access().trail(&ask.caller.who, before, LINES)?;
        let mut table =
            Table { heading: "Newest first".into(), caption: "Who did what".into(), ..Table::default() };
        table.heads = ["When", "Who", "From", "What", "To what", "More"].map(Head::text).into();
        for entry in &trail {
            let more = if entry.detail.as_object().is_some_and(serde_json::Map::is_empty) {
                String::new()
            } else {
                entry.detail.to_string()
            };
            table.rows.push(Row {
                class: "",
                cells: vec![
                    Cell::text(entry.at.to_string()),
                    Cell::text(&entry.actor),
                    Cell::dim(entry.address.clone().unwrap_or_default()),
                    Cell::text(entry.action.replace('_', " ")),
                    Cell::text(&entry.subject),
                    Cell { class: "wrap dim", ..Cell::text(more) },
                ],
            });
        }
        if let Some(last) = trail.last().filter(|_| trail.len() == LINES) {
            table.pager.push(("Older".into(), format!("/settings/audit?before={}", last.id)));
        }
        page(&ask, "/settings/audit")?.part(&table)?.respond(&ask)
    })
    .await
}
