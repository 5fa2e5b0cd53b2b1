//! Reports to read: a week or a month of the business, as Markdown and as one HTML file that needs nothing else.
//!
//! Both are made from the same [`Block`]s, so they hold the same figures. Columns of printed cents add up as printed.

mod blocks;
mod charts;
mod html;
mod markdown;
mod past;

pub use blocks::{Block, Side};
pub use past::{Change, Past};

use crate::cohorts::cohorts;
use crate::decide::{
    Decisions, GoalStanding, Marks, benchmarks_from, decimals, diagnose_from, goals, milestones,
};
use crate::{Report, ReportError};
use netnew_access::{Annotation, Goal};
use netnew_decide::Event;
use netnew_decide::benchmarks::Placed;
use netnew_decide::diagnosis::Diagnosis;
use netnew_decide::milestones::Milestone;
use netnew_metrics::{CohortRow, Extras, Measure, RollupRow};
use netnew_money::{Day, Grain, Instant};
use serde_json::{Value, json};

/// Periods of the trend.
const TREND: usize = 13;

/// How long a report's period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// The last complete week.
    Week,
    /// The last complete month.
    Month,
}

impl Every {
    /// `weekly` or `monthly`.
    pub fn as_str(self) -> &'static str {
        match self {
            Every::Week => "weekly",
            Every::Month => "monthly",
        }
    }

    /// The interval of its periods.
    pub fn grain(self) -> Grain {
        match self {
            Every::Week => Grain::Week,
            Every::Month => Grain::Month,
        }
    }

    /// `week` or `month`.
    pub fn noun(self) -> &'static str {
        match self {
            Every::Week => "week",
            Every::Month => "month",
        }
    }
}

/// A report with everything that stands in it.
pub struct Written {
    /// Weekly or monthly.
    pub every: Every,
    /// Complete periods up to the reported one, oldest first; the last is the reported one.
    pub trend: Vec<RollupRow>,
    /// The last complete months, at most three.
    pub months: Vec<RollupRow>,
    /// Movements of the reported period.
    pub events: Vec<Event>,
    /// Customers left per cohort and age.
    pub cohorts: Vec<CohortRow>,
    /// What is wrong.
    pub diagnosis: Diagnosis,
    /// Where the business stands.
    pub benchmarks: Vec<Placed>,
    /// What was reached.
    pub milestones: Vec<Milestone>,
    /// What is to be reached, and how it stands.
    pub goals: Vec<GoalStanding>,
    /// The goal on the drawing of MRR.
    pub goal: Option<Goal>,
    /// What people wrote down of the days of the trend.
    pub annotations: Vec<Annotation>,
    /// What is another now in the periods before the reported one.
    pub past: Past,
    /// Code of the currency.
    pub currency: String,
    /// Its decimals.
    pub decimals: u8,
    /// Now, as text.
    pub as_of: String,
    /// Policy, zone, what is known: the line under every report.
    pub footer: String,
}

/// Gathers a report about the last complete week or month, with what people wrote down. Numbers of earlier periods are
/// compared with what was known at `since`, the moment of the last report; without, when the reported period began.
///
/// # Errors
/// Several currencies or no complete period (refused), a missing rate, a book that cannot be read.
pub fn write(
    report: &Report,
    every: Every,
    marks: &Marks,
    since: Option<Instant>,
) -> Result<Written, ReportError> {
    let decisions = Decisions::gather(report)?;
    let mut query = report.query()?;
    query.by.clear();
    query.grain = every.grain();
    let rows = match report.is_empty()? {
        true => Vec::new(),
        false => report.rows(&query, Extras::default())?,
    };
    let mut trend: Vec<RollupRow> = rows.into_iter().filter(|r| report.complete(&r.period)).collect();
    trend.drain(..trend.len().saturating_sub(TREND));
    let Some(last) = trend.last() else {
        return Err(ReportError::refused(
            "no_period",
            format!("there is no complete {} to report on yet", every.noun()),
            "import more, or wait for the first one to end",
        ));
    };
    let events = decisions.events_between(report, last.period.first, last.period.last)?;
    let first = trend.first().map_or(last.period.first, |row| row.period.first);
    let annotations = marks.annotations.iter().filter(|a| a.date >= first && a.date <= last.period.last);
    let since = since.unwrap_or_else(|| report.zone.start_of(last.period.first));
    let back = decisions.rows.len().saturating_sub(3);
    Ok(Written {
        every,
        events,
        months: decisions.rows[back..].to_vec(),
        cohorts: cohorts(report, Measure::Customers)?,
        diagnosis: diagnose_from(&decisions, report)?,
        benchmarks: benchmarks_from(&decisions, report, None)?,
        milestones: milestones(report)?,
        goals: goals(report, &marks.goals)?,
        goal: marks.on_chart(report).cloned(),
        annotations: annotations.cloned().collect(),
        past: past::past(report, every, &trend, since)?,
        currency: report.currency_name(),
        decimals: decimals(report),
        as_of: report.as_of.to_string(),
        footer: crate::mrr::footer(report).trim_end().to_string(),
        trend,
    })
}

impl Written {
    /// First and last day of the reported period.
    pub fn period(&self) -> (Day, Day) {
        self.trend.last().map_or((Day::MIN, Day::MIN), |row| (row.period.first, row.period.last))
    }

    /// The heading.
    pub fn title(&self) -> String {
        let (from, to) = self.period();
        match self.every {
            Every::Week => format!("Week from {from} to {to}"),
            Every::Month => netnew_decide::words::month(from),
        }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        markdown::render(&self.blocks())
    }

    /// As one HTML file.
    ///
    /// # Errors
    /// A chart that cannot be drawn truly.
    pub fn html(&self) -> Result<String, ReportError> {
        html::render(&self.title(), &self.blocks())
    }

    /// The shape of `netnew report --format json`.
    pub fn to_json(&self, html: Option<String>) -> Value {
        let (from, to) = self.period();
        json!({
            "kind": self.every.as_str(),
            "from": from.to_string(),
            "to": to.to_string(),
            "as_of": self.as_of,
            "currency": self.currency,
            "title": self.title(),
            "markdown": self.markdown(),
            "html": html,
        })
    }
}
