//! Retention: what is left of each period's customers, age by age.

use super::overview::nothing;
use super::parts::{Cell, Filters, Head, Row, Select, Table};
use super::{Ask, Page};
use crate::charts;
use crate::error::WebError;
use crate::web::work;
use axum::response::Response;
use netnew_metrics::{CohortRow, Measure};
use netnew_money::{Day, Grain, Ratio};
use netnew_report::cohorts::{cohorts, parse_measure};
use netnew_report::figures::percent;
use std::collections::BTreeMap;

/// Cohorts smaller than this carry a warning: one customer more or less moves them by several points.
const SMALL: i64 = 10;

/// The page.
pub async fn page(ask: Ask) -> Result<Response, WebError> {
    work(move || {
        let measure = parse_measure(ask.params.get("measure").unwrap_or("customers"))?;
        let mut report = ask.report()?;
        report.by = Vec::new();
        if !matches!(report.grain, Grain::Month | Grain::Quarter) {
            report.grain = Grain::Month;
        }
        let rows = cohorts(&report, measure)?;
        if rows.is_empty() {
            return nothing(&ask, &report);
        }
        let mut filters = ask.filters(&report, false)?;
        retention_filters(&ask, &mut filters);
        let mut by_cohort: BTreeMap<Day, Vec<&CohortRow>> = BTreeMap::new();
        rows.iter().for_each(|row| by_cohort.entry(row.cohort).or_default().push(row));
        let small = by_cohort.values().filter(|rows| rows[0].size < SMALL).count();
        let mut page = Page::new(&ask, "Retention", Some(&report))
            .sub("Customers by the period of their first payment, and what is left of them at each age.")
            .filtered(&filters)?;
        if small > 0 {
            page = page.notice(
                "info",
                format!("{small} of {} cohorts have fewer than {SMALL} customers: one more or less moves them by 10 points and more.", by_cohort.len()),
            );
        }
        let spec = charts::cohorts(&ask, &report, &rows, measure);
        let mut links = ask.chart_links("cohorts", "/api/v1/cohorts", &report);
        for link in &mut links[1..] {
            link.1.push_str(&format!("&measure={}", ask.params.get("measure").unwrap_or("customers")));
        }
        page.part(&charts::drawn(&spec, links)?)?
            .part(&table(&ask, &report, &by_cohort, measure))?
            .respond(&ask)
    })
    .await
}

fn retention_filters(ask: &Ask, filters: &mut Filters) {
    let options = [
        ("customers", "Customers, % left"),
        ("mrr", "MRR, amount"),
        ("nrr", "Net revenue retention"),
        ("grr", "Gross revenue retention"),
    ];
    filters.hidden.retain(|(name, _)| name != "measure");
    filters.selects.insert(
        0,
        Select {
            name: "measure",
            label: "Measure",
            value: ask.params.get("measure").unwrap_or("customers").to_string(),
            options: options.iter().map(|(v, w)| (v.to_string(), w.to_string())).collect(),
        },
    );
    if let Some(interval) = filters.selects.iter_mut().find(|s| s.name == "interval") {
        interval.options.retain(|(value, _)| value == "month" || value == "quarter");
    }
}

/// A value as the table shows it.
pub fn cell_text(row: &CohortRow, measure: Measure) -> String {
    let Some(value) = row.value else { return String::new() };
    match measure {
        Measure::Customers => {
            value.checked_div(Ratio::from_int(i128::from(row.size))).map(percent).unwrap_or_default()
        }
        Measure::Mrr => netnew_money::Amount::from_raw(
            value.round_to(netnew_money::Amount::SCALE, netnew_money::Rounding::HalfEven).unwrap_or_default(),
        )
        .display_grouped(0),
        Measure::Nrr | Measure::Grr => percent(value),
    }
}

fn table(
    ask: &Ask,
    report: &netnew_report::Report,
    by_cohort: &BTreeMap<Day, Vec<&CohortRow>>,
    measure: Measure,
) -> Table {
    let mut params = ask.exact(report).without(&["by"]);
    params = params.with("measure", ask.params.get("measure").unwrap_or("customers"));
    let mut table = Table {
        caption: "Cohorts by age".into(),
        links: ask.downloads("/api/v1/cohorts", &params),
        dense: true,
        foot: "Age in intervals since the first payment. Grey: the interval is still running.".into(),
        ..Table::default()
    };
    table.heads.push(Head::text("Cohort"));
    table.heads.push(Head::num("Customers"));
    let ages = by_cohort.values().map(Vec::len).max().unwrap_or(0);
    table.heads.extend((0..ages).map(|age| Head::num(&age.to_string())));
    for (cohort, rows) in by_cohort {
        let period = cohort.to_string();
        let label = &period[..7];
        let mut cells = vec![
            Cell::text(label),
            Cell::num(rows[0].size.to_string())
                .explained(ask.explain(&period, Some("new"), None), format!("{label}: its customers")),
        ];
        for age in 0..ages {
            cells.push(match rows.get(age) {
                Some(row) => Cell {
                    class: if row.mature { "num" } else { "num dim" },
                    ..Cell::num(cell_text(row, measure))
                },
                None => Cell::num(""),
            });
        }
        table.rows.push(Row { class: "", cells });
    }
    table
}
