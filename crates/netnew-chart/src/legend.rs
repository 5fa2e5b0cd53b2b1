//! What the colours mean: as HTML beside a drawing in a page, and drawn into those that stand alone.

use crate::frame::SIZE;
use crate::spec::{Body, Spec, Tone};
use crate::svg::{Pen, Px, px};
use crate::text::{escape_into, width};

/// One entry: its name, its colour, and whether it is a bar, a line or a dashed line.
struct Entry<'a> {
    label: &'a str,
    tone: Tone,
    form: &'static str,
}

fn entries(spec: &Spec) -> Vec<Entry<'_>> {
    match &spec.body {
        Body::Movements(chart) => {
            let kinds =
                chart.kinds.iter().map(|kind| Entry { label: &kind.label, tone: kind.tone, form: "" });
            let net = chart.net.iter().map(|net| Entry { label: &net.label, tone: net.tone, form: " line" });
            kinds.chain(net).collect()
        }
        Body::Lines(chart) => {
            let form = |dashed: bool| match (dashed, chart.stacked) {
                (true, _) => " dashed",
                (false, true) => "",
                (false, false) => " line",
            };
            let lines =
                chart.series.iter().map(|s| Entry { label: &s.label, tone: s.tone, form: form(s.dashed) });
            lines.collect()
        }
        // Names stand beside the marks.
        Body::Waterfall(_) | Body::Heatmap(_) | Body::Bars(_) | Body::Milestone(_) => Vec::new(),
    }
}

/// The legend as a list in HTML, or nothing where the marks carry their names or there is only one line.
pub fn legend(spec: &Spec) -> String {
    let entries = entries(spec);
    if entries.len() < 2 {
        return String::new();
    }
    let mut out = String::from("<ul class=\"legend\">");
    for entry in entries {
        out.push_str(&format!("<li><span class=\"kind {}{}\">", entry.tone.class(), entry.form));
        escape_into(&mut out, entry.label);
        out.push_str("</span></li>");
    }
    out.push_str("</ul>");
    out
}

/// Draws the legend in lines as wide as the drawing; the end of it comes back.
pub(crate) fn draw(pen: &mut Pen, spec: &Spec, top: Px, wide: Px) -> Px {
    let entries = entries(spec);
    if entries.len() < 2 {
        return top;
    }
    let (mut x, mut y) = (0, top);
    for entry in entries {
        let room = px(14) + width(entry.label, SIZE);
        if x > 0 && x + room > wide {
            (x, y) = (0, y + px(18));
        }
        let token = entry.tone.token();
        match entry.form {
            "" => {
                pen.rect(x, y + px(3), px(10), px(10)).fill(token).end();
                if matches!(entry.tone, Tone::Churn | Tone::Contraction) {
                    let pattern = pen.hatch(entry.tone == Tone::Contraction, "surface");
                    pen.rect(x, y + px(3), px(10), px(10)).attr("fill", &format!("url(#{pattern})")).end();
                }
            }
            form => {
                let line = pen.line(x, y + px(8), x + px(10), y + px(8)).stroke(token, px(2));
                if form == " dashed" { line.attr("stroke-dasharray", "3 2").end() } else { line.end() }
            }
        }
        pen.label(x + px(14), y + px(12), "start", "text-2", entry.label);
        x += room + px(16);
    }
    y + px(22)
}
