//! Bars by period: gains stacked up from zero, losses down, the net over them.

use netnew_money::Amount;

use crate::frame::{Ask, Block, Plot, Room, mark_label};
use crate::spec::{Movements, Series, Unit};
use crate::svg::{Pen, Px, px};

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Movements) -> Px {
    let ask = Ask {
        unit,
        periods: &chart.periods,
        range: range(chart),
        annotations: &chart.annotations,
        margin: 0,
        edges: false,
    };
    let plot = Plot::new(room, &ask);
    plot.axes(pen, unit, &chart.periods);
    plot.annotations(pen, &chart.periods, &chart.annotations);
    for place in 0..chart.periods.len() {
        column(pen, &plot, unit, chart, place);
    }
    pen.line(plot.left, plot.zero(), plot.right, plot.zero())
        .class("nn-hatch")
        .stroke("zero", px(1))
        .attr("shape-rendering", "crispEdges")
        .end();
    if let Some(goal) = &chart.goal {
        plot.goal(pen, unit, goal);
    }
    if let Some(net) = &chart.net {
        net_line(pen, &plot, unit, chart, net);
    }
    plot.end
}

/// The lowest and the highest end of a stack, with zero, the net and the goal. Sizes were checked before.
fn range(chart: &Movements) -> (i128, i128) {
    let (mut lo, mut hi) = (0, 0);
    let value = |series: &Series, place: usize| {
        series.cells.get(place).and_then(|cell| cell.value).map_or(0, Amount::raw)
    };
    for place in 0..chart.periods.len() {
        let values = chart.kinds.iter().map(|kind| value(kind, place));
        let (up, down) = values.fold((0, 0), |(up, down), raw| (up + raw.max(0), down + raw.min(0)));
        let net = chart.net.as_ref().map_or(0, |net| value(net, place));
        (lo, hi) = (lo.min(down).min(net), hi.max(up).max(net));
    }
    let goal = chart.goal.as_ref().map_or(0, |goal| goal.value.raw());
    (lo.min(goal), hi.max(goal))
}

fn column(pen: &mut Pen, plot: &Plot, unit: &Unit, chart: &Movements, place: usize) {
    let period = &chart.periods[place];
    let wide = (plot.band() * 7 / 10).clamp(px(1), px(48));
    let left = plot.x(place) - wide / 2;
    let (mut up, mut down) = (0_i128, 0_i128);
    for kind in &chart.kinds {
        let Some(value) = kind.cells[place].value.filter(|value| !value.is_zero()) else { continue };
        let loss = value.is_negative();
        let side = if loss { &mut down } else { &mut up };
        let near = plot.y.at(Amount::from_raw(*side));
        *side += value.raw();
        let far = plot.y.at(Amount::from_raw(*side));
        let (top, mut tall) = (near.min(far), (near - far).abs());
        // A pixel of air between what is stacked, and never less than a pixel of mark.
        let air = if tall > px(3) { px(1) } else { 0 };
        tall = (tall - air).max(px(1));
        let top = if loss { top } else { top + air };
        let figure = unit.exact(value);
        let mark = pen.begin_mark(
            &mark_label(period, &kind.label, kind.tone, &figure),
            kind.cells[place].href.as_deref(),
        );
        Block { x: left, y: top, w: wide, h: tall, tone: kind.tone, state: period.state, loss }.draw(pen);
        pen.close(mark);
    }
}

fn net_line(pen: &mut Pen, plot: &Plot, unit: &Unit, chart: &Movements, net: &Series) {
    let points: Vec<(Px, Px)> = (0..chart.periods.len())
        .filter_map(|place| net.cells[place].value.map(|value| (plot.x(place), plot.y.at(value))))
        .collect();
    // A halo in the ground's colour keeps the line readable over bars of any colour.
    for (token, wide) in [("surface", px(4)), ("net", 150)] {
        pen.el("path")
            .class("nn-hatch")
            .attr("d", &super::lines::path(&points))
            .no_fill()
            .stroke(token, wide)
            .attr("stroke-linejoin", "round")
            .end();
    }
    let radius = if plot.band() < px(8) { 150 } else { 300 };
    for (place, period) in chart.periods.iter().enumerate() {
        let cell = &net.cells[place];
        let Some(value) = cell.value else { continue };
        let label = mark_label(period, &net.label, net.tone, &unit.exact(value));
        let mark = pen.begin_mark(&label, cell.href.as_deref());
        super::lines::dot(pen, plot.x(place), plot.y.at(value), radius, net.tone.token(), period.state, true);
        pen.close(mark);
    }
}
