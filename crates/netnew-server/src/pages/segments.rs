//! Plans and segments: which tier leaks, which country grows.

use super::movements::{group_filter, group_name, period_name};
use super::overview::{grouped, nothing};
use super::parts::{Cell, Head, Row, Table, render};
use super::{Ask, Page, decimals};
use crate::charts;
use crate::error::WebError;
use crate::web::work;
use axum::response::Response;
use netnew_ledger::Kind;
use netnew_metrics::{GroupKey, RollupRow};
use netnew_money::{Amount, Ratio};
use netnew_report::figures::{change, level, percent};
use netnew_report::mrr::waterfall;
use netnew_report::{Question, Report};
use std::collections::BTreeMap;

/// What a group did over the range.
struct Group<'r> {
    key: &'r GroupKey,
    rows: Vec<&'r RollupRow>,
}

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let by = ask.params.get("by").unwrap_or("plan").to_string();
        let question = Question { by: Some(by.clone()), ..ask.params.question() };
        let mut report = ask.site.ask_as_of(&question, ask.params.get("as_of"))?;
        let ranged = ask.report()?;
        report.from = ranged.from;
        let rows = waterfall(&report, &report.query()?)?;
        if rows.is_empty() {
            return nothing(&ask, &report);
        }
        let mut filters = ask.filters(&report, true)?;
        if let Some(select) = filters.selects.iter_mut().find(|s| s.name == "by") {
            select.options.retain(|(value, _)| !value.is_empty());
            select.value = by;
        }
        let mut groups: BTreeMap<&GroupKey, Vec<&RollupRow>> = BTreeMap::new();
        rows.iter().for_each(|row| groups.entry(&row.group).or_default().push(row));
        let mut groups: Vec<Group> = groups.into_iter().map(|(key, rows)| Group { key, rows }).collect();
        let end = |g: &Group| g.rows.last().map_or(Amount::ZERO, |r| r.end);
        groups.sort_by(|a, b| end(b).cmp(&end(a)).then_with(|| a.key.cmp(b.key)));
        let page = Page::new(&ask, "Segments", Some(&report)).filtered(&filters)?;
        let mut page = page.sub(said(&report, &groups));
        let lost: Vec<(String, Amount, String)> = groups
            .iter()
            .map(|g| (group_name(g.key), lost(g), own_params(&ask, &report, g.key).link("/movements")))
            .collect();
        let mut lost: Vec<_> = lost.into_iter().filter(|l| l.1.is_negative()).collect();
        lost.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        let mut pair = String::from("<div class=\"cols-2\">");
        if let Some(stacked) = charts::stacked(&ask, &report, &rows) {
            let links = ask.chart_links("segments", "/api/v1/mrr", &report);
            pair += &render(&charts::drawn(&stacked, links)?)?;
        }
        if !lost.is_empty() {
            pair += &render(&charts::drawn(&charts::losses(&report, &lost), Vec::new())?)?;
        }
        pair += "</div>";
        page = page.drawn(pair);
        page = page.part(&over_range(&ask, &report, &groups))?.part(&ends(&ask, &report, &groups))?;
        page.respond(&ask)
    })
    .await
}

fn sum(group: &Group, kind: Kind) -> Amount {
    group.rows.iter().map(|r| r.movement(kind)).sum()
}

fn lost(group: &Group) -> Amount {
    sum(group, Kind::Churn) + sum(group, Kind::Contraction)
}

/// The sentence that a reader would want said: which group loses most.
fn said(report: &Report, groups: &[Group]) -> String {
    let total: Amount = groups.iter().map(lost).sum();
    let Some(worst) = groups.iter().min_by_key(|g| lost(g)).filter(|g| lost(g).is_negative()) else {
        return "Nothing was lost in this range.".into();
    };
    let share = Ratio::from_amount(lost(worst)).checked_div(Ratio::from_amount(total)).map(percent);
    format!(
        "{} lost most: {} {}, {} of all churn and contraction.",
        group_name(worst.key),
        change(lost(worst), decimals(report)),
        report.currency_name(),
        share.unwrap_or_default()
    )
}

/// The parameters of a page about one group.
fn own_params(ask: &Ask, report: &Report, key: &GroupKey) -> crate::params::Params {
    let own = ask.params.without(&["by", "cursor", "kind"]);
    match (ask.params.get("where"), group_filter(report, key)) {
        (Some(page), Some(group)) => own.with("where", &format!("{page},{group}")),
        (None, Some(group)) => own.with("where", &group),
        _ => own,
    }
}

fn over_range(ask: &Ask, report: &Report, groups: &[Group]) -> Table {
    let decimals = decimals(report);
    let mut table = Table {
        heading: "Over the range".into(),
        caption: "Each group's movements over the range".into(),
        links: ask.downloads("/api/v1/mrr", &by_params(ask, report)),
        foot: "Churn rate: churn and contraction over the level at the start of the range.".into(),
        ..Table::default()
    };
    let names: Vec<String> = report.by.iter().map(|f| f.name()).collect();
    table.heads.push(Head::text(&names.join(", ")));
    table.heads.push(Head::num("Start"));
    let kinds: Vec<Kind> = Kind::ALL.into_iter().collect();
    for kind in &kinds {
        let word = kind.as_str();
        table.heads.push(Head::num(&(word[..1].to_uppercase() + &word[1..])));
    }
    for name in ["End", "Customers", "Lost"] {
        table.heads.push(Head::num(name));
    }
    for group in groups {
        let (Some(first), Some(last)) = (group.rows.first(), group.rows.last()) else { continue };
        let own = own_params(ask, report, group.key);
        let mut cells = vec![
            Cell::text(group_name(group.key)).to(own.link("/movements")),
            Cell::num(level(first.start, decimals)),
        ];
        for kind in &kinds {
            let amount = sum(group, *kind);
            let mut cell =
                Cell::num(change(amount, decimals)).to(own.with("kind", kind.as_str()).link("/movements"));
            if amount.is_negative() {
                cell.class = "num loss";
            }
            cells.push(cell);
        }
        cells.push(Cell::num(level(last.end, decimals)));
        cells.push(Cell::num(grouped(last.heads_end)));
        let rate = Ratio::from_amount(lost(group).abs()).checked_div(Ratio::from_amount(first.start));
        cells.push(Cell::num(rate.filter(|_| first.start.is_positive()).map_or("–".into(), percent)));
        table.rows.push(Row { class: "", cells });
    }
    table
}

fn by_params(ask: &Ask, report: &Report) -> crate::params::Params {
    let names: Vec<String> = report.by.iter().map(|f| f.name()).collect();
    ask.exact(report).with("by", &names.join(","))
}

fn ends(ask: &Ask, report: &Report, groups: &[Group]) -> Table {
    let decimals = decimals(report);
    let mut table = Table {
        heading: "MRR at the end of each period".into(),
        caption: "MRR at the end of each period, by group".into(),
        links: ask.downloads("/api/v1/mrr", &by_params(ask, report)),
        ..Table::default()
    };
    let names: Vec<String> = report.by.iter().map(|f| f.name()).collect();
    table.heads.push(Head::text(&names.join(", ")));
    let Some(first) = groups.first() else { return table };
    table.heads.extend(first.rows.iter().map(|row| Head {
        class: if report.complete(&row.period) { "num" } else { "num running" },
        ..Head::num(&period_name(report, row))
    }));
    for group in groups {
        let mut cells = vec![Cell::text(group_name(group.key))];
        let filter = group_filter(report, group.key);
        cells.extend(group.rows.iter().map(|row| {
            let text = level(row.end, decimals);
            let period = row.period.start.to_string();
            let label = format!("{}, {}, {text}", group_name(group.key), period_name(report, row));
            Cell::num(text).explained(ask.explain(&period, None, filter.as_deref()), label)
        }));
        table.rows.push(Row { class: "", cells });
    }
    table
}
