//! How far it is to a goal, on one line.

use netnew_money::Amount;

use crate::axis::Scale;
use crate::axis::extent;
use crate::frame::{Block, Room, SIZE};
use crate::spec::{Milestone, State, Tone, Unit};
use crate::svg::{Pen, Px, px};
use crate::text::{bold_width, fitted, width};

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Milestone) -> Px {
    let now = chart.now.value.unwrap_or(chart.from);
    let last = chart.goals.last().map_or(now, |goal| goal.value);
    let (lo, hi) = (chart.from.raw().min(now.raw()), last.raw().max(now.raw()));
    let (left, right) = (px(6), room.width - px(6));
    let x = Scale::new(lo, hi.max(lo + 1), left, right);
    let track = room.top + px(24);
    pen.rect(left, track, right - left, px(8)).attr("rx", "4").fill("grid").end();
    let words = format!("{}, {}", chart.label, unit.exact(now));
    let mark = pen.begin_mark(&words, chart.now.href.as_deref());
    let from = x.at(chart.from);
    let (begin, wide) = (from.min(x.at(now)), (x.at(now) - from).abs().max(px(1)));
    let loss = now < chart.from;
    Block { x: begin, y: track, w: wide, h: px(8), tone: Tone::Main, state: State::Past, loss }.draw(pen);
    let shown = fitted(&format!("{} {}", chart.label, unit.exact(now)), SIZE, room.width);
    let (start, end) = extent(x.at(now), bold_width(&shown, SIZE), (0, room.width));
    let text = pen.el("text").class("nn-link").px("x", (start + end) / 2).px("y", room.top + px(14));
    text.attr("font-size", "12")
        .attr("text-anchor", "middle")
        .attr("font-weight", "600")
        .fill("text")
        .text(&shown);
    pen.close(mark);
    let mut taken = room.width + px(100);
    // From the last goal back, so that the one that matters keeps its words.
    for goal in chart.goals.iter().rev() {
        let reached = now >= goal.value;
        let at = x.at(goal.value);
        let tail = if reached { ", reached" } else { "" };
        let mark = pen
            .begin_mark(&format!("{}, {}{tail}", goal.label, unit.exact(goal.value)), goal.href.as_deref());
        pen.rect(at - px(1), track - px(4), px(2), px(16)).class("nn-shape").fill("goal").end();
        let shown = fitted(&format!("{} {}", goal.label, unit.figure(goal.value)), SIZE, room.width);
        let (start, end) = extent(at, width(&shown, SIZE), (0, room.width));
        if end + px(8) <= taken {
            taken = start;
            let text = pen.el("text").class("nn-link").px("x", (start + end) / 2).px("y", track + px(28));
            text.attr("font-size", "12").attr("text-anchor", "middle").fill("text-2").text(&shown);
        }
        pen.close(mark);
    }
    if chart.outlook.is_empty() {
        return track + px(36);
    }
    pen.label(px(6), track + px(46), "start", "text-2", &fitted(&chart.outlook, SIZE, room.width - px(12)));
    track + px(54)
}

/// What is still missing to the next goal, never below nothing.
pub(crate) fn missing(chart: &Milestone) -> Option<Amount> {
    let now = chart.now.value?;
    let next = chart.goals.iter().find(|goal| goal.value > now)?;
    next.value.checked_sub(now)
}
