//! Values over time: lines, an area, stacked areas, a dashed comparison, a forecast that opens like a fan.

use netnew_money::Amount;

use crate::frame::{Ask, Plot, Room, SIZE, mark_label};
use crate::spec::{Fan, Lines, Series, State, Unit};
use crate::svg::{Pen, Px, coord, px};
use crate::text::{fitted, width};

/// A line as it is drawn: where its values stand, and what it stands on when it is stacked.
struct Drawn<'a> {
    series: &'a Series,
    /// The upper edge at each place.
    tops: Vec<Option<Amount>>,
    /// The lower edge at each place of an area.
    floor: Option<Vec<Amount>>,
}

/// Draws the chart; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, room: &Room, unit: &Unit, chart: &Lines) -> Px {
    let drawn = stack(chart);
    let names = room.width >= px(560) && drawn.len() > 1;
    let margin = if names {
        let widest = chart.series.iter().map(|series| width(&series.label, SIZE)).max().unwrap_or(0);
        (widest + px(14)).min(px(144))
    } else {
        0
    };
    let ask = Ask {
        unit,
        periods: &chart.periods,
        range: range(chart, &drawn),
        annotations: &chart.annotations,
        margin,
        edges: true,
    };
    let plot = Plot::new(room, &ask);
    plot.axes(pen, unit, &chart.periods);
    for line in &drawn {
        fill(pen, &plot, chart, line);
    }
    plot.annotations(pen, &chart.periods, &chart.annotations);
    if let Some(goal) = &chart.goal {
        plot.goal(pen, unit, goal);
    }
    if let Some(fan) = &chart.fan {
        self::fan(pen, &plot, unit, chart, fan);
    }
    // Comparisons first, so that the lines compared lie over them.
    for dashed in [true, false] {
        for line in drawn.iter().filter(|line| line.series.dashed == dashed) {
            strokes(pen, &plot, chart, line);
        }
    }
    for line in &drawn {
        points(pen, &plot, unit, chart, line, drawn.len() == 1);
    }
    if names {
        end_names(pen, &plot, &drawn, chart.stacked);
    }
    plot.end
}

/// The lines with what each stands on.
fn stack(chart: &Lines) -> Vec<Drawn<'_>> {
    let mut floor = vec![Amount::ZERO; chart.periods.len()];
    let alone = chart.series.iter().filter(|series| !series.dashed).count() == 1;
    let mut out = Vec::new();
    for series in &chart.series {
        let values = series.cells.iter().map(|cell| cell.value);
        if series.dashed || !chart.stacked {
            let area = chart.area && alone && !series.dashed;
            let floor = area.then(|| vec![Amount::ZERO; chart.periods.len()]);
            out.push(Drawn { series, tops: values.collect(), floor });
            continue;
        }
        let below = floor.clone();
        let mut tops = Vec::new();
        for (value, floor) in values.zip(&mut floor) {
            *floor += value.unwrap_or_default();
            tops.push(value.map(|_| *floor));
        }
        out.push(Drawn { series, tops, floor: Some(below) });
    }
    out
}

fn range(chart: &Lines, drawn: &[Drawn<'_>]) -> (i128, i128) {
    let tops = drawn.iter().flat_map(|line| line.tops.iter().flatten());
    let fan = chart.fan.iter().flat_map(|fan| fan.points.iter().flat_map(|point| [&point.low, &point.high]));
    let goal = chart.goal.iter().map(|goal| &goal.value);
    let zero = (chart.area || chart.stacked).then_some(&Amount::ZERO);
    let all: Vec<i128> = tops.chain(fan).chain(goal).chain(zero).map(|amount| amount.raw()).collect();
    let (lo, hi) = (all.iter().min().copied().unwrap_or(0), all.iter().max().copied().unwrap_or(0));
    // An axis that begins near zero begins at zero.
    if lo > 0 && lo < hi / 3 { (0, hi) } else { (lo, hi) }
}

/// Runs of places that have a value, so that a gap stays a gap.
fn runs(line: &Drawn<'_>) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    for place in 0..line.tops.len() {
        if line.tops[place].is_none() {
            continue;
        }
        match out.last_mut() {
            Some(run) if run.last() == place.checked_sub(1).as_ref() => run.push(place),
            _ => out.push(vec![place]),
        }
    }
    out
}

/// `M x y L x y ...`
pub(crate) fn path(points: &[(Px, Px)]) -> String {
    let mut out = String::new();
    for (n, (x, y)) in points.iter().enumerate() {
        out.push_str(if n == 0 { "M" } else { "L" });
        out.push_str(&format!("{} {}", coord(*x), coord(*y)));
    }
    out
}

fn at(plot: &Plot, line: &Drawn<'_>, place: usize) -> (Px, Px) {
    (plot.x(place), plot.y.at(line.tops[place].unwrap_or_default()))
}

/// The area of a line: what is over is fuller than what is not.
fn fill(pen: &mut Pen, plot: &Plot, chart: &Lines, line: &Drawn<'_>) {
    let Some(floor) = &line.floor else { return };
    let (full, pale) = if chart.stacked { ("0.75", "0.35") } else { ("0.12", "0.06") };
    for run in runs(line) {
        let solid = run.iter().filter(|&&place| chart.periods[place].state == State::Past).count();
        for (places, opacity) in [(&run[..solid], full), (&run[solid.saturating_sub(1)..], pale)] {
            if places.len() < 2 {
                continue;
            }
            let above = places.iter().map(|&place| at(plot, line, place));
            let below = places.iter().rev().map(|&place| (plot.x(place), plot.y.at(floor[place])));
            let outline: Vec<(Px, Px)> = above.chain(below).collect();
            let d = format!("{}Z", path(&outline));
            pen.el("path")
                .class("nn-hatch")
                .attr("d", &d)
                .fill(line.series.tone.token())
                .attr("fill-opacity", opacity)
                .end();
        }
    }
}

/// The line itself: solid where it is over, dashed into what is not.
fn strokes(pen: &mut Pen, plot: &Plot, chart: &Lines, line: &Drawn<'_>) {
    let token = line.series.tone.token();
    for run in runs(line) {
        let solid = run.iter().filter(|&&place| chart.periods[place].state == State::Past).count();
        let parts = [(&run[..solid], false), (&run[solid.saturating_sub(1)..], true)];
        for (places, open) in parts {
            if places.len() < 2 {
                continue;
            }
            let points: Vec<(Px, Px)> = places.iter().map(|&place| at(plot, line, place)).collect();
            let wide = if line.series.dashed { 150 } else { 175 };
            let el = pen.el("path").class("nn-hatch").attr("d", &path(&points)).no_fill().stroke(token, wide);
            let el = el.attr("stroke-linejoin", "round");
            match (line.series.dashed, open) {
                (true, _) => el.attr("stroke-dasharray", "4 3").end(),
                (false, true) => el.attr("stroke-dasharray", "2 3").end(),
                (false, false) => el.end(),
            }
        }
    }
}

/// A point: full when its period is over, ringed when it is not.
pub(crate) fn dot(pen: &mut Pen, x: Px, y: Px, radius: Px, token: &'static str, state: State, shown: bool) {
    let class = if shown { "nn-shape nn-dot nn-on" } else { "nn-shape nn-dot" };
    match state {
        State::Past => pen.circle(x, y, radius).class(class).fill(token).stroke("surface", px(1)).end(),
        State::Running | State::Future => {
            pen.circle(x, y, radius).class(class).fill("surface").stroke(token, 150).end()
        }
    }
}

fn points(pen: &mut Pen, plot: &Plot, unit: &Unit, chart: &Lines, line: &Drawn<'_>, alone: bool) {
    let last = line.tops.iter().rposition(Option::is_some);
    let past =
        (0..line.tops.len()).rev().find(|&p| line.tops[p].is_some() && chart.periods[p].state == State::Past);
    for run in runs(line) {
        let single = run.len() == 1;
        for place in run {
            let cell = &line.series.cells[place];
            let Some(value) = cell.value else { continue };
            let (x, y) = at(plot, line, place);
            let period = &chart.periods[place];
            let label = mark_label(period, &line.series.label, line.series.tone, &unit.exact(value));
            let shown = single || last == Some(place) || past == Some(place);
            let mark = pen.begin_mark(&label, cell.href.as_deref());
            if pen.in_page() {
                // The pointer finds the whole column of a single line, and the ring around a point of several.
                if alone {
                    let wide = plot.band().max(px(2));
                    pen.rect(x - wide / 2, plot.top, wide, plot.bottom - plot.top).class("nn-hit").end();
                } else {
                    pen.circle(x, y, (plot.band() / 2).clamp(px(2), px(10))).class("nn-hit").end();
                }
            }
            if shown || pen.in_page() {
                dot(pen, x, y, 300, line.series.tone.token(), period.state, shown);
            }
            pen.close(mark);
        }
    }
}

/// The names of the lines beside their last points, pushed apart until none touches another.
fn end_names(pen: &mut Pen, plot: &Plot, drawn: &[Drawn<'_>], stacked: bool) {
    let mut names: Vec<(Px, usize)> = Vec::new();
    for (index, line) in drawn.iter().enumerate() {
        let Some(place) = line.tops.iter().rposition(Option::is_some) else { continue };
        let top = at(plot, line, place).1;
        let y = match &line.floor {
            Some(floor) if stacked => (top + plot.y.at(floor[place])) / 2,
            _ => top,
        };
        names.push((y, index));
    }
    names.sort_unstable();
    let mut next = plot.top;
    for name in &mut names {
        name.0 = name.0.max(next);
        next = name.0 + px(15);
    }
    let mut limit = plot.bottom;
    for name in names.iter_mut().rev() {
        name.0 = name.0.min(limit);
        limit = name.0 - px(15);
    }
    pen.el("g").attr("aria-hidden", "true").begin();
    for (y, index) in names {
        let series = drawn[index].series;
        pen.rect(plot.right + px(2), y - px(1), px(6), px(2)).fill(series.tone.token()).end();
        let text = fitted(&series.label, SIZE, px(130));
        pen.label(plot.right + px(12), y + px(4), "start", "text-2", &text);
    }
    pen.close("g");
}

/// The forecast: the range between low and high, the middle as a dashed line, each point a mark of its own.
fn fan(pen: &mut Pen, plot: &Plot, unit: &Unit, chart: &Lines, fan: &Fan) {
    let Some(first) = fan.points.first() else { return };
    let main = chart.series.iter().find(|series| !series.dashed);
    let known = main.and_then(|series| {
        let place = (0..first.at).rev().find(|&place| series.cells[place].value.is_some())?;
        Some((place, series.cells[place].value?))
    });
    let start: Vec<(Px, Px)> =
        known.iter().map(|(place, value)| (plot.x(*place), plot.y.at(*value))).collect();
    let edge = |pick: fn(&crate::spec::FanPoint) -> Amount| -> Vec<(Px, Px)> {
        let points = fan.points.iter().map(|point| (plot.x(point.at), plot.y.at(pick(point))));
        start.iter().copied().chain(points).collect()
    };
    let (mut outline, middle) = (edge(|point| point.high), edge(|point| point.mid));
    outline.extend(edge(|point| point.low).into_iter().rev());
    let token = main.map_or("main", |series| series.tone.token());
    let d = format!("{}Z", path(&outline));
    pen.el("path").class("nn-hatch").attr("d", &d).fill(token).attr("fill-opacity", "0.18").end();
    let line = pen.el("path").class("nn-hatch").attr("d", &path(&middle)).no_fill().stroke(token, 150);
    line.attr("stroke-dasharray", "1 4").attr("stroke-linecap", "round").end();
    for point in &fan.points {
        let period = &chart.periods[point.at];
        let label = fan_label(&period.label, &fan.label, unit, point);
        let mark = pen.begin_mark(&label, point.href.as_deref());
        let (x, high, low) = (plot.x(point.at), plot.y.at(point.high), plot.y.at(point.low));
        if pen.in_page() {
            let wide = plot.band().max(px(2));
            pen.rect(x - wide / 2, plot.top, wide, plot.bottom - plot.top).class("nn-hit").end();
        }
        pen.line(x, high, x, low).stroke(token, px(1)).attr("stroke-opacity", "0.5").end();
        dot(pen, x, plot.y.at(point.mid), 300, token, State::Future, true);
        pen.close(mark);
    }
}

fn fan_label(period: &str, name: &str, unit: &Unit, point: &crate::spec::FanPoint) -> String {
    let (low, high) = (unit.figure(point.low), unit.exact(point.high));
    format!("{period}, {name}, {}, between {low} and {high}", unit.exact(point.mid))
}
