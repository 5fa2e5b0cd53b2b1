//! What is asked of a spec before anything is drawn. Drawing code relies on it: lengths, places, sizes and sums.

use netnew_money::Amount;

use crate::error::ChartError;
use crate::format::ONE;
use crate::spec::{
    Annotation, Body, Cell, Fan, Goal, Heatmap, Lines, Movements, Period, Series, Spec, StepKind, Unit,
    Waterfall,
};
use crate::text::check_href;

/// Marks at most: more than fit a wide screen, fewer than a browser minds.
const LIMIT: usize = 20_000;
/// Amounts at most, so that sums of all marks stay far inside 128 bits.
const LARGEST: i128 = ONE * 1_000_000_000_000_000_000_000_000;

struct Check<'a> {
    id: &'a str,
    unit: &'a Unit,
}

/// Refuses what cannot be drawn truly.
pub(crate) fn check(spec: &Spec) -> Result<(), ChartError> {
    check_id(&spec.id)?;
    let check = Check { id: &spec.id, unit: &spec.unit };
    match &spec.body {
        Body::Movements(chart) => check.movements(chart),
        Body::Waterfall(chart) => check.waterfall(chart),
        Body::Lines(chart) => check.lines(chart),
        Body::Heatmap(chart) => check.heatmap(chart),
        Body::Bars(chart) => {
            check.count(chart.items.len())?;
            chart.items.iter().try_for_each(|item| check.cell(&item.cell))
        }
        Body::Milestone(chart) => {
            check.count(chart.goals.len())?;
            check.size(chart.from)?;
            check.cell(&chart.now)?;
            chart.goals.iter().try_for_each(|goal| check.goal(goal))
        }
    }
}

fn check_id(id: &str) -> Result<(), ChartError> {
    let letter = id.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if letter && rest && id.len() <= 64 { Ok(()) } else { Err(ChartError::BadId { id: id.to_owned() }) }
}

impl Check<'_> {
    fn id(&self) -> String {
        self.id.to_owned()
    }

    fn count(&self, found: usize) -> Result<(), ChartError> {
        if found <= LIMIT { Ok(()) } else { Err(ChartError::TooMany { id: self.id(), found, limit: LIMIT }) }
    }

    fn size(&self, value: Amount) -> Result<(), ChartError> {
        if value.raw().unsigned_abs() <= LARGEST.unsigned_abs() {
            return Ok(());
        }
        Err(ChartError::TooLarge { id: self.id(), value: value.to_string() })
    }

    fn href(&self, href: Option<&String>) -> Result<(), ChartError> {
        href.map_or(Ok(()), |href| check_href(self.id, href))
    }

    fn cell(&self, cell: &Cell) -> Result<(), ChartError> {
        cell.value.map_or(Ok(()), |value| self.size(value))?;
        self.href(cell.href.as_ref())
    }

    fn goal(&self, goal: &Goal) -> Result<(), ChartError> {
        self.size(goal.value)?;
        self.href(goal.href.as_ref())
    }

    fn place(&self, what: &str, at: usize, places: usize) -> Result<(), ChartError> {
        if at < places {
            return Ok(());
        }
        Err(ChartError::OffAxis { id: self.id(), what: what.to_owned(), at, places })
    }

    fn length(&self, what: &str, expected: usize, found: usize) -> Result<(), ChartError> {
        if expected == found {
            return Ok(());
        }
        Err(ChartError::Length { id: self.id(), what: what.to_owned(), expected, found })
    }

    fn series(&self, series: &Series, places: usize) -> Result<(), ChartError> {
        self.length(&series.label, places, series.cells.len())?;
        series.cells.iter().try_for_each(|cell| self.cell(cell))
    }

    fn notes(&self, notes: &[Annotation], periods: &[Period], goal: Option<&Goal>) -> Result<(), ChartError> {
        for note in notes {
            self.place(&note.label, note.at, periods.len())?;
            self.href(note.href.as_ref())?;
        }
        goal.map_or(Ok(()), |goal| self.goal(goal))
    }

    fn equal(&self, what: &str, parts: Amount, total: Amount) -> Result<(), ChartError> {
        if parts == total {
            return Ok(());
        }
        let text = |amount: Amount| {
            if let Unit::Money { .. } = self.unit {
                format!("{amount} {}", self.unit.name())
            } else {
                amount.to_string()
            }
        };
        Err(ChartError::Sum { id: self.id(), what: what.to_owned(), parts: text(parts), total: text(total) })
    }

    fn movements(&self, chart: &Movements) -> Result<(), ChartError> {
        let places = chart.periods.len();
        self.count(places.saturating_mul(chart.kinds.len() + 1))?;
        chart.kinds.iter().chain(&chart.net).try_for_each(|series| self.series(series, places))?;
        self.notes(&chart.annotations, &chart.periods, chart.goal.as_ref())?;
        let Some(net) = &chart.net else { return Ok(()) };
        for (place, period) in chart.periods.iter().enumerate() {
            let Some(total) = net.cells[place].value else { continue };
            let parts = chart.kinds.iter().filter_map(|kind| kind.cells[place].value).sum();
            self.equal(&period.label, parts, total)?;
        }
        Ok(())
    }

    fn waterfall(&self, chart: &Waterfall) -> Result<(), ChartError> {
        self.count(chart.steps.len())?;
        let mut sum = Amount::ZERO;
        for (place, step) in chart.steps.iter().enumerate() {
            self.cell(&step.cell)?;
            let value = step.cell.value.unwrap_or_default();
            match step.kind {
                StepKind::Total if place == 0 => sum = value,
                StepKind::Total => self.equal(&step.label, sum, value)?,
                StepKind::Change => sum += value,
            }
        }
        Ok(())
    }

    fn lines(&self, chart: &Lines) -> Result<(), ChartError> {
        let places = chart.periods.len();
        self.count(places.saturating_mul(chart.series.len() + 1))?;
        chart.series.iter().try_for_each(|series| self.series(series, places))?;
        self.notes(&chart.annotations, &chart.periods, chart.goal.as_ref())?;
        chart.fan.as_ref().map_or(Ok(()), |fan| self.fan(fan, &chart.periods))
    }

    fn fan(&self, fan: &Fan, periods: &[Period]) -> Result<(), ChartError> {
        self.count(fan.points.len())?;
        for point in &fan.points {
            self.place(&fan.label, point.at, periods.len())?;
            self.href(point.href.as_ref())?;
            [point.low, point.mid, point.high].into_iter().try_for_each(|value| self.size(value))?;
            if point.low > point.mid || point.mid > point.high {
                return Err(ChartError::FanOrder { id: self.id(), what: periods[point.at].label.clone() });
            }
        }
        Ok(())
    }

    fn heatmap(&self, chart: &Heatmap) -> Result<(), ChartError> {
        self.count(chart.rows.len().saturating_mul(chart.columns.len() + 1))?;
        for row in &chart.rows {
            // Young cohorts have fewer ages; a value beyond the last column has no place.
            if row.cells.len() > chart.columns.len() {
                self.length(&row.label, chart.columns.len(), row.cells.len())?;
            }
            self.href(row.href.as_ref())?;
            row.cells.iter().try_for_each(|cell| self.cell(cell))?;
        }
        let domain = chart.domain.map(|(lo, hi)| [lo, hi]);
        domain.iter().flatten().try_for_each(|value| self.size(*value))
    }
}
