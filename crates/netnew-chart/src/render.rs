//! From a spec to a drawing: checks, the root element, title and legend.

use crate::check::check;
use crate::draw;
use crate::error::ChartError;
use crate::frame::{Room, SIZE};
use crate::legend;
use crate::spec::{Body, Spark, Spec};
use crate::svg::{Mode, Pen, Px, coord, px};
use crate::table::{Table, of};
use crate::text::{fitted, width};
use crate::tokens::Theme;

/// The narrowest and the widest drawing; what is asked for is brought between them.
const WIDTHS: (u32, u32) = (240, 4_000);
/// Room around drawings that stand alone.
const PAD: Px = px(16);

/// How large a drawing is, and what for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Pixels; 240 to 4,000.
    pub width: u32,
    /// Pixels, for charts with axes; nothing for what suits the width. Rankings, heatmaps, milestones and lying
    /// waterfalls are as tall as they have rows.
    pub height: Option<u32>,
    /// In a page or on its own.
    pub mode: Mode,
}

impl Frame {
    /// For a page that serves [`crate::css`].
    pub fn page(width: u32) -> Frame {
        Frame { width, height: None, mode: Mode::Page }
    }

    /// For mail, files and PNG: colours written in, no links.
    pub fn standalone(width: u32, theme: Theme) -> Frame {
        Frame { width, height: None, mode: Mode::Standalone { theme, base: None } }
    }
}

/// The drawing of a chart as one SVG element, UTF-8 text without an XML declaration.
///
/// # Errors
/// [`ChartError`] when the spec cannot be drawn truly: lengths that differ, sums that do not hold, links that are not
/// links of the web, amounts beyond 10^24.
pub fn svg(spec: &Spec, frame: &Frame) -> Result<String, ChartError> {
    check(spec)?;
    let mut pen = Pen::new(&spec.id, &frame.mode);
    let alone = !pen.in_page();
    let whole = px(i64::from(frame.width.clamp(WIDTHS.0, WIDTHS.1)));
    let wide = if alone { whole - 2 * PAD } else { whole };
    let height = frame.height.map(|height| px(i64::from(height.clamp(96, 4_000))));
    let mut top = 0;
    if alone {
        let el = pen.el("text").px("x", 0).px("y", px(13)).attr("font-size", "14").attr("font-weight", "600");
        let unit = spec.unit.name();
        let title = if unit.is_empty() { spec.title.clone() } else { format!("{}, {unit}", spec.title) };
        el.fill("text").text(&fitted(&title, 14, wide));
        top = legend::draw(&mut pen, spec, px(26), wide);
    }
    let room = Room { top, width: wide, height };
    let end = match empty(&spec.body) {
        true => nothing(&mut pen, &room),
        false => body(&mut pen, &room, spec),
    };
    let tall = if alone { end + 2 * PAD } else { end };
    Ok(root(spec, &pen, (whole, tall)))
}

/// The widths that [`responsive`] draws: a small phone, a phone, half a page, a page beside a panel, a whole page.
pub(crate) const SIZES: [u32; 5] = [264, 328, 560, 760, 1_200];

/// The same chart in several widths for a box of a page, which shows the widest that fits: text keeps its size where a
/// scaled drawing would not, and no script measures anything. The others are not displayed, so neither keys nor readers
/// meet a mark twice. Their ids end in their width. The box is the container `nn-chart` of the style sheet.
///
/// # Errors
/// The same as of [`svg`].
pub fn responsive(spec: &Spec) -> Result<String, ChartError> {
    let mut out = String::new();
    for (place, width) in SIZES.into_iter().enumerate() {
        let sized = Spec { id: format!("{}-{width}", spec.id), ..spec.clone() };
        let from = if place > 0 { format!(" nn-from-{width}") } else { String::new() };
        let below = SIZES.get(place + 1).map(|next| format!(" nn-below-{next}")).unwrap_or_default();
        let drawing = svg(&sized, &Frame::page(width))?;
        out.push_str(&drawing.replacen("class=\"nn-chart\"", &format!("class=\"nn-chart{from}{below}\""), 1));
    }
    Ok(out)
}

fn body(pen: &mut Pen, room: &Room, spec: &Spec) -> Px {
    let unit = &spec.unit;
    match &spec.body {
        Body::Movements(chart) => draw::movements::draw(pen, room, unit, chart),
        Body::Waterfall(chart) => draw::waterfall::draw(pen, room, unit, chart),
        Body::Lines(chart) => draw::lines::draw(pen, room, unit, chart),
        Body::Heatmap(chart) => draw::heatmap::draw(pen, room, unit, chart),
        Body::Bars(chart) => draw::bars::draw(pen, room, unit, chart),
        Body::Milestone(chart) => draw::milestone::draw(pen, room, unit, chart),
    }
}

fn empty(body: &Body) -> bool {
    match body {
        Body::Movements(chart) => chart.periods.is_empty(),
        Body::Waterfall(chart) => chart.steps.is_empty(),
        Body::Lines(chart) => chart.periods.is_empty(),
        Body::Heatmap(chart) => chart.rows.is_empty() || chart.columns.is_empty(),
        Body::Bars(chart) => chart.items.is_empty(),
        Body::Milestone(_) => false,
    }
}

/// What stands where there is nothing to draw.
fn nothing(pen: &mut Pen, room: &Room) -> Px {
    let words = "Nothing in this period";
    let tall = px(96);
    let (x, y) = (room.width / 2, room.top + tall / 2 + px(4));
    let wide = width(words, SIZE) / 2 + px(16);
    pen.line(x - wide, y + px(12), x + wide, y + px(12)).stroke("grid", px(1)).end();
    pen.label(x, y, "middle", "text-2", words);
    room.top + tall
}

fn root(spec: &Spec, body: &Pen, (wide, tall): (Px, Px)) -> String {
    let mut pen = Pen::new(&spec.id, &body.mode);
    let (title, desc) = (format!("{}-title", spec.id), format!("{}-desc", spec.id));
    let linked = body.out.contains("<a ");
    let el = pen.el("svg").class("nn-chart").attr("xmlns", "http://www.w3.org/2000/svg").attr("id", &spec.id);
    let el = el
        .px("width", wide)
        .px("height", tall)
        .attr("viewBox", &format!("0 0 {} {}", coord(wide), coord(tall)));
    let el = el.attr("role", if linked { "group" } else { "img" }).attr("aria-labelledby", &title);
    let el = if spec.desc.is_empty() { el } else { el.attr("aria-describedby", &desc) };
    let alone = body.mode != Mode::Page;
    if alone {
        el.attr(
            "font-family",
            "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
        )
        .begin();
    } else {
        el.begin();
    }
    pen.el("title").attr("id", &title).text(&spec.title);
    if !spec.desc.is_empty() {
        pen.el("desc").attr("id", &desc).text(&spec.desc);
    }
    pen.out.push_str(&body.defs());
    if alone {
        pen.rect(0, 0, wide, tall).fill("surface").end();
        pen.el("g").attr("transform", &format!("translate({} {})", coord(PAD), coord(PAD))).begin();
    }
    pen.out.push_str(&body.out);
    if alone {
        pen.close("g");
    }
    pen.close("svg");
    pen.out
}

/// The figures of a chart as a table.
///
/// # Errors
/// The same as of [`svg`]: what cannot be drawn truly is not listed either.
pub fn table(spec: &Spec) -> Result<Table, ChartError> {
    check(spec)?;
    Ok(of(spec))
}

/// A tiny line for running text and tables, 80 by 20 pixels, with a label for those who do not see it. It has no ids,
/// so a page may hold any number.
pub fn sparkline(spark: &Spark, mode: &Mode) -> String {
    draw::spark::draw(spark, mode)
}
