//! What a message says: the same alerts as mail, as a Slack-shaped webhook's JSON, and as signed JSON.

use crate::words::{address_part, html, one_line, slack};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netnew_decide::words::signed;
use netnew_money::Amount;
use serde_json::{Value, json};

/// Alerts written out in a mail, and rows of each; the rest is counted.
const ALERTS: usize = 40;
const ROWS: usize = 8;
/// Sections of a Slack-shaped message: fifty are taken there.
const SECTIONS: usize = 20;

/// A mail, ready to be put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// In one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML, whose pictures are `cid:NAME`.
    pub html: String,
    /// Pictures: name and PNG.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// Where somebody who does not want it any more goes, if not to the sender.
    pub unsubscribe: Option<String>,
}

impl Letter {
    /// As JSON, to be kept until it was sent.
    pub fn to_json(&self) -> Value {
        let pictures: Vec<Value> = self
            .pictures
            .iter()
            .map(|(name, png)| json!({"name": name, "png": STANDARD.encode(png)}))
            .collect();
        json!({
            "subject": self.subject, "text": self.text, "html": self.html, "pictures": pictures,
            "unsubscribe": self.unsubscribe,
        })
    }

    /// From what [`Letter::to_json`] made.
    pub fn from_json(value: &Value) -> Letter {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_string();
        let picture = |p: &Value| {
            let png = STANDARD.decode(p["png"].as_str().unwrap_or_default()).unwrap_or_default();
            (p["name"].as_str().unwrap_or_default().to_string(), png)
        };
        Letter {
            subject: text("subject"),
            text: text("text"),
            html: text("html"),
            pictures: value["pictures"]
                .as_array()
                .map(|all| all.iter().map(picture).collect())
                .unwrap_or_default(),
            unsubscribe: value["unsubscribe"].as_str().map(str::to_string),
        }
    }
}

/// What a message of alerts holds: the alerts as `netnew alerts` prints them, each with the id of its delivery and links.
pub fn body(alerts: &[(String, Value)], address: Option<&str>) -> Value {
    let linked = |delivery: &String, alert: &Value| {
        let mut alert = alert.clone();
        alert["delivery"] = json!(delivery);
        let link = |path: String| address.map(|base| format!("{base}{path}"));
        alert["link"] = match alert["customer"].as_str() {
            Some(customer) => json!(link(format!("/customers/{}", address_part(customer)))),
            None => json!(link(format!(
                "/explain?metric={}&period={}",
                text(&alert, "metric"),
                text(&alert, "date")
            ))),
        };
        if let Some(rows) = alert["rows"].as_array_mut() {
            for row in rows {
                row["link"] =
                    json!(link(format!("/explain/{}", address_part(row["id"].as_str().unwrap_or_default()))));
            }
        }
        alert
    };
    json!({"alerts": alerts.iter().map(|(id, alert)| linked(id, alert)).collect::<Vec<_>>()})
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn who(alert: &Value) -> String {
    let name = [text(alert, "name"), text(alert, "customer"), text(alert, "metric")];
    one_line(name.iter().find(|n| !n.is_empty()).copied().unwrap_or_default(), 40)
}

/// The subject: the sentence of one alert, or how many and whom they are about.
pub fn subject(alerts: &[Value]) -> String {
    match alerts {
        [one] => {
            // The reason stands in the mail; a subject is read in a list.
            let says = text(one, "says");
            one_line(says.split(" Expected because ").next().unwrap_or(says), 120)
        }
        all => {
            let named: Vec<String> = all.iter().take(3).map(who).collect();
            let more = all.len().saturating_sub(named.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            one_line(&format!("{} alerts: {}{more}", all.len(), named.join(", ")), 160)
        }
    }
}

/// What happened in a row, in words: `contraction, downgrade, Pro`.
fn row_words(row: &Value) -> String {
    let mut words = format!("{}, {}", text(row, "kind"), text(row, "cause").replace('_', " "));
    if let Some(plan) = row["plan"].as_str().filter(|p| !p.is_empty()) {
        words.push_str(&format!(", {}", one_line(plan, 60)));
    }
    words
}

/// What a row changed, in printed cents; the exact amount is behind its id.
fn amount(row: &Value) -> String {
    let exact = Amount::parse(text(row, "amount")).unwrap_or_default();
    signed(exact, 2, "").trim_end().to_string()
}

fn facts(alert: &Value) -> Vec<(&'static str, String)> {
    let mut out = vec![("Day", text(alert, "date").to_string()), ("Rule", text(alert, "rule").to_string())];
    if let Some(cause) = alert["cause"].as_str() {
        out.push(("Cause", cause.replace('_', " ")));
    }
    if let Some(because) = alert["expected"]["because"].as_str() {
        out.push(("Expected because", because.to_string()));
    }
    out
}

fn alerts_of(body: &Value) -> &[Value] {
    body["alerts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Alerts as mail.
pub fn letter(subject: &str, body: &Value) -> Letter {
    let alerts = alerts_of(body);
    let mut plain = String::new();
    let mut marked = String::new();
    for alert in alerts.iter().take(ALERTS) {
        plain_alert(&mut plain, alert);
        html_alert(&mut marked, alert);
    }
    let left = alerts.len().saturating_sub(ALERTS);
    if left > 0 {
        let says = format!("{left} more: netnew alerts lists them all.");
        plain.push_str(&format!("{says}\n\n"));
        marked.push_str(&format!("<p style=\"margin:0 0 16px\">{}</p>", html(&says)));
    }
    plain.push_str("-- \nSent by netnew because of the rules of this book: netnew alerts rules.\n");
    let foot = "Sent by netnew because of the rules of this book (<code>netnew alerts rules</code>).";
    Letter {
        subject: subject.to_string(),
        text: plain,
        html: frame(subject, &marked, foot),
        ..Letter::default()
    }
}

fn plain_alert(out: &mut String, alert: &Value) {
    out.push_str(&format!("{}\n\n", one_line(text(alert, "says"), 500)));
    for (name, value) in facts(alert) {
        out.push_str(&format!("  {name}: {}\n", one_line(&value, 300)));
    }
    let rows = alert["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows.iter().take(ROWS) {
        out.push_str(&format!(
            "  {:>12}  {}\n                {}\n",
            amount(row),
            row_words(row),
            text(row, "id")
        ));
        if let Some(link) = row["link"].as_str() {
            out.push_str(&format!("                {link}\n"));
        }
    }
    if rows.len() > ROWS {
        out.push_str(&format!("                {} more rows\n", rows.len() - ROWS));
    }
    if let Some(link) = alert["link"].as_str() {
        out.push_str(&format!("  See: {link}\n"));
    }
    out.push_str(&format!("  {}\n\n", one_line(text(alert, "command"), 500)));
}

const DIM: &str = "color:#5b6270";
const MONO: &str = "font:12px/16px ui-monospace,Menlo,Consolas,monospace;color:#5b6270;word-break:break-all";

fn html_alert(out: &mut String, alert: &Value) {
    out.push_str("<div style=\"border:1px solid #dfe2e8;border-radius:6px;padding:16px;margin:0 0 16px\">");
    out.push_str(&format!(
        "<p style=\"margin:0 0 8px;font-size:16px;line-height:24px;font-weight:600;overflow-wrap:anywhere\">{}</p>",
        html(&one_line(text(alert, "says"), 500))
    ));
    let named: Vec<String> = facts(alert)
        .iter()
        .filter(|(name, _)| *name != "Expected because")
        .map(|(name, value)| format!("<span style=\"{DIM}\">{name}</span> {}", html(&one_line(value, 300))))
        .collect();
    out.push_str(&format!("<p style=\"margin:0 0 12px\">{}</p>", named.join(" &nbsp;·&nbsp; ")));
    let rows = alert["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !rows.is_empty() {
        out.push_str("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse\">");
        for row in rows.iter().take(ROWS) {
            let id = text(row, "id");
            let short = html(id.get(..12).unwrap_or(id));
            let id = match row["link"].as_str() {
                Some(link) => format!("<a href=\"{}\" style=\"color:#1d4ed8\">{short}</a>", html(link)),
                None => short,
            };
            let color = if text(row, "amount").starts_with('-') { "#a62b12" } else { "#0f6b6b" };
            out.push_str(&format!(
                "<tr><td style=\"padding:6px 8px 6px 0;border-top:1px solid #dfe2e8\">{}<br><span style=\"{MONO}\">{id}</span></td>\
                 <td align=\"right\" valign=\"top\" style=\"padding:6px 0;border-top:1px solid #dfe2e8;white-space:nowrap;color:{color};\
                 font-variant-numeric:tabular-nums\">{}</td></tr>",
                html(&row_words(row)),
                html(&amount(row))
            ));
        }
        out.push_str("</table>");
    }
    if rows.len() > ROWS {
        out.push_str(&format!("<p style=\"margin:8px 0 0;{DIM}\">{} more rows</p>", rows.len() - ROWS));
    }
    if let Some(link) = alert["link"].as_str() {
        out.push_str(&format!(
            "<p style=\"margin:12px 0 0\"><a href=\"{}\" style=\"color:#1d4ed8\">Open it in netnew</a></p>",
            html(link)
        ));
    }
    out.push_str(&format!(
        "<p style=\"margin:8px 0 0;{MONO}\">{}</p></div>",
        html(&one_line(text(alert, "command"), 500))
    ));
}

/// The frame of every mail: 600 px, white, nothing to load.
pub(crate) fn frame(title: &str, inner: &str, foot: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light\"><title>{}</title></head>\
         <body style=\"margin:0;background:#fff;color:#16181d;font:14px/20px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\
         <div style=\"max-width:600px;margin:0 auto;padding:24px 16px\">{inner}\
         <p style=\"margin:24px 0 0;font-size:12px;line-height:16px;{DIM}\">{foot}</p></div></body></html>\n",
        html(title)
    )
}

/// A message for a Slack-shaped webhook.
pub fn slack_json(kind: &str, subject: &str, body: &Value) -> Value {
    let mut sections = Vec::new();
    let mut say =
        |text: String| sections.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text}}));
    match kind {
        "alert" => {
            let alerts = alerts_of(body);
            for alert in alerts.iter().take(SECTIONS) {
                let mut text_of = format!("*{}*", slack(&one_line(text(alert, "says"), 400)));
                let rows = alert["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
                for row in rows.iter().take(4) {
                    let id = text(row, "id");
                    let short = id.get(..12).unwrap_or(id);
                    let id = match row["link"].as_str() {
                        Some(link) => format!("<{}|{short}>", slack_link(link)),
                        None => format!("`{short}`"),
                    };
                    text_of.push_str(&format!("\n• {} {} {id}", amount(row), slack(&row_words(row))));
                }
                if let Some(link) = alert["link"].as_str() {
                    text_of.push_str(&format!("\n<{}|Open it>", slack_link(link)));
                }
                say(text_of);
            }
            if alerts.len() > SECTIONS {
                say(format!("{} more: netnew alerts lists them all", alerts.len() - SECTIONS));
            }
        }
        "report" => {
            let mut text_of =
                format!("*{}*\n{}", slack(subject), slack(&one_line(text(body, "summary"), 2_500)));
            if let Some(link) = body["link"].as_str() {
                text_of.push_str(&format!("\n<{}|Read it>", slack_link(link)));
            }
            say(text_of);
        }
        _ => say(slack(&one_line(text(body, "text"), 2_500))),
    }
    json!({"text": slack(subject), "blocks": sections})
}

fn slack_link(link: &str) -> String {
    link.replace('&', "&amp;").replace(['<', '>', '|'], "")
}

/// A message as signed JSON: the same bytes at every try.
pub fn webhook_json(id: &str, kind: &str, at: &str, subject: &str, body: &Value) -> Value {
    let mut out = json!({"id": id, "type": kind, "created_at": at, "subject": subject});
    match kind {
        "alert" => out["alerts"] = body["alerts"].clone(),
        "report" => {
            for field in ["report", "from", "to", "summary", "markdown", "link"] {
                out[field] = body[field].clone();
            }
        }
        _ => out["text"] = body["text"].clone(),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Value {
        json!({
            "id": "a1", "rule": "customer_drop", "date": "2026-03-01", "customer": "c/1", "name": "<b>Acme</b>\r\nBcc: x@y",
            "metric": "mrr", "cause": "cancel_voluntary", "command": "netnew movements --customer 'c/1'",
            "expected": {"code": "scheduled_cancel", "because": "its end was asked for on 2026-02-01"},
            "says": "<b>Acme</b>\r\nBcc: x@y (c/1) fell by 100.0 %. Expected because its end was asked for on 2026-02-01.",
            "rows": [{"id": "m123456789012345", "kind": "churn", "cause": "cancel_voluntary", "plan": "Pro & <i>", "amount": "-20.5"}],
        })
    }

    #[test]
    fn markup_and_line_breaks_of_names_do_nothing() {
        let body = body(&[("d1".into(), alert())], Some("https://netnew.example.com"));
        let subject = subject(std::slice::from_ref(&body["alerts"][0]));
        assert_eq!(subject, "<b>Acme</b> Bcc: x@y (c/1) fell by 100.0 %.");
        let letter = letter(&subject, &body);
        assert!(!letter.html.contains("<b>") && !letter.html.contains("<i>"), "{}", letter.html);
        assert!(letter.html.contains("&lt;b&gt;Acme"), "{}", letter.html);
        assert!(!letter.text.contains('\r'));
        assert!(letter.text.contains("Expected because: its end was asked for"), "{}", letter.text);
        assert!(letter.text.contains("−20.50  churn, cancel voluntary, Pro & <i>"), "{}", letter.text);
        assert!(
            letter.text.contains("https://netnew.example.com/explain/m123456789012345"),
            "{}",
            letter.text
        );
        assert!(letter.text.contains("https://netnew.example.com/customers/c%2F1"), "{}", letter.text);
        let said = slack_json("alert", &subject, &body).to_string();
        assert!(said.contains("&lt;b&gt;Acme") && !said.contains("<b>"), "{said}");
        assert_eq!(Letter::from_json(&letter.to_json()), letter);
    }

    #[test]
    fn several_are_one_message() {
        let all: Vec<Value> = (0..5).map(|_| alert()).collect();
        assert_eq!(subject(&all).chars().filter(|c| c.is_control()).count(), 0);
        assert!(
            subject(&all).starts_with("5 alerts: <b>Acme</b> Bcc: x@y,")
                && subject(&all).ends_with("and 2 more")
        );
    }
}
