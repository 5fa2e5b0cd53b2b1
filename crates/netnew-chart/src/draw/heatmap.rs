//! Rows of cohorts, columns of ages: the value as a step of colour, and as text wherever it fits.

use netnew_money::Amount;

use crate::format::whole;
use crate::frame::{Room, SIZE};
use crate::spec::{HeatRow, Heatmap, Unit};
use crate::svg::{Pen, Px, px};
use crate::text::{fitted, width};
use crate::tokens::{HEAT, HEAT_INK};

/// The step of colour of a value, 0 to 7.
pub(crate) fn step(value: Amount, (lo, hi): (Amount, Amount)) -> usize {
    let value = value.raw().clamp(lo.raw(), hi.raw().max(lo.raw()));
    let span = (hi.raw() - lo.raw()).max(1);
    usize::try_from((value - lo.raw()) / (span / 8 + 1)).unwrap_or(0).min(7)
}

fn domain(chart: &Heatmap) -> (Amount, Amount) {
    let values = || chart.rows.iter().flat_map(|row| row.cells.iter().filter_map(|cell| cell.value));
    let found = (values().min().unwrap_or_default(), values().max().unwrap_or_default());
    chart.domain.unwrap_or(found)
}

/// Whether a cell's period is not over.
pub(crate) fn running(row: &HeatRow, column: usize) -> bool {
    let last = row.cells.iter().rposition(|cell| cell.value.is_some());
    last.is_some_and(|last| column <= last && column + row.running > last)
}

/// How cells write their figures: in full, without the unit, or as a whole number, whichever fits all of them; the
/// last also where single cells have no room, which then stay without text.
fn form(unit: &Unit, chart: &Heatmap, room: Px) -> Form {
    let fits = |form: &Form| {
        let values = chart.rows.iter().flat_map(|row| row.cells.iter().filter_map(|cell| cell.value));
        values.map(|value| width(&form.write(unit, value), SIZE)).max().unwrap_or(0) + px(2) <= room
    };
    [Form::Full, Form::Bare].into_iter().find(fits).unwrap_or(Form::Whole)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Full,
    Bare,
    Whole,
}

impl Form {
    fn write(self, unit: &Unit, value: Amount) -> String {
        match (self, unit) {
            (Form::Bare, Unit::Percent { decimals }) => value.display_grouped(*decimals),
            (Form::Whole, _) => whole(value),
            _ => unit.figure(value),
        }
    }
}

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Heatmap) -> Px {
    let widest =
        |text: fn(&HeatRow) -> &str| chart.rows.iter().map(|row| width(text(row), SIZE)).max().unwrap_or(0);
    let names = widest(|row| &row.short).min(room.width * 3 / 10);
    let sizes = widest(|row| &row.size);
    let sizes = if sizes > 0 && room.width >= px(480) {
        sizes.max(width(&chart.size_name, SIZE)) + px(12)
    } else {
        0
    };
    let left = names + sizes + px(10);
    let columns = i64::try_from(chart.columns.len()).unwrap_or(1).max(1);
    let cell = ((room.width - left) / columns).clamp(px(4), px(96));
    let row_tall = px(26);
    let top = room.top + px(40);
    let form = form(unit, chart, cell - px(1));
    pen.el("g").attr("aria-hidden", "true").begin();
    pen.label(
        left,
        room.top + px(14),
        "start",
        "text-2",
        &fitted(&chart.columns_name, SIZE, room.width - left),
    );
    if sizes > 0 {
        pen.label(left - px(10), room.top + px(32), "end", "text-2", &chart.size_name);
    }
    let middles: Vec<Px> = (0..columns).map(|n| left + cell * n + cell / 2).collect();
    let widths: Vec<Px> = chart.columns.iter().map(|name| width(name, SIZE)).collect();
    let stride = crate::axis::stride(&middles[..chart.columns.len()], &widths, (0, room.width), px(4));
    // From the first, because ages begin at nothing.
    for place in (0..chart.columns.len()).step_by(stride) {
        pen.label(middles[place], room.top + px(32), "middle", "text-2", &chart.columns[place]);
    }
    pen.close("g");
    let domain = domain(chart);
    let grid = Grid { left, cell, row_tall, names, domain, form, sizes };
    for (place, row) in chart.rows.iter().enumerate() {
        grid.row(pen, unit, chart, row, top + row_tall * i64::try_from(place).unwrap_or(0));
    }
    top + row_tall * i64::try_from(chart.rows.len()).unwrap_or(0)
}

struct Grid {
    left: Px,
    cell: Px,
    row_tall: Px,
    names: Px,
    sizes: Px,
    domain: (Amount, Amount),
    form: Form,
}

impl Grid {
    fn row(&self, pen: &mut Pen, unit: &Unit, chart: &Heatmap, row: &HeatRow, top: Px) {
        let size =
            if row.size.is_empty() { String::new() } else { format!(", {} {}", row.size, chart.size_name) };
        let mark = pen.begin_mark(&format!("{}{size}", row.label), row.href.as_deref());
        let name = pen.el("text").class("nn-link").px("x", 0).px("y", top + px(17)).attr("font-size", "12");
        name.fill("text").text(&fitted(&row.short, SIZE, self.names));
        if self.sizes > 0 {
            pen.label(self.left - px(10), top + px(17), "end", "text-2", &row.size);
        }
        pen.close(mark);
        for (column, cell) in row.cells.iter().enumerate() {
            let Some(value) = cell.value else { continue };
            let open = running(row, column);
            let tail = if open { ", not over yet" } else { "" };
            let age = format!("{} {}", chart.columns_name, chart.columns[column]);
            let label = format!("{}, {}, {}{tail}", row.label, age.trim(), unit.exact(value));
            let x = self.left + self.cell * i64::try_from(column).unwrap_or(0);
            let step = step(value, self.domain);
            let mark = pen.begin_mark(&label, cell.href.as_deref());
            let (wide, tall) = (self.cell - px(1), self.row_tall - px(1));
            if open {
                let shape =
                    pen.rect(x + 50, top + 50, wide - px(1), tall - px(1)).class("nn-shape").fill("surface");
                shape.stroke("main", px(1)).attr("stroke-dasharray", "3 2").end();
            } else {
                pen.rect(x, top, wide, tall).class("nn-shape").fill(HEAT[step]).end();
            }
            let figure = self.form.write(unit, value);
            if width(&figure, SIZE) <= wide {
                let ink = if open { "text" } else { HEAT_INK[step] };
                pen.label(x + wide / 2, top + px(17), "middle", ink, &figure);
            }
            pen.close(mark);
        }
    }
}
