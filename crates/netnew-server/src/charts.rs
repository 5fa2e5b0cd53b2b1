//! What the charts of the pages show: rows of a report as specs. Drawn by `netnew-chart`, which knows nothing of MRR.

use crate::error::WebError;
use crate::pages::{Ask, MARKS, decimals, group_filter, group_name, period_label};
use askama::Template;
use axum::http::StatusCode;
use netnew_chart::{
    Annotation, BarItem, Bars, Body, Cell, ChartError, Fan, FanPoint, Goal, HeatRow, Heatmap, Lines, Mode,
    Movements, Period, Series, Spark, Spec, State, Step, StepKind, Tone, Unit, Waterfall,
};
use netnew_decide::forecast::Forecast;
use netnew_ledger::Kind;
use netnew_metrics::{CohortRow, Measure, ReportCurrency, RollupRow};
use netnew_money::{Amount, Day, Grain, Ratio, Rounding};
use netnew_report::decide::Marks;
use netnew_report::story::net_new;
use netnew_report::{Report, ReportError};
use std::collections::BTreeMap;

impl From<ChartError> for WebError {
    fn from(error: ChartError) -> WebError {
        WebError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: ReportError::refused("internal", format!("a chart could not be drawn: {error}"), ""),
        }
    }
}

/// A chart in a page: drawn for wide and for narrow, with its legend and its table.
#[derive(Template)]
#[template(path = "chart.html")]
pub struct Drawn {
    title: String,
    links: Vec<(String, String)>,
    drawing: String,
    legend: String,
    table: String,
}

/// Draws a chart for a page, at every width that it may get there.
pub fn drawn(spec: &Spec, links: Vec<(String, String)>) -> Result<Drawn, WebError> {
    Ok(Drawn {
        title: spec.title.clone(),
        links,
        drawing: netnew_chart::responsive(spec)?,
        legend: netnew_chart::legend(spec),
        table: netnew_chart::table(spec)?.html(true),
    })
}

/// What a report's amounts are counted in.
fn unit(report: &Report) -> Unit {
    let code = match report.currency {
        ReportCurrency::In(currency) => currency.as_str().to_string(),
        ReportCurrency::Original => String::new(),
    };
    Unit::Money { code, decimals: decimals(report) }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A row's place on the time axis.
fn period(report: &Report, row: &RollupRow) -> Period {
    let (year, month, day) = row.period.start.ymd();
    let name = MONTHS[(month as usize - 1) % 12];
    let (label, short) = match report.grain {
        Grain::Month => (format!("{name} {year}"), name[..3].to_string()),
        Grain::Quarter => (period_label(report, row), format!("Q{}", month.div_ceil(3))),
        Grain::Year => (year.to_string(), year.to_string()),
        _ => (row.period.start.to_string(), format!("{day} {}", &name[..3])),
    };
    let group = if report.grain == Grain::Year { String::new() } else { year.to_string() };
    let future = netnew_metrics::end_of_day(row.period.first.add_days(-1), &report.zone) >= report.as_of;
    let state = match (report.complete(&row.period), future) {
        (true, _) => State::Past,
        (false, true) => State::Future,
        // A period that the range cuts is over, but not whole: it is drawn as what it is, a part.
        (false, false) => State::Running,
    };
    Period { label, short, group, state }
}

/// A kind's colour.
pub fn tone(kind: Kind) -> Tone {
    match kind {
        Kind::New => Tone::New,
        Kind::Reactivation => Tone::Reactivation,
        Kind::Expansion => Tone::Expansion,
        Kind::Contraction => Tone::Contraction,
        Kind::Churn => Tone::Churn,
        Kind::Transfer => Tone::Transfer,
    }
}

fn capital(word: &str) -> String {
    word.chars()
        .next()
        .map_or(String::new(), |c| c.to_uppercase().collect::<String>() + &word[c.len_utf8()..])
}

/// What people wrote down, at the periods that hold the days.
fn annotations(ask: &Ask, marks: &Marks, rows: &[RollupRow]) -> Vec<Annotation> {
    let at = |day: Day| rows.iter().position(|r| r.period.first <= day && day <= r.period.last);
    let one = |a: &netnew_access::Annotation| {
        let href = (!ask.caller.shared).then(|| MARKS.to_string());
        Some(Annotation { at: at(a.date)?, label: a.text.clone(), href })
    };
    marks.annotations.iter().filter_map(one).collect()
}

/// Movements by period, stacked by kind. `rows`: one a period.
pub fn movements(ask: &Ask, report: &Report, rows: &[RollupRow], marks: &Marks) -> Spec {
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|k| rows.iter().any(|r| !r.movement(*k).is_zero())).collect();
    let series = |label: String, tone, value: &dyn Fn(&RollupRow) -> Amount, kind: Option<Kind>| Series {
        label,
        tone,
        cells: rows
            .iter()
            .map(|row| {
                let start = row.period.start.to_string();
                Cell::new(value(row), ask.explain(&start, kind.map(Kind::as_str), None))
            })
            .collect(),
        dashed: false,
    };
    Spec {
        id: "movements".into(),
        title: "Movements".into(),
        desc: "What was gained and lost in each period, by kind, and what it came to.".into(),
        unit: unit(report),
        body: Body::Movements(Movements {
            periods: rows.iter().map(|r| period(report, r)).collect(),
            kinds: kinds
                .iter()
                .map(|k| series(capital(k.as_str()), tone(*k), &|r: &RollupRow| r.movement(*k), Some(*k)))
                .collect(),
            net: Some(series("Net new".into(), Tone::Net, &net_new, None)),
            annotations: annotations(ask, marks, rows),
            ..Movements::default()
        }),
    }
}

/// MRR at the end of each period; `compared`: the same of another range, drawn beside it.
pub fn mrr(
    ask: &Ask,
    report: &Report,
    rows: &[RollupRow],
    compared: Option<(&str, &[RollupRow])>,
    marks: &Marks,
) -> Spec {
    let cell = |row: &RollupRow| Cell::new(row.end, ask.explain_metric("mrr", &row.period.start.to_string()));
    let mut series = vec![Series {
        label: "MRR".into(),
        tone: Tone::Main,
        cells: rows.iter().map(cell).collect(),
        dashed: false,
    }];
    if let Some((label, others)) = compared {
        let cells = (0..rows.len()).map(|at| others.get(at).map_or_else(Cell::gap, cell)).collect();
        series.push(Series { label: label.into(), tone: Tone::Compare, cells, dashed: true });
    }
    Spec {
        id: "mrr".into(),
        title: "MRR at the end of each period".into(),
        desc: String::new(),
        unit: unit(report),
        body: Body::Lines(Lines {
            periods: rows.iter().map(|r| period(report, r)).collect(),
            series,
            area: true,
            annotations: annotations(ask, marks, rows),
            goal: marks.on_chart(report).map(|goal| Goal {
                label: format!("Goal by {}", goal.by),
                value: goal.value,
                href: (!ask.caller.shared).then(|| MARKS.to_string()),
            }),
            ..Lines::default()
        }),
    }
}

/// MRR at the end of each period, one group on the other. Groups beyond the sixth largest are drawn as one.
pub fn stacked(ask: &Ask, report: &Report, rows: &[RollupRow]) -> Option<Spec> {
    const SHOWN: usize = 6;
    let mut groups: BTreeMap<&netnew_metrics::GroupKey, Vec<&RollupRow>> = BTreeMap::new();
    rows.iter().for_each(|row| groups.entry(&row.group).or_default().push(row));
    let mut groups: Vec<_> = groups.into_iter().collect();
    let last = |rows: &Vec<&RollupRow>| rows.last().map_or(Amount::ZERO, |r| r.end);
    groups.sort_by(|a, b| last(&b.1).cmp(&last(&a.1)).then_with(|| a.0.cmp(b.0)));
    let first = groups.first()?.1.clone();
    if rows.iter().any(|r| r.end.is_negative()) {
        return None;
    }
    let rest = groups.split_off(groups.len().min(SHOWN));
    let mut series: Vec<Series> = groups
        .iter()
        .enumerate()
        .map(|(at, (key, rows))| {
            let filter = group_filter(report, key);
            let cell = |row: &&RollupRow| {
                Cell::new(row.end, ask.explain(&row.period.start.to_string(), None, filter.as_deref()))
            };
            Series {
                label: group_name(key),
                tone: Tone::Series(u8::try_from(at + 1).unwrap_or(1)),
                cells: rows.iter().map(cell).collect(),
                dashed: false,
            }
        })
        .collect();
    if !rest.is_empty() {
        let sum = |at: usize| rest.iter().filter_map(|(_, rows)| rows.get(at)).map(|r| r.end).sum();
        series.push(Series {
            label: format!("{} others", rest.len()),
            tone: Tone::Compare,
            cells: (0..first.len()).map(|at| Cell::plain(sum(at))).collect(),
            dashed: false,
        });
    }
    Some(Spec {
        id: "segments".into(),
        title: "MRR at the end of each period, by group".into(),
        desc: String::new(),
        unit: unit(report),
        body: Body::Lines(Lines {
            periods: first.iter().map(|r| period(report, r)).collect(),
            series,
            stacked: true,
            ..Lines::default()
        }),
    })
}

/// From the first row's start through each kind to the last row's end.
pub fn waterfall(ask: &Ask, report: &Report, rows: &[RollupRow]) -> Option<Spec> {
    let (first, last) = (rows.first()?, rows.last()?);
    let mut steps = vec![Step {
        label: "Start".into(),
        tone: Tone::Compare,
        cell: Cell::plain(first.start),
        kind: StepKind::Total,
    }];
    let link =
        |kind: Kind| ask.params.without(&["cursor", "period"]).with("kind", kind.as_str()).link("/movements");
    for kind in Kind::ALL {
        let sum: Amount = rows.iter().map(|r| r.movement(kind)).sum();
        if kind != Kind::Transfer || !sum.is_zero() {
            let cell = Cell::new(sum, link(kind));
            steps.push(Step {
                label: capital(kind.as_str()),
                tone: tone(kind),
                cell,
                kind: StepKind::Change,
            });
        }
    }
    let fx: Amount = rows.iter().map(|r| r.fx).sum();
    if !fx.is_zero() {
        let cell = Cell::plain(fx);
        steps.push(Step { label: "Rates".into(), tone: Tone::Fx, cell, kind: StepKind::Change });
    }
    let cell = Cell::new(last.end, ask.explain_metric("mrr", &last.period.start.to_string()));
    steps.push(Step { label: "End".into(), tone: Tone::Compare, cell, kind: StepKind::Total });
    let state = if report.complete(&last.period) { State::Past } else { State::Running };
    Some(Spec {
        id: "waterfall".into(),
        title: format!("From {} to {}", first.period.first, last.period.last),
        desc: "MRR at the start, what each kind of movement did to it, and MRR at the end.".into(),
        unit: unit(report),
        body: Body::Waterfall(Waterfall { steps, state }),
    })
}

/// What each group lost, the most first.
pub fn losses(report: &Report, groups: &[(String, Amount, String)]) -> Spec {
    let total: Amount = groups.iter().map(|g| g.1).sum();
    let items = groups.iter().filter(|g| g.1.is_negative()).take(8).map(|(label, lost, href)| {
        let share = Ratio::from_amount(*lost).checked_div(Ratio::from_amount(total));
        BarItem {
            label: label.clone(),
            tone: Tone::Churn,
            cell: Cell::new(*lost, href.clone()),
            note: share.map(netnew_report::figures::percent).unwrap_or_default(),
        }
    });
    Spec {
        id: "losses".into(),
        title: "Churn and contraction over the range".into(),
        desc: String::new(),
        unit: unit(report),
        body: Body::Bars(Bars { names: "Group".into(), values: "Lost".into(), items: items.collect() }),
    }
}

/// Cohorts by age. Customers as percent of the cohort, MRR as an amount, retention in percent.
pub fn cohorts(ask: &Ask, report: &Report, rows: &[CohortRow], measure: Measure) -> Spec {
    let mut by_cohort: BTreeMap<Day, Vec<&CohortRow>> = BTreeMap::new();
    rows.iter().for_each(|row| by_cohort.entry(row.cohort).or_default().push(row));
    let ages = by_cohort.values().map(Vec::len).max().unwrap_or(0);
    let value = |row: &CohortRow| -> Option<Amount> {
        let value = row.value?;
        let hundred = |r: Ratio| r.checked_mul(Ratio::from_int(100));
        let shown = match measure {
            Measure::Customers => hundred(value.checked_div(Ratio::from_int(i128::from(row.size)))?)?,
            Measure::Mrr => value,
            Measure::Nrr | Measure::Grr => hundred(value)?,
        };
        shown.round_to(Amount::SCALE, Rounding::HalfEven).map(Amount::from_raw)
    };
    let heat = by_cohort.iter().map(|(cohort, rows)| {
        let start = cohort.to_string();
        let (year, month, _) = cohort.ymd();
        let name = MONTHS[(month as usize - 1) % 12];
        HeatRow {
            label: format!("{name} {year}"),
            short: format!("{} {:02}", &name[..3], year % 100),
            href: Some(ask.explain(&start, Some("new"), None)),
            size: rows[0].size.to_string(),
            cells: (0..ages)
                .map(|age| rows.get(age).and_then(|r| value(r)).map_or_else(Cell::gap, Cell::plain))
                .collect(),
            running: rows.iter().rev().take_while(|r| !r.mature).count(),
        }
    });
    let unit = match measure {
        Measure::Mrr => unit(report),
        _ => Unit::Percent { decimals: 0 },
    };
    Spec {
        id: "cohorts".into(),
        title: "Cohorts by age".into(),
        desc: "What is left of the customers of each period, by the number of periods since their first payment.".into(),
        unit,
        body: Body::Heatmap(Heatmap {
            rows_name: "Cohort".into(),
            size_name: "Customers".into(),
            columns_name: "Periods since the first payment".into(),
            columns: (0..ages).map(|a| a.to_string()).collect(),
            rows: heat.collect(),
            domain: match measure {
                Measure::Mrr => None,
                _ => Some((Amount::ZERO, Amount::from_major(100))),
            },
        }),
    }
}

/// Past months and the forecast that opens from them.
pub fn forecast(report: &Report, told: &Forecast) -> Option<Spec> {
    let mut query = report.query().ok()?;
    query.grain = Grain::Month;
    query.by.clear();
    let from = report.today().first_of_month().add_months(-12);
    query.from = query.from.max(from);
    let rows = report.rows(&query, netnew_metrics::Extras::default()).ok()?;
    let past: Vec<&RollupRow> = rows.iter().filter(|r| report.complete(&r.period)).collect();
    let mut periods: Vec<Period> = past.iter().map(|r| period(report, r)).collect();
    let known = periods.len();
    for row in &told.rows {
        let (year, month, _) = row.month.first.ymd();
        let name = MONTHS[(month as usize - 1) % 12];
        periods.push(Period {
            label: format!("{name} {year}"),
            short: name[..3].to_string(),
            group: year.to_string(),
            state: State::Future,
        });
    }
    let mut cells: Vec<Cell> = past.iter().map(|r| Cell::plain(r.end)).collect();
    cells.resize(periods.len(), Cell::gap());
    let points = told.rows.iter().enumerate().map(|(at, row)| {
        let (low, high) = row.range.unwrap_or((row.month.end, row.month.end));
        FanPoint { at: known + at, low, mid: row.month.end, high, href: None }
    });
    Some(Spec {
        id: "forecast".into(),
        title: "MRR ahead, by the pace and what is agreed".into(),
        desc:
            "The last months, and the months ahead with the range that the forecast's own past errors allow."
                .into(),
        unit: unit(report),
        body: Body::Lines(Lines {
            periods,
            series: vec![Series { label: "MRR".into(), tone: Tone::Main, cells, dashed: false }],
            fan: (!told.rows.is_empty()).then(|| Fan { label: "Forecast".into(), points: points.collect() }),
            ..Lines::default()
        }),
    })
}

/// A small line of a figure's last values.
pub fn spark(label: String, values: Vec<Option<Amount>>) -> String {
    netnew_chart::sparkline(&Spark { label, values, tone: Tone::Main, running: false }, &Mode::Page)
}
