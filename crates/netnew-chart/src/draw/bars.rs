//! A ranking: a name, a bar from zero, a figure.

use netnew_money::Amount;

use crate::axis::Scale;
use crate::frame::{Block, Room, SIZE};
use crate::spec::{BarItem, Bars, State, Unit};
use crate::svg::{Pen, Px, px};
use crate::text::{fitted, width};

fn figure(unit: &Unit, item: &BarItem) -> String {
    item.cell.value.map_or_else(|| "–".to_owned(), |value| unit.figure(value))
}

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Bars) -> Px {
    let value = |item: &BarItem| item.cell.value.map_or(0, Amount::raw);
    let (lo, hi) =
        chart.items.iter().fold((0, 0), |(lo, hi), item| (value(item).min(lo), value(item).max(hi)));
    let widest = |text: fn(&Unit, &BarItem) -> String| {
        chart.items.iter().map(|item| width(&text(unit, item), SIZE)).max().unwrap_or(0)
    };
    let names = widest(|_, item| item.label.clone()).min(room.width * 35 / 100);
    let (figures, notes) = (widest(figure), widest(|_, item| item.note.clone()));
    let gap = if notes > 0 { px(12) } else { 0 };
    let left = names + px(12);
    let right = (room.width - figures - notes - gap - px(12)).max(left + px(16));
    let x = Scale::new(lo, hi.max(lo + 1), left, right);
    let (zero, row) = (x.at(Amount::ZERO), px(28));
    for (place, item) in chart.items.iter().enumerate() {
        let top = room.top + row * i64::try_from(place).unwrap_or(0);
        let exact = item.cell.value.map_or_else(|| "no value".to_owned(), |value| unit.exact(value));
        let note = if item.note.is_empty() { String::new() } else { format!(", {}", item.note) };
        let mark = pen.begin_mark(&format!("{}, {exact}{note}", item.label), item.cell.href.as_deref());
        pen.rect(0, top, room.width, row).class("nn-hit").attr("fill-opacity", "0").end();
        let name = pen.el("text").class("nn-link").px("x", 0).px("y", top + px(18)).attr("font-size", "12");
        name.fill("text").text(&fitted(&item.label, SIZE, names));
        if let Some(amount) = item.cell.value.filter(|amount| !amount.is_zero()) {
            let end = x.at(amount);
            let wide = (end - zero).abs().max(px(1));
            let loss = amount.is_negative();
            Block {
                x: zero.min(end),
                y: top + px(8),
                w: wide,
                h: px(12),
                tone: item.tone,
                state: State::Past,
                loss,
            }
            .draw(pen);
        }
        pen.label(room.width - notes - gap, top + px(18), "end", "text", &figure(unit, item));
        if !item.note.is_empty() {
            pen.label(room.width, top + px(18), "end", "text-2", &item.note);
        }
        pen.close(mark);
    }
    let end = room.top + row * i64::try_from(chart.items.len()).unwrap_or(0);
    if lo < 0 {
        pen.line(zero, room.top, zero, end).stroke("zero", px(1)).end();
    }
    end.max(room.top + px(4))
}
