//! A tiny line for running text and tables.

use netnew_money::Amount;

use crate::axis::Scale;
use crate::spec::Spark;
use crate::svg::{Mode, Pen, Px, px};

const WIDTH: i64 = 80;
const HEIGHT: i64 = 20;

/// The sparkline as one SVG element of 80 by 20 pixels.
pub(crate) fn draw(spark: &Spark, mode: &Mode) -> String {
    let values = || spark.values.iter().flatten().map(|value| value.raw());
    let (lo, hi) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    // A level line stands in the middle, not at the bottom.
    let (lo, hi) = if lo == hi { (lo - 1, hi + 1) } else { (lo, hi) };
    let y = Scale::new(lo, hi, px(HEIGHT - 3), px(3));
    let places = i64::try_from(spark.values.len()).unwrap_or(1).max(1);
    let x = |place: usize| match places {
        1 => px(WIDTH - 4),
        _ => px(2) + px(WIDTH - 6) * i64::try_from(place).unwrap_or(0) / (places - 1),
    };
    let mut pen = Pen::new("spark", mode);
    let token = spark.tone.token();
    let root = pen.el("svg").class("nn-spark").attr("xmlns", "http://www.w3.org/2000/svg");
    let root = root.attr("width", &WIDTH.to_string()).attr("height", &HEIGHT.to_string());
    let root = root.attr("viewBox", &format!("0 0 {WIDTH} {HEIGHT}"));
    root.attr("role", "img").attr("aria-label", &spark.label).begin();
    pen.el("title").text(&spark.label);
    let last = spark.values.iter().rposition(Option::is_some);
    let place = |at: usize, value: Amount| -> (Px, Px) { (x(at), y.at(value)) };
    let mut run: Vec<(usize, (Px, Px))> = Vec::new();
    let mut runs = Vec::new();
    for (at, value) in spark.values.iter().enumerate() {
        match value {
            Some(value) => run.push((at, place(at, *value))),
            None => runs.push(std::mem::take(&mut run)),
        }
    }
    runs.push(run);
    for run in runs {
        let open = spark.running && run.last().map(|(at, _)| *at) == last && run.len() > 1;
        let points: Vec<(Px, Px)> = run.iter().map(|(_, point)| *point).collect();
        let solid = if open { &points[..points.len() - 1] } else { &points[..] };
        if solid.len() > 1 {
            let el = pen.el("path").attr("d", &super::lines::path(solid)).no_fill().stroke(token, 150);
            el.attr("stroke-linejoin", "round").end();
        }
        if open {
            let tail = &points[points.len() - 2..];
            let el = pen.el("path").attr("d", &super::lines::path(tail)).no_fill().stroke(token, 150);
            el.attr("stroke-dasharray", "2 2").end();
        }
    }
    if let Some((at, value)) = last.and_then(|at| Some((at, spark.values[at]?))) {
        let (x, y) = place(at, value);
        let fill = if spark.running { "surface" } else { token };
        pen.circle(x, y, 225).fill(fill).stroke(token, px(1)).end();
    }
    pen.close("svg");
    pen.out
}
