//! From a start through changes to an end. Upright where every name fits under its bar, else lying, one row a step.

use netnew_money::Amount;

use crate::axis::{Scale, ticks};
use crate::format::signed;
use crate::frame::{Block, Room, SIZE};
use crate::spec::{State, Step, StepKind, Unit, Waterfall};
use crate::svg::{Pen, Px, px};
use crate::text::{bold_width, fitted, width};

/// Where each bar begins and ends.
pub(crate) fn spans(steps: &[Step]) -> Vec<(Amount, Amount)> {
    let mut sum = Amount::ZERO;
    let mut out = Vec::new();
    for step in steps {
        let value = step.cell.value.unwrap_or_default();
        let from = if step.kind == StepKind::Total { Amount::ZERO } else { sum };
        sum = from + value;
        out.push((from, sum));
    }
    out
}

/// The figure under a bar: changes with their sign, totals without a plus.
fn figure(unit: &Unit, step: &Step) -> String {
    match (step.cell.value, step.kind) {
        (None, _) => "–".to_owned(),
        (Some(value), StepKind::Total) => unit.figure(value),
        (Some(value), StepKind::Change) => signed(unit, value),
    }
}

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Waterfall) -> Px {
    let spans = spans(&chart.steps);
    let all = || spans.iter().flat_map(|(from, to)| [from.raw(), to.raw()]);
    let (lo, hi) = (all().min().unwrap_or(0).min(0), all().max().unwrap_or(0).max(0));
    let places = i64::try_from(chart.steps.len()).unwrap_or(1).max(1);
    let widest = chart
        .steps
        .iter()
        .map(|s| width(&s.label, SIZE).max(bold_width(&figure(unit, s), SIZE)))
        .max()
        .unwrap_or(0);
    if (widest + px(8)) * places <= room.width {
        upright(pen, room, unit, chart, &spans, (lo, hi))
    } else {
        lying(pen, room, unit, chart, &spans, (lo, hi))
    }
}

/// Where the axis begins. Changes that are small beside the totals would be invisible from zero, so then the totals
/// are cut: bars of totals carry a torn edge, and nothing but the changes is to be compared by length.
fn cut(chart: &Waterfall, spans: &[(Amount, Amount)], (lo, hi): (i128, i128)) -> Option<i128> {
    let changes = chart.steps.iter().zip(spans).filter(|(step, _)| step.kind == StepKind::Change);
    let ends: Vec<i128> = changes.flat_map(|(_, (from, to))| [from.raw(), to.raw()]).collect();
    let (least, most) = (*ends.iter().min()?, *ends.iter().max()?);
    let span = most - least;
    (lo >= 0 && least > 0 && span > 0 && span < hi / 3).then(|| (least - span).max(0))
}

fn label(step: &Step, unit: &Unit, state: State, last: bool) -> String {
    let value = step.cell.value.map_or_else(|| "no value".to_owned(), |value| unit.exact(value));
    let tail = if last && state == State::Running { ", not over yet" } else { "" };
    format!("{}, {value}{tail}", step.label)
}

fn state_of(chart: &Waterfall, place: usize) -> State {
    if place > 0 { chart.state } else { State::Past }
}

fn upright(
    pen: &mut Pen,
    room: &Room,
    unit: &Unit,
    chart: &Waterfall,
    spans: &[(Amount, Amount)],
    range: (i128, i128),
) -> Px {
    let whole = room.height.unwrap_or(px(256));
    let (top, bottom) = (room.top + px(8), room.top + whole.max(px(120)) - px(42));
    let torn = cut(chart, spans, range);
    let ticks = ticks(torn.unwrap_or(range.0), range.1, 4, unit);
    let lo = torn.unwrap_or(ticks.lo);
    let y = Scale::new(lo, ticks.hi, bottom, top);
    let places = i64::try_from(chart.steps.len()).unwrap_or(1).max(1);
    let band = room.width / places;
    let wide = (band * 6 / 10).min(px(72));
    let middle = |place: usize| band * i64::try_from(place).unwrap_or(0) + band / 2;
    let zero = y.at(Amount::ZERO);
    pen.line(0, zero, room.width, zero).stroke("zero", px(1)).attr("shape-rendering", "crispEdges").end();
    for (place, step) in chart.steps.iter().enumerate() {
        let (from, to) = (y.at(spans[place].0), y.at(spans[place].1));
        let (x, last) = (middle(place), place + 1 == chart.steps.len());
        let loss = step.kind == StepKind::Change && step.cell.value.is_some_and(Amount::is_negative);
        let mark = pen.begin_mark(&label(step, unit, chart.state, last), step.cell.href.as_deref());
        let tall = (from - to).abs().max(px(1));
        let block = Block {
            x: x - wide / 2,
            y: from.min(to),
            w: wide,
            h: tall,
            tone: step.tone,
            state: state_of(chart, place),
            loss,
        };
        block.draw(pen);
        if step.kind == StepKind::Total && torn.is_some() {
            tear(pen, x - wide / 2, bottom - px(10), wide, true);
        }
        let token = if loss { "bad" } else { "text" };
        pen.label(x, bottom + px(18), "middle", "text-2", &step.label);
        let value =
            pen.el("text").class("nn-link").px("x", x).px("y", bottom + px(34)).attr("font-size", "12");
        value
            .attr("text-anchor", "middle")
            .attr("font-weight", weight(step))
            .fill(token)
            .text(&figure(unit, step));
        pen.close(mark);
        if !last {
            pen.line(x + wide / 2, to, middle(place + 1) - wide / 2, to)
                .stroke("text-3", px(1))
                .attr("stroke-dasharray", "2 2")
                .end();
        }
    }
    bottom + px(42)
}

fn weight(step: &Step) -> &'static str {
    if step.kind == StepKind::Total { "600" } else { "400" }
}

/// A torn edge in the ground's colour: this bar does not begin where it seems to.
fn tear(pen: &mut Pen, x: Px, y: Px, length: Px, across: bool) {
    let d = if across {
        super::lines::path(&[(x - px(2), y + px(2)), (x + length + px(2), y - px(2))])
    } else {
        super::lines::path(&[(x - px(2), y + length + px(2)), (x + px(2), y - px(2))])
    };
    pen.el("path").class("nn-hatch").attr("d", &d).no_fill().stroke("surface", px(3)).end();
}

fn lying(
    pen: &mut Pen,
    room: &Room,
    unit: &Unit,
    chart: &Waterfall,
    spans: &[(Amount, Amount)],
    range: (i128, i128),
) -> Px {
    let names = chart.steps.iter().map(|step| width(&step.label, SIZE)).max().unwrap_or(0);
    let names = names.min(room.width * 4 / 10);
    let figures = chart.steps.iter().map(|step| bold_width(&figure(unit, step), SIZE)).max().unwrap_or(0);
    let (left, right) = (names + px(12), (room.width - figures - px(12)).max(names + px(28)));
    let torn = cut(chart, spans, range);
    let x = Scale::new(torn.unwrap_or(range.0), range.1.max(range.0 + 1), left, right);
    let row = px(28);
    for (place, step) in chart.steps.iter().enumerate() {
        let top = room.top + px(4) + row * i64::try_from(place).unwrap_or(0);
        let (from, to) = (x.at(spans[place].0), x.at(spans[place].1));
        let last = place + 1 == chart.steps.len();
        let loss = step.kind == StepKind::Change && step.cell.value.is_some_and(Amount::is_negative);
        let mark = pen.begin_mark(&label(step, unit, chart.state, last), step.cell.href.as_deref());
        pen.rect(0, top, room.width, row).class("nn-hit").attr("fill-opacity", "0").end();
        pen.label(0, top + px(18), "start", "text-2", &fitted(&step.label, SIZE, names));
        let wide = (from - to).abs().max(px(1));
        let block = Block {
            x: from.min(to),
            y: top + px(5),
            w: wide,
            h: px(18),
            tone: step.tone,
            state: state_of(chart, place),
            loss,
        };
        block.draw(pen);
        if step.kind == StepKind::Total && torn.is_some() {
            tear(pen, left + px(8), top + px(5), px(18), false);
        }
        let token = if loss { "bad" } else { "text" };
        let value =
            pen.el("text").class("nn-link").px("x", room.width).px("y", top + px(18)).attr("font-size", "12");
        value
            .attr("text-anchor", "end")
            .attr("font-weight", weight(step))
            .fill(token)
            .text(&figure(unit, step));
        pen.close(mark);
        if !last {
            pen.line(to, top + px(23), to, top + px(33))
                .stroke("text-3", px(1))
                .attr("stroke-dasharray", "2 2")
                .end();
        }
    }
    room.top + px(8) + row * i64::try_from(chart.steps.len()).unwrap_or(0)
}
