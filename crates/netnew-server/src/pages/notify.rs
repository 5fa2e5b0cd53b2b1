//! Who is told what: channels, rules, schedules, and what was sent.

use super::doors::form;
use super::parts::{Cell, Head, Row, Select, Table};
use super::settings::{act, page};
use super::{Ask, Page};
use crate::error::WebError;
use crate::marks::marks;
use crate::notify::{channel_from, forget_channel, open, rule_text, schedule_from, with, wrong};
use crate::web::{tagged, work};
use askama::Template;
use axum::extract::{Path, RawForm};
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netnew_notify::{Channel, Quiet, report, test};
use netnew_report::decide;
use netnew_report::written::{Every, write};

const HERE: &str = "/settings/notify";
/// Messages shown.
const LINES: usize = 50;

/// Name, label, type, value, whether it is needed.
pub(super) type Input = (&'static str, &'static str, &'static str, String, bool);

/// Fields beside each other and a button.
#[derive(Template, Default)]
#[template(path = "fields_form.html")]
pub(super) struct FieldsForm {
    /// Where it is sent.
    pub action: &'static str,
    /// What it does, as the field `do`; names its elements.
    pub act: &'static str,
    pub heading: &'static str,
    pub hidden: Vec<(&'static str, &'static str)>,
    pub fields: Vec<Input>,
    pub selects: Vec<Select>,
    pub button: &'static str,
    pub hint: String,
}

pub(super) fn input(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: &str,
    needed: bool,
) -> Input {
    (name, label, kind, value.to_string(), needed)
}

pub(super) fn table(heading: &str, heads: &[&str]) -> Table {
    let mut table = Table { heading: heading.into(), caption: heading.into(), ..Table::default() };
    table.heads = heads.iter().map(|h| Head::text(h)).collect();
    table
}

pub(super) fn row(table: &mut Table, cells: Vec<Cell>) {
    table.rows.push(Row { class: "", cells });
}

pub(super) fn choices(name: &'static str, label: &'static str, options: &[(&str, &str)]) -> Select {
    let options: Vec<(String, String)> =
        options.iter().map(|(v, w)| (v.to_string(), w.to_string())).collect();
    Select { name, label, value: options.first().map(|o| o.0.clone()).unwrap_or_default(), options }
}

/// `/settings/notify`
pub async fn show(ask: Ask) -> Result<Response, WebError> {
    work(move || draw(&ask, None)).await
}

fn draw(ask: &Ask, notice: Option<(&'static str, String)>) -> Result<Response, WebError> {
    let notify = open(&ask.site)?;
    let mut shown = page(ask, HERE)?;
    if ask.site.options().demo {
        shown = shown.notice(
            "info",
            "The made-up business tells nobody anything: what is set here is shown, and not sent.",
        );
    }
    if let Some((class, text)) = notice {
        shown = shown.notice(class, text);
    }
    if let Some(problem) = notify.mark("problem").map_err(wrong)? {
        shown = shown.notice("warn", format!("The last round had a problem: {problem}"));
    }
    let channels = notify.channels().map_err(wrong)?;
    shown = channel_parts(shown, &channels)?;
    shown = rule_parts(shown, ask)?;
    shown = schedule_parts(shown, ask, &notify, &channels)?;
    let mut log = table("Sent and waiting", &["When", "Channel", "What", "State", "Tries", "Said"]);
    for message in notify.log(None, LINES).map_err(wrong)? {
        let state = match message.state.as_str() {
            "sending" => "queued",
            other => other,
        };
        let next = (state == "queued" && message.attempts > 0).then(|| format!(" until {}", message.next_at));
        row(
            &mut log,
            vec![
                Cell::dim(message.created_at.to_string()),
                Cell::text(&message.channel),
                Cell { class: "wrap", ..Cell::text(&message.subject) },
                Cell::text(format!("{state}{}", next.unwrap_or_default())),
                Cell::text(message.attempts.to_string()),
                Cell { class: "wrap dim", ..Cell::text(message.said.clone().unwrap_or_default()) },
            ],
        );
    }
    if log.rows.is_empty() {
        shown = shown.notice("info", "Nothing was sent yet. Alerts that happen after a channel was added are sent there within a minute.");
    } else {
        shown = shown.part(&log)?;
    }
    shown.respond(ask)
}

fn channel_parts(mut shown: Page, channels: &[Channel]) -> Result<Page, WebError> {
    let mut list = table("Channels", &["Name", "Kind", "Where", "To", "Since", "", ""]);
    for channel in channels {
        let value = channel.to_json();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_string();
        let to: Vec<&str> =
            value["to"].as_array().map(|t| t.iter().filter_map(|v| v.as_str()).collect()).unwrap_or_default();
        let named = |what: &str| vec![("do", what.to_string()), ("name", channel.name.clone())];
        row(
            &mut list,
            vec![
                Cell::text(&channel.name),
                Cell::text(channel.target.kind()),
                Cell::dim(if text("host").is_empty() { text("url") } else { text("host") }),
                Cell { class: "wrap", ..Cell::text(to.join(", ")) },
                Cell::dim(text("since")),
                act(HERE, named("test"), "Send a test")?,
                act(HERE, named("remove-channel"), "Remove")?,
            ],
        );
    }
    if !list.rows.is_empty() {
        shown = shown.part(&list)?;
    }
    shown = shown.part(&FieldsForm {
        action: HERE,
        act: "email",
        heading: "Tell by mail",
        hidden: vec![("kind", "email")],
        fields: vec![
            input("name", "Name", "text", "mail", true),
            input("host", "Mail server", "text", "", true),
            input("port", "Port", "text", "", false),
            input("user", "User", "text", "", false),
            input("password", "Password", "password", "", false),
            input("from", "From", "text", "", true),
            input("to", "To, with commas", "text", "", true),
        ],
        selects: vec![choices(
            "tls",
            "Encryption",
            &[("starttls", "STARTTLS (587)"), ("implicit", "TLS (465)"), ("none", "None, this machine only")],
        )],
        button: "Add",
        hint: "The password is sealed and never shown again.".into(),
    })?;
    shown = shown.part(&FieldsForm {
        action: HERE,
        act: "slack",
        heading: "Tell a chat (incoming webhook as Slack made it usual)",
        hidden: vec![("kind", "slack")],
        fields: vec![
            input("name", "Name", "text", "chat", true),
            input("url", "Address", "password", "", true),
        ],
        button: "Add",
        hint: "The address is a secret: it is sealed and never shown again.".into(),
        ..FieldsForm::default()
    })?;
    shown.part(&FieldsForm {
        action: HERE,
        act: "webhook",
        heading: "Tell a program (signed webhook)",
        hidden: vec![("kind", "webhook")],
        fields: vec![
            input("name", "Name", "text", "hook", true),
            input("url", "Address", "password", "", true),
            input("secret", "Signing secret", "password", "", true),
        ],
        button: "Add",
        hint: "JSON with the header Netnew-Signature: t=SECONDS,v1=HMAC-SHA256 of SECONDS.BODY.".into(),
        ..FieldsForm::default()
    })
}

fn rule_parts(shown: Page, ask: &Ask) -> Result<Page, WebError> {
    let report = super::whole(ask)?;
    let mut list = table("Rules", &["Name", "Watches", "When", ""]);
    for rule in decide::rules(&report, None)? {
        let value = rule.to_json();
        let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_string);
        let (watches, when) = match value["metric"].as_str() {
            Some(metric) => {
                let of = value["where"].as_str().map(|w| format!(" of {w}")).unwrap_or_default();
                let test = format!(
                    "{} {}",
                    text(&value["test"]["is"]).replace('_', " "),
                    text(&value["test"]["value"])
                );
                (format!("{metric}{of} by {}", text(&value["interval"])), test)
            }
            None => {
                let days = text(&value["within_days"]);
                (
                    "any one customer's MRR".to_string(),
                    format!(
                        "falls by more than {} of it, in one step or within {days} days",
                        text(&value["more_than"])
                    ),
                )
            }
        };
        let named = vec![("do", "remove-rule".to_string()), ("name", rule.name.clone())];
        row(
            &mut list,
            vec![
                Cell::text(&rule.name),
                Cell::text(watches),
                Cell { class: "wrap", ..Cell::text(when) },
                act(HERE, named, "Remove")?,
            ],
        );
    }
    let metrics: Vec<(&str, &str)> = [
        ("mrr", "MRR"),
        ("net_new_mrr", "Net new MRR"),
        ("gross_mrr_churn", "Gross MRR churn"),
        ("net_mrr_churn", "Net MRR churn"),
        ("customer_churn", "Customer churn"),
        ("nrr", "NRR"),
        ("quick_ratio", "Quick ratio"),
        ("customers", "Customers"),
    ]
    .into();
    shown.part(&list)?.part(&FieldsForm {
        action: HERE,
        act: "add-rule",
        heading: "Watch a metric",
        fields: vec![
            input("name", "Name", "text", "", true),
            input("where", "Only where", "text", "", false),
            input("value", "Value", "text", "", true),
        ],
        selects: vec![
            choices("metric", "Metric", &metrics),
            choices("interval", "By", &[("month", "month"), ("week", "week"), ("day", "day")]),
            choices(
                "test",
                "Tell when it",
                &[
                    ("falls_by", "falls by more than (share)"),
                    ("rises_by", "rises by more than (share)"),
                    ("above", "is above"),
                    ("below", "is below"),
                ],
            ),
        ],
        button: "Add",
        hint: "Shares and ratios are fractions: 0.05 is 5 %. More is possible with netnew alerts add.".into(),
        ..FieldsForm::default()
    })
}

fn schedule_parts(
    mut shown: Page,
    ask: &Ask,
    notify: &netnew_notify::Notify,
    channels: &[Channel],
) -> Result<Page, WebError> {
    let zone = ask.site.book().settings().timezone.clone();
    let mut list = table("Reports by themselves", &["Name", "Report", "On", "At", "Channel", "To", "", ""]);
    for schedule in notify.schedules().map_err(wrong)? {
        let named = vec![("do", "remove-schedule".to_string()), ("name", schedule.name.clone())];
        let every = schedule.days.every();
        row(
            &mut list,
            vec![
                Cell::text(&schedule.name),
                Cell::text(every),
                Cell::text(schedule.days.on()),
                Cell::text(format!("{} {zone}", schedule.at)),
                Cell::text(&schedule.channel),
                Cell { class: "wrap", ..Cell::text(schedule.to.join(", ")) },
                Cell { href: format!("{HERE}/preview/{every}"), ..Cell::text("Preview") },
                act(HERE, named, "Remove")?,
            ],
        );
    }
    list.links = ["weekly", "monthly"]
        .map(|e| (format!("Preview the {e} mail"), format!("{HERE}/preview/{e}")))
        .into();
    shown = shown.part(&list)?;
    if !channels.is_empty() {
        let names: Vec<(&str, &str)> = channels.iter().map(|c| (c.name.as_str(), c.name.as_str())).collect();
        shown = shown.part(&FieldsForm {
            action: HERE,
            act: "add-schedule",
            heading: "Send a report",
            fields: vec![
                input("name", "Name", "text", "weekly", true),
                input("on", "Weekday, or day of the month", "text", "monday", true),
                input("at", "At", "time", "08:00", true),
                input("to", "To, with commas (mail)", "text", "", false),
            ],
            selects: vec![
                choices("report", "Report", &[("weekly", "Weekly"), ("monthly", "Monthly")]),
                choices("channel", "Through", &names),
            ],
            button: "Add",
            hint: format!(
                "Times are those of the book's zone, {zone}. What was missed while nothing ran is sent once."
            ),
            ..FieldsForm::default()
        })?;
    }
    let quiet = notify.quiet().map_err(wrong)?.map(|q| q.to_string()).unwrap_or_default();
    let address = notify.address().map_err(wrong)?.unwrap_or_default();
    shown.part(&FieldsForm {
        action: HERE,
        act: "usual",
        heading: "Quiet hours and links",
        fields: vec![
            input("quiet", "Alerts wait from-to (22:00-07:00)", "text", &quiet, false),
            input("address", "Address of these pages, for links", "text", &address, false),
        ],
        button: "Save",
        hint: format!("Quiet hours are those of {zone}; what waited is sent as one message."),
        ..FieldsForm::default()
    })
}

/// What a form of the page asks for.
pub async fn change(ask: Ask, RawForm(body): RawForm) -> Result<Response, WebError> {
    work(move || {
        let fields = form(&body);
        let field = |name: &str| fields.get(name).map(str::to_string);
        let name = fields.get("name").unwrap_or_default();
        let done = match fields.get("do").unwrap_or_default() {
            "email" | "slack" | "webhook" => channel_from(&ask.site, &ask.caller, &field).map(drop),
            "remove-channel" => forget_channel(&ask.site, &ask.caller, name),
            "add-rule" => {
                let test = fields.get("test").unwrap_or_default().to_string();
                let rule = rule_text(&|key| if key == test { field("value") } else { field(key) });
                rule.and_then(|text| Ok(decide::add_rule(ask.site.book(), &text).map(drop)?))
            }
            "remove-rule" => decide::remove_rule(ask.site.book(), name).map_err(WebError::from),
            "add-schedule" => schedule_from(&ask.site, &ask.caller, &field).map(drop),
            "remove-schedule" => open(&ask.site)?.remove_schedule(name).map_err(wrong),
            "usual" => usual(&ask, &field),
            "test" if ask.site.options().demo => Ok(()),
            "test" => return try_out(&ask, name),
            _ => return Err(WebError::not_found("such button")),
        };
        match done {
            Ok(()) => Ok((StatusCode::SEE_OTHER, [(LOCATION, HERE)]).into_response()),
            Err(error) if error.status.is_client_error() => {
                draw(&ask, Some(("warn", format!("{} {}", error.error.message, error.error.hint))))
            }
            Err(error) => Err(error),
        }
    })
    .await
}

fn usual(ask: &Ask, field: &dyn Fn(&str) -> Option<String>) -> Result<(), WebError> {
    let notify = open(&ask.site)?;
    let some = |name: &str| field(name).map(|v| v.trim().to_string()).filter(|v| !v.is_empty());
    let quiet = some("quiet").map(|q| Quiet::parse(&q)).transpose().map_err(wrong)?;
    notify.set_address(some("address").as_deref()).map_err(wrong)?;
    notify.set_mark("quiet", quiet.map(|q| q.to_string()).as_deref()).map_err(wrong)
}

fn try_out(ask: &Ask, name: &str) -> Result<Response, WebError> {
    let notify = open(&ask.site)?;
    let channel = notify.channel(name).map_err(wrong)?;
    let message = with(&ask.site, &notify, |notify, world| test(notify, world, &channel))?;
    let notice = match message.state.as_str() {
        "sent" => ("info", format!("The test went out through {name}.")),
        _ => ("warn", format!("The test did not go out: {}", message.said.unwrap_or_default())),
    };
    draw(ask, Some(notice))
}

/// `/settings/notify/preview/weekly`: the very mail, with its plain text below.
pub async fn preview(Path(name): Path<String>, ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let every = match name.as_str() {
            "weekly" => Every::Week,
            "monthly" => Every::Month,
            _ => return Err(WebError::not_found("such report")),
        };
        let written = write(&super::whole(&ask)?, every, &marks(&ask.site)?, None)?;
        let address = open(&ask.site)?.address().map_err(wrong)?;
        let letter = report::letter(&ask.site.options().title, &written, address.as_deref(), None)?;
        let mut html = letter.html;
        for (name, png) in &letter.pictures {
            let data = format!("data:image/png;base64,{}", STANDARD.encode(png));
            html = html.replace(&format!("cid:{name}"), &data);
        }
        let escaped = letter.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let below = format!(
            "<div style=\"max-width:600px;margin:0 auto;padding:16px;border-top:1px solid #dfe2e8\">\
             <h2 style=\"font-size:16px\">The same as plain text</h2>\
             <pre style=\"font:12px/16px ui-monospace,Menlo,Consolas,monospace;overflow-x:auto\">{escaped}</pre></div></body>"
        );
        let html = html.replacen("</body>", &below, 1);
        let mut response = tagged(&ask.headers, "text/html; charset=utf-8", html);
        // A mail carries its style in itself; nothing in it runs.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        Ok(response)
    })
    .await
}
