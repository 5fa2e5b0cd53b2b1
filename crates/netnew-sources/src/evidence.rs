//! What the cells of a file say about how its numbers and dates are written.

use crate::cell::{Cell, Source, Step};
use crate::date::{self, Order};
use crate::fields::Shape;
use crate::number::{self, Point};
use crate::problem::{SourceError, shown};

/// How the cells of one column are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// What starts the decimals, if some cell shows it and none another.
    pub point: Option<Point>,
    /// Whether day or month comes first, if some cell shows it and none another.
    pub order: Option<Order>,
    /// Times without a zone are UTC, because the header says so.
    pub utc: bool,
}

/// The first cell that shows one of two things.
#[derive(Clone, Debug)]
struct Seen {
    line: u64,
    text: String,
}

#[derive(Clone, Debug, Default)]
struct Findings {
    dot: Option<Seen>,
    comma: Option<Seen>,
    day_first: Option<Seen>,
    month_first: Option<Seen>,
}

/// Reads the head of a file for evidence about the given columns and puts what it found into words.
pub(crate) fn survey(
    source: &mut dyn Source,
    columns: &[(usize, Shape)],
) -> Result<(Vec<Style>, Vec<String>), SourceError> {
    let headers = source.headers().to_vec();
    let utc = |header: &String| header.to_uppercase().contains("(UTC)");
    let mut styles: Vec<Style> = headers.iter().map(|h| Style { utc: utc(h), ..Style::default() }).collect();
    let watched: Vec<(usize, Shape)> =
        columns.iter().copied().filter(|(at, shape)| *shape != Shape::Text && source.is_text(*at)).collect();
    if watched.is_empty() {
        return Ok((styles, Vec::new()));
    }
    let mut findings = vec![Findings::default(); headers.len()];
    while !source.enough_for_evidence() {
        match source.advance()? {
            Step::End => break,
            Step::Bad(_) => continue,
            Step::Record => {}
        }
        for &(at, shape) in &watched {
            if let Cell::Text(text) = source.cell(at) {
                findings[at].look_at(text, shape, source.line());
            }
        }
    }
    source.rewind()?;
    let mut notes = Vec::new();
    for &(at, shape) in &watched {
        let found = &findings[at];
        match shape {
            Shape::Number => styles[at].point = found.point(&headers[at], &mut notes),
            Shape::Date => styles[at].order = found.order(&headers[at], &mut notes),
            Shape::Text => {}
        }
    }
    share_order(&mut styles, &findings, &watched, &headers, &mut notes);
    Ok((styles, notes))
}

impl Findings {
    fn look_at(&mut self, text: &str, shape: Shape, line: u64) {
        let slot = match shape {
            Shape::Number => match number::evidence(text) {
                Some(Point::Dot) => &mut self.dot,
                Some(Point::Comma) => &mut self.comma,
                None => return,
            },
            Shape::Date => match date::evidence(text) {
                Some(Order::DayFirst) => &mut self.day_first,
                Some(Order::MonthFirst) => &mut self.month_first,
                None => return,
            },
            Shape::Text => return,
        };
        if slot.is_none() {
            *slot = Some(Seen { line, text: text.to_string() });
        }
    }

    fn point(&self, header: &str, notes: &mut Vec<String>) -> Option<Point> {
        match (&self.dot, &self.comma) {
            (Some(_), None) => Some(Point::Dot),
            (None, Some(seen)) => {
                notes.push(format!("{header} read with a decimal comma because {}", seen.describe()));
                Some(Point::Comma)
            }
            (Some(dot), Some(comma)) => {
                let (dot, comma) = (dot.describe(), comma.describe());
                notes.push(format!("{header} has decimal points and decimal commas: {dot}, {comma}"));
                None
            }
            (None, None) => None,
        }
    }

    fn decided_order(&self) -> Option<(Order, &Seen)> {
        match (&self.day_first, &self.month_first) {
            (Some(seen), None) => Some((Order::DayFirst, seen)),
            (None, Some(seen)) => Some((Order::MonthFirst, seen)),
            _ => None,
        }
    }

    fn order(&self, header: &str, notes: &mut Vec<String>) -> Option<Order> {
        if let (Some(day), Some(month)) = (&self.day_first, &self.month_first) {
            let (day, month) = (day.describe(), month.describe());
            notes.push(format!("{header} has day/month/year and month/day/year: {day}, {month}"));
        }
        let (order, seen) = self.decided_order()?;
        notes.push(format!("{header} read as {} because {}", order.describe(), seen.describe()));
        Some(order)
    }

    fn is_silent_about_order(&self) -> bool {
        self.day_first.is_none() && self.month_first.is_none()
    }
}

impl Seen {
    fn describe(&self) -> String {
        format!("line {} has {}", self.line, shown(&self.text))
    }
}

/// One program writes all dates of a file alike: a column that shows nothing itself follows the others, if they
/// agree.
fn share_order(
    styles: &mut [Style],
    findings: &[Findings],
    watched: &[(usize, Shape)],
    headers: &[String],
    notes: &mut Vec<String>,
) {
    let mut decided = watched.iter().filter_map(|(at, _)| Some((*at, findings[*at].decided_order()?.0)));
    let Some((from, order)) = decided.next() else { return };
    let disagrees = |at: usize| match order {
        Order::DayFirst => findings[at].month_first.is_some(),
        Order::MonthFirst => findings[at].day_first.is_some(),
    };
    if watched.iter().any(|(at, _)| disagrees(*at)) {
        return;
    }
    for &(at, shape) in watched {
        if shape == Shape::Date && findings[at].is_silent_about_order() {
            styles[at].order = Some(order);
            notes.push(format!("{} read as {} like {}", headers[at], order.describe(), headers[from]));
        }
    }
}
