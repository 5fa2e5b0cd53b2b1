//! Movements: what happened, period by period and group by group, and each one below.

use super::overview::{grouped, month_name, nothing};
use super::parts::{Cell, Head, Row, Table};
use super::{Ask, Page, decimals};
use crate::charts;
use crate::error::WebError;
use crate::marks::marks;
use crate::web::work;
use axum::response::Response;
use netnew_ledger::Kind;
use netnew_metrics::{GroupKey, ReportCurrency, RollupRow};
use netnew_money::{Amount, Grain};
use netnew_report::figures::{change, level, printed_parts};
use netnew_report::movements::{Movement, collect, parse_kind};
use netnew_report::mrr::waterfall;
use netnew_report::page::page as cut;
use netnew_report::story::net_new;
use netnew_report::{Report, parse_day};

/// Movements listed on a page.
const LISTED: usize = 50;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let report = ask.report()?;
        let query = report.query()?;
        let rows = waterfall(&report, &query)?;
        if rows.is_empty() {
            return nothing(&ask, &report);
        }
        let page = Page::new(&ask, "Movements", Some(&report)).filtered(&ask.filters(&report, true)?)?;
        let spec = match (report.by.is_empty(), report.currency) {
            (true, ReportCurrency::In(_)) => {
                Some(charts::movements(&ask, &report, &rows, &marks(&ask.site)?))
            }
            (false, ReportCurrency::In(_)) => charts::stacked(&ask, &report, &rows),
            // Currencies do not stack.
            (_, ReportCurrency::Original) => None,
        };
        let page = match spec {
            Some(spec) => {
                let links = ask.chart_links(&spec.id, "/api/v1/mrr", &report);
                page.part(&charts::drawn(&spec, links)?)?
            }
            None => page,
        };
        let compared = ask.compared(&report, &rows)?;
        let compared =
            compared.filter(|_| report.by.is_empty() && report.currency != ReportCurrency::Original);
        let table = periods(&ask, &report, &rows, compared.as_ref().map(|(n, r)| (*n, r.as_slice())));
        page.part(&table)?.part(&listed(&ask, &report)?)?.respond(&ask)
    })
    .await
}

/// A period as its heading says it.
pub fn period_name(report: &Report, row: &RollupRow) -> String {
    let text = row.period.start.to_string();
    match report.grain {
        Grain::Month => month_name(row),
        Grain::Year => text[..4].to_string(),
        Grain::Quarter => {
            let (year, month, _) = row.period.start.ymd();
            format!("Q{} {year}", month.div_ceil(3))
        }
        _ => text,
    }
}

/// A value as it stands in a filter.
pub fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if "\\|,=!".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

/// A filter that selects a group, in the words of the filter language.
pub fn group_filter(report: &Report, key: &GroupKey) -> Option<String> {
    let parts: Vec<String> = report
        .by
        .iter()
        .zip(&key.values)
        .map(|(field, value)| format!("{}={}", field.name(), escaped(value.as_deref().unwrap_or_default())))
        .collect();
    (!parts.is_empty()).then(|| parts.join(","))
}

/// A group's name for readers.
pub fn group_name(key: &GroupKey) -> String {
    let names: Vec<&str> = key.values.iter().map(|v| v.as_deref().unwrap_or("(none)")).collect();
    names.join(", ")
}

fn periods(ask: &Ask, report: &Report, rows: &[RollupRow], compared: Option<(&str, &[RollupRow])>) -> Table {
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|k| *k != Kind::Transfer || rows.iter().any(|r| !r.movement(*k).is_zero()))
        .collect();
    let with_fx = rows.iter().any(|r| !r.fx.is_zero());
    let grouped_by = !report.by.is_empty();
    let mut table = Table {
        caption: "Movements by period".into(),
        links: ask.downloads("/api/v1/mrr", &ask.exact(report)),
        wrap: "tall",
        ..Table::default()
    };
    table.heads.push(Head::text("Period"));
    if grouped_by {
        let names: Vec<String> = report.by.iter().map(|f| f.name()).collect();
        table.heads.push(Head::text(&names.join(", ")));
    }
    if report.currency == ReportCurrency::Original {
        table.heads.push(Head::text("Currency"));
    }
    table.heads.push(Head::num("Start"));
    for kind in &kinds {
        let word = kind.as_str();
        table.heads.push(Head::num(&(word[..1].to_uppercase() + &word[1..])));
    }
    if with_fx {
        table.heads.push(Head::num("Rates"));
    }
    table.heads.push(Head::num("End"));
    table.heads.push(Head::num("Customers"));
    if let Some((name, _)) = compared {
        table.heads.push(Head::num(&format!("Net new, {}", name.to_lowercase())));
        table.heads.push(Head::num(&format!("End, {}", name.to_lowercase())));
    }
    for (at, row) in rows.iter().enumerate().rev() {
        let decimals = row.group.currency.map_or(decimals(report), |c| c.exponent());
        let mut parts: Vec<Amount> = kinds.iter().map(|k| row.movement(*k)).collect();
        parts.push(row.fx);
        let printed = printed_parts(row.start, &parts, row.end, decimals);
        let period = row.period.start.to_string();
        let name = period_name(report, row);
        let mut first = Cell::text(&name);
        if !report.complete(&row.period) {
            first.class = "running nowrap";
            first.note = "so far".into();
        }
        let mut cells = vec![first];
        let filter = group_filter(report, &row.group);
        if grouped_by {
            cells.push(Cell::text(group_name(&row.group)));
        }
        if let Some(currency) = row.group.currency {
            cells.push(Cell::text(currency.as_str()));
        }
        cells.push(Cell::num(level(row.start, decimals)));
        for (kind, amount) in kinds.iter().zip(&printed) {
            let text = change(*amount, decimals);
            let label = format!("{name}, {}, {text}", kind.as_str());
            let href = ask.explain(&period, Some(kind.as_str()), filter.as_deref());
            let mut cell = Cell::num(text).explained(href, label);
            if amount.is_negative() {
                cell.class = "num loss";
            }
            cells.push(cell);
        }
        if with_fx {
            cells.push(Cell::num(change(printed[kinds.len()], decimals)));
        }
        cells.push(Cell::num(level(row.end, decimals)));
        cells.push(Cell::num(grouped(row.heads_end)));
        if let Some((_, before)) = compared {
            let before = before.get(at);
            let text =
                |value: Option<String>| Cell { class: "num dim", ..Cell::num(value.unwrap_or_default()) };
            cells.push(text(before.map(|r| change(net_new(r), decimals))));
            cells.push(text(before.map(|r| level(r.end, decimals))));
        }
        table.rows.push(Row { class: "", cells });
    }
    table
}

fn listed(ask: &Ask, report: &Report) -> Result<Table, WebError> {
    let kind = ask.params.get("kind").map(parse_kind).transpose()?;
    let mut own = ask.report_in_own_currency()?;
    (own.from, own.to) = (report.from, report.to);
    if let Some(day) = ask.params.get("period") {
        let start = own.grain.period_start(parse_day("period", day)?, own.policy.week_start);
        own.from = Some(start);
        own.to =
            Some(own.grain.next_start(start, own.policy.week_start).add_days(-1).min(own.today().max(start)));
    }
    own.by = Vec::new();
    let convert = ask.params.get("currency").is_some() && own.currency != ReportCurrency::Original;
    let mut found = collect(&own, &own.query()?, ask.params.get("customer"), kind, convert)?;
    found.reverse();
    let total = found.len();
    let (found, next) = cut(found, Some(LISTED), ask.params.get("cursor"))?;
    let mut table = movement_table(ask, &found);
    table.heading = match kind {
        Some(kind) => format!("{} movements: {}", grouped(total as i64), kind.as_str()),
        None => format!("{} movements, newest first", grouped(total as i64)),
    };
    table.links = ask.downloads("/api/v1/movements", &ask.exact(report));
    let base = ask.params.without(&["cursor"]);
    for other in Kind::ALL {
        if Some(other) != kind {
            table.links.push((other.as_str().into(), base.with("kind", other.as_str()).link("/movements")));
        }
    }
    if kind.is_some() || ask.params.get("period").is_some() {
        table.links.push(("all".into(), base.without(&["kind", "period"]).link("/movements")));
    }
    if ask.params.get("cursor").is_some() {
        table.pager.push(("Newest".into(), base.link("/movements")));
    }
    if let Some(next) = next {
        table.pager.push(("Older".into(), base.with("cursor", &next).link("/movements")));
    }
    Ok(table)
}

/// Movements as a table, each leading to its customer and its explanation.
pub fn movement_table(ask: &Ask, movements: &[Movement]) -> Table {
    let mut table = Table { caption: "Movements".into(), ..Table::default() };
    table.heads = vec![
        Head::text("Date"),
        Head::text("Customer"),
        Head::text("Kind"),
        Head::text("Cause"),
        Head::text("Plan"),
        Head::num("Amount"),
        Head::text("Currency"),
        Head::num("Customer's MRR after"),
    ];
    let kept = ask.kept().without(&["by"]);
    for m in movements {
        let decimals = m.currency.exponent();
        let text = change(m.row.amount, decimals);
        let label = format!("{} of {} on {}, {text}", m.row.kind.as_str(), m.customer, m.date);
        let mut amount = Cell::num(text).explained(explain_link(ask, m), label);
        if m.row.amount.is_negative() {
            amount.class = "num loss";
        }
        let mut kind = Cell::kind(m.row.kind.as_str(), m.row.kind.as_str());
        if m.truncated {
            kind.note = "perhaps earlier".into();
        } else if m.reconstructed {
            kind.note = "rebuilt".into();
        }
        table.rows.push(Row {
            class: "",
            cells: vec![
                Cell { class: "nowrap", ..Cell::text(m.date.to_string()) },
                Cell::text(&*m.customer).to(kept.link(&customer_path(&m.customer))),
                kind,
                Cell::text(m.row.cause.as_str().replace('_', " ")),
                Cell::text(m.row.plan.as_deref().unwrap_or("")),
                amount,
                Cell::dim(m.currency.as_str()),
                Cell::num(level(m.customer_after, decimals)),
            ],
        });
    }
    let mut notes = Vec::new();
    if movements.iter().any(|m| m.truncated) {
        notes.push("“perhaps earlier”: new at the very instant at which the source's history begins; the customer may have been there before.");
    }
    if movements.iter().any(|m| m.reconstructed && !m.truncated) {
        notes.push("“rebuilt”: not observed but worked out from later evidence, such as invoices; it may have come otherwise, or on another day.");
    }
    if !notes.is_empty() {
        table.foot = notes.join(" ");
    }
    table
}

/// Address of a movement's explanation.
pub fn explain_link(ask: &Ask, m: &Movement) -> String {
    ask.asked().with("customer", &m.customer).link(&format!("/explain/{}", m.id))
}

/// Path of a customer's page.
pub fn customer_path(id: &str) -> String {
    let encoded: String = id
        .bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("/customers/{encoded}")
}
