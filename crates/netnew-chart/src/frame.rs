//! What charts with a time axis share: room, grid, labels, goals and annotations.

use netnew_money::Amount;

use crate::axis::{Scale, Ticks, extent, stride, ticks};
use crate::spec::{Annotation, Goal, Period, State, Tone, Unit};
use crate::svg::{Pen, Px, px};
use crate::text::{fitted, width};

/// The size of all text in drawings, in pixels. It never scales with the drawing.
pub(crate) const SIZE: i64 = 12;

/// The room a drawing has, in hundredths of a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) top: Px,
    pub(crate) width: Px,
    /// Of the part with the axis, all of it, when the caller set one.
    pub(crate) height: Option<Px>,
}

/// A plot with a time axis below and a value axis on the left.
pub(crate) struct Plot {
    pub(crate) left: Px,
    pub(crate) right: Px,
    pub(crate) top: Px,
    pub(crate) bottom: Px,
    /// The end of everything, labels included.
    pub(crate) end: Px,
    pub(crate) y: Scale,
    places: usize,
    room: Px,
    ticks: Ticks,
    /// Points stand on the edges of the plot instead of in the middle of bands.
    edges: bool,
}

/// What decides a plot's size.
pub(crate) struct Ask<'a> {
    pub(crate) unit: &'a Unit,
    pub(crate) periods: &'a [Period],
    pub(crate) range: (i128, i128),
    pub(crate) annotations: &'a [Annotation],
    /// Room kept free on the right, for names of lines.
    pub(crate) margin: Px,
    pub(crate) edges: bool,
}

impl Plot {
    pub(crate) fn new(room: &Room, ask: &Ask<'_>) -> Plot {
        let grouped = ask.periods.iter().any(|period| !period.group.is_empty());
        let above = if ask.annotations.is_empty() { px(8) } else { px(40) };
        let below = if grouped { px(38) } else { px(22) };
        let whole = room.height.unwrap_or(if room.width < px(480) { px(208) } else { px(256) });
        let height = (whole - above - below).max(px(64));
        let ticks = ticks(ask.range.0, ask.range.1, (height / px(48)).clamp(2, 6), ask.unit);
        let widest = ticks.at.iter().map(|tick| width(&ask.unit.tick(*tick), SIZE)).max().unwrap_or(0);
        let left = (widest + px(8)).min(room.width / 2);
        let right = (room.width - px(4) - ask.margin).max(left + px(16));
        let (top, bottom) = (room.top + above, room.top + above + height);
        Plot {
            left,
            right,
            top,
            bottom,
            end: bottom + below,
            y: Scale::new(ticks.lo, ticks.hi, bottom, top),
            places: ask.periods.len(),
            room: room.width,
            ticks,
            edges: ask.edges,
        }
    }

    /// How wide one place is.
    pub(crate) fn band(&self) -> Px {
        let places = i64::try_from(self.places).unwrap_or(1).max(1);
        if self.edges && self.places > 1 {
            (self.inner().1 - self.inner().0) / (places - 1)
        } else {
            (self.right - self.left) / places
        }
    }

    /// Where the first and the last point of a line stand.
    fn inner(&self) -> (Px, Px) {
        (self.left + px(6), self.right - px(6))
    }

    /// The middle of a place.
    pub(crate) fn x(&self, place: usize) -> Px {
        let places = i64::try_from(self.places).unwrap_or(1).max(1);
        let place = i64::try_from(place).unwrap_or(0);
        if self.edges && self.places > 1 {
            let (from, to) = self.inner();
            return from + (to - from) * place / (places - 1);
        }
        self.left + (self.right - self.left) * (2 * place + 1) / (2 * places)
    }

    pub(crate) fn zero(&self) -> Px {
        self.y.at(Amount::ZERO)
    }

    /// Draws the grid and the labels of both axes.
    pub(crate) fn axes(&self, pen: &mut Pen, unit: &Unit, periods: &[Period]) {
        pen.el("g").attr("aria-hidden", "true").begin();
        for tick in &self.ticks.at {
            let y = self.y.at(*tick);
            let token = if tick.is_zero() { "zero" } else { "grid" };
            pen.line(self.left, y, self.right, y)
                .stroke(token, px(1))
                .attr("shape-rendering", "crispEdges")
                .end();
            pen.label(self.left - px(8), y + px(4), "end", "text-2", &unit.tick(*tick));
        }
        let centers: Vec<Px> = (0..periods.len()).map(|place| self.x(place)).collect();
        let widths: Vec<Px> = periods.iter().map(|period| width(&period.short, SIZE)).collect();
        let ends = (0, self.room);
        let step = stride(&centers, &widths, ends, px(6));
        for place in (0..periods.len()).rev().step_by(step) {
            let (left, right) = extent(centers[place], widths[place], ends);
            let token = if periods[place].state == State::Past { "text-2" } else { "text-3" };
            pen.label((left + right) / 2, self.bottom + px(16), "middle", token, &periods[place].short);
        }
        self.groups(pen, periods);
        pen.close("g");
    }

    /// The second line of the axis: each group's name under its first place, where there is room.
    fn groups(&self, pen: &mut Pen, periods: &[Period]) {
        let mut taken = -px(1_000);
        for (place, period) in periods.iter().enumerate() {
            let begins = place == 0 || periods[place - 1].group != period.group;
            if period.group.is_empty() || !begins {
                continue;
            }
            let wide = width(&period.group, SIZE);
            let (left, right) = extent(self.x(place), wide, (0, self.room));
            if left < taken + px(8) {
                continue;
            }
            taken = right;
            pen.label((left + right) / 2, self.bottom + px(32), "middle", "text-3", &period.group);
        }
    }

    /// A dashed line across at a value to reach.
    pub(crate) fn goal(&self, pen: &mut Pen, unit: &Unit, goal: &Goal) {
        let y = self.y.at(goal.value);
        let words = format!("{}, {}", goal.label, unit.exact(goal.value));
        let mark = pen.begin_mark(&words, goal.href.as_deref());
        pen.line(self.left, y, self.right, y)
            .class("nn-shape")
            .stroke("goal", 150)
            .attr("stroke-dasharray", "2 3")
            .end();
        let short =
            fitted(&format!("{} {}", goal.label, unit.figure(goal.value)), SIZE, self.right - self.left);
        let above = y - px(5);
        let at = if above < self.top + px(6) { y + px(15) } else { above };
        pen.el("text")
            .class("nn-link")
            .px("x", self.left + px(4))
            .px("y", at)
            .attr("font-size", "12")
            .fill("goal")
            .text(&short);
        pen.close(mark);
    }

    /// Vertical marks with their words above the plot, on two lines; where both are full the mark keeps its title only.
    pub(crate) fn annotations(&self, pen: &mut Pen, periods: &[Period], annotations: &[Annotation]) {
        let mut order: Vec<&Annotation> = annotations.iter().collect();
        order.sort_by_key(|note| note.at);
        let mut taken = [-px(1_000); 2];
        for note in order {
            let x = self.x(note.at);
            let period = periods.get(note.at).map_or("", |period| period.label.as_str());
            let mark = pen.begin_mark(&format!("{period}, {}", note.label), note.href.as_deref());
            let shown = fitted(&note.label, SIZE, px(160).min(self.room));
            let (left, right) = extent(x, width(&shown, SIZE), (0, self.room));
            let row = taken.iter().position(|&end| left > end + px(8));
            let top = self.top - px(if row == Some(1) { 22 } else { 8 });
            pen.line(x, top, x, self.bottom)
                .class("nn-shape")
                .stroke("text-3", px(1))
                .attr("stroke-dasharray", "1 3")
                .end();
            pen.circle(x, self.top - px(4), 250).fill("text-3").end();
            if let Some(row) = row {
                taken[row] = right;
                let y = self.top - px(if row == 0 { 12 } else { 26 });
                let link = pen.el("text").class("nn-link").px("x", (left + right) / 2).px("y", y);
                link.attr("font-size", "12").attr("text-anchor", "middle").fill("text-2").text(&shown);
            }
            pen.close(mark);
        }
    }
}

/// The words of a mark: “October 2026, churn, −1,010.00 USD”, and what its period is when it is not over.
pub(crate) fn mark_label(period: &Period, name: &str, tone: Tone, figure: &str) -> String {
    let tail = match period.state {
        State::Past => "",
        State::Running => ", not over yet",
        State::Future => ", known ahead",
    };
    format!("{}, {}, {figure}{tail}", period.label, named(name, tone))
}

/// A kind of movement inside a sentence begins small; names that people gave stay as they are.
fn named(name: &str, tone: Tone) -> String {
    let mut letters = name.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second))
            if !matches!(tone, Tone::Main | Tone::Compare | Tone::Series(_)) && second.is_lowercase() =>
        {
            first.to_lowercase().chain(name.chars().skip(1)).collect()
        }
        _ => name.to_owned(),
    }
}

/// A filled shape by the state of its period, hatched when it is a loss.
pub(crate) struct Block {
    pub(crate) x: Px,
    pub(crate) y: Px,
    pub(crate) w: Px,
    pub(crate) h: Px,
    pub(crate) tone: Tone,
    pub(crate) state: State,
    pub(crate) loss: bool,
}

impl Block {
    pub(crate) fn draw(&self, pen: &mut Pen) {
        let token = self.tone.token();
        let (x, y, w, h) = (self.x, self.y, self.w, self.h);
        // An edge of one pixel lies inside the shape, so that outlines end where values end.
        let inset = 50.min(w / 2).min(h / 2);
        let inner = (x + inset, y + inset, w - 2 * inset, h - 2 * inset);
        match self.state {
            State::Past => pen.rect(x, y, w, h).class("nn-shape").fill(token).end(),
            State::Running => pen
                .rect(inner.0, inner.1, inner.2, inner.3)
                .class("nn-shape")
                .fill(token)
                .attr("fill-opacity", "0.45")
                .stroke(token, px(1))
                .attr("stroke-dasharray", "3 2")
                .end(),
            State::Future => pen
                .rect(inner.0, inner.1, inner.2, inner.3)
                .class("nn-shape")
                .fill("surface")
                .stroke(token, px(1))
                .end(),
        }
        if self.loss {
            let lines = if self.state == State::Future { token } else { "surface" };
            let pattern = pen.hatch(self.tone == Tone::Contraction, lines);
            pen.rect(x, y, w, h).class("nn-hatch").attr("fill", &format!("url(#{pattern})")).end();
        }
    }
}
