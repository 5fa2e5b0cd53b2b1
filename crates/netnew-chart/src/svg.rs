//! Writing elements. In a page colours are classes; elsewhere they are written into the element.

use crate::text::escape_into;
use crate::tokens::{Theme, resolved};

/// Hundredths of a pixel.
pub(crate) type Px = i64;

/// So many pixels.
pub(crate) const fn px(pixels: i64) -> Px {
    pixels * 100
}

/// How a drawing is going to be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Inside a page that serves [`crate::css`]: colours are classes, there is no inline style, marks are links.
    Page,
    /// On its own, in mail, as a file or as the source of a PNG: colours are written in, a title and a legend are drawn.
    Standalone {
        /// The theme whose colours are written in.
        theme: Theme,
        /// What relative links begin with, such as `https://netnew.example`; without, marks are not links.
        base: Option<String>,
    },
}

/// Writes coordinates without a float: `12`, `12.5`, `-0.25`.
pub(crate) fn coord(value: Px) -> String {
    let (whole, rest) = (value.unsigned_abs() / 100, value.unsigned_abs() % 100);
    let sign = if value < 0 { "-" } else { "" };
    match rest {
        0 => format!("{sign}{whole}"),
        r if r % 10 == 0 => format!("{sign}{whole}.{}", r / 10),
        r => format!("{sign}{whole}.{r:02}"),
    }
}

/// The drawing so far.
pub(crate) struct Pen {
    pub(crate) out: String,
    pub(crate) mode: Mode,
    id: String,
    hatches: Vec<(bool, &'static str)>,
}

impl Pen {
    pub(crate) fn new(id: &str, mode: &Mode) -> Pen {
        Pen { out: String::new(), mode: mode.clone(), id: id.to_owned(), hatches: Vec::new() }
    }

    /// The id of a pattern of thin lines in a token's colour, leaning left or right.
    pub(crate) fn hatch(&mut self, left: bool, token: &'static str) -> String {
        if !self.hatches.contains(&(left, token)) {
            self.hatches.push((left, token));
        }
        self.hatch_id(left, token)
    }

    fn hatch_id(&self, left: bool, token: &str) -> String {
        format!("{}-hatch-{}-{token}", self.id, if left { "left" } else { "right" })
    }

    /// The patterns that were asked for, as a `defs` element, or nothing.
    pub(crate) fn defs(&self) -> String {
        if self.hatches.is_empty() {
            return String::new();
        }
        let mut pen = Pen::new(&self.id, &self.mode);
        pen.el("defs").begin();
        for &(left, token) in &self.hatches {
            let turn = if left { "rotate(-45)" } else { "rotate(45)" };
            let id = self.hatch_id(left, token);
            pen.el("pattern")
                .attr("id", &id)
                .attr("width", "5")
                .attr("height", "5")
                .attr("patternUnits", "userSpaceOnUse")
                .attr("patternTransform", turn)
                .begin();
            pen.line(0, 0, 0, px(5)).stroke(token, 250).end();
            pen.close("pattern");
        }
        pen.close("defs");
        pen.out
    }

    pub(crate) fn in_page(&self) -> bool {
        self.mode == Mode::Page
    }

    pub(crate) fn el(&mut self, name: &'static str) -> El<'_> {
        El { pen: self, name, classes: String::new(), attrs: String::new() }
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// Begins a mark: a link with a label where it leads somewhere, a group with a title where it does not.
    pub(crate) fn begin_mark(&mut self, label: &str, href: Option<&str>) -> &'static str {
        let target = match (&self.mode, href) {
            (Mode::Page, Some(href)) => Some(href.to_owned()),
            (Mode::Standalone { base: Some(base), .. }, Some(href)) => Some(absolute(base, href)),
            _ => None,
        };
        let name = match target {
            Some(target) => {
                self.el("a").class("nn-mark").attr("href", &target).attr("aria-label", label).begin();
                "a"
            }
            None => {
                self.el("g").class("nn-mark").begin();
                "g"
            }
        };
        self.el("title").text(label);
        name
    }

    pub(crate) fn rect(&mut self, x: Px, y: Px, w: Px, h: Px) -> El<'_> {
        self.el("rect").px("x", x).px("y", y).px("width", w.max(0)).px("height", h.max(0))
    }

    pub(crate) fn line(&mut self, x1: Px, y1: Px, x2: Px, y2: Px) -> El<'_> {
        self.el("line").px("x1", x1).px("y1", y1).px("x2", x2).px("y2", y2)
    }

    pub(crate) fn circle(&mut self, x: Px, y: Px, r: Px) -> El<'_> {
        self.el("circle").px("cx", x).px("cy", y).px("r", r)
    }

    /// A label at its baseline; `anchor` is `start`, `middle` or `end`.
    pub(crate) fn label(&mut self, x: Px, y: Px, anchor: &str, token: &'static str, text: &str) {
        let el = self.el("text").px("x", x).px("y", y).attr("font-size", "12").fill(token);
        if anchor == "start" { el.text(text) } else { el.attr("text-anchor", anchor).text(text) }
    }
}

fn absolute(base: &str, href: &str) -> String {
    if href.starts_with("http://") || href.starts_with("https://") {
        return href.to_owned();
    }
    format!("{}/{}", base.trim_end_matches('/'), href.trim_start_matches('/'))
}

/// An element being written.
pub(crate) struct El<'p> {
    pen: &'p mut Pen,
    name: &'static str,
    classes: String,
    attrs: String,
}

impl El<'_> {
    pub(crate) fn attr(mut self, name: &str, value: &str) -> Self {
        self.attrs.push(' ');
        self.attrs.push_str(name);
        self.attrs.push_str("=\"");
        escape_into(&mut self.attrs, value);
        self.attrs.push('"');
        self
    }

    pub(crate) fn px(self, name: &str, value: Px) -> Self {
        let value = coord(value);
        self.attr(name, &value)
    }

    /// A class, in a page only.
    pub(crate) fn class(mut self, class: &str) -> Self {
        if self.pen.in_page() {
            if !self.classes.is_empty() {
                self.classes.push(' ');
            }
            self.classes.push_str(class);
        }
        self
    }

    /// Filled with a token's colour.
    pub(crate) fn fill(self, token: &'static str) -> Self {
        self.paint("fill", "nn-f-", token)
    }

    /// Drawn along its edge with a token's colour, so many hundredths of a pixel wide.
    pub(crate) fn stroke(self, token: &'static str, wide: Px) -> Self {
        self.paint("stroke", "nn-s-", token).px("stroke-width", wide)
    }

    pub(crate) fn no_fill(self) -> Self {
        self.attr("fill", "none")
    }

    fn paint(self, attribute: &str, prefix: &str, token: &'static str) -> Self {
        match self.pen.mode {
            Mode::Page => self.class(&format!("{prefix}{token}")),
            Mode::Standalone { theme, .. } => self.attr(attribute, resolved(token, theme)),
        }
    }

    /// Ends an element without content.
    pub(crate) fn end(self) {
        self.finish("/>");
    }

    fn finish(self, tail: &str) {
        let out = &mut self.pen.out;
        out.push('<');
        out.push_str(self.name);
        if !self.classes.is_empty() {
            out.push_str(" class=\"");
            out.push_str(&self.classes);
            out.push('"');
        }
        out.push_str(&self.attrs);
        out.push_str(tail);
    }

    /// Leaves the element open; [`Pen::close`] closes it.
    pub(crate) fn begin(self) {
        self.finish(">");
    }

    /// Ends the element with text in it.
    pub(crate) fn text(self, text: &str) {
        let mut tail = String::from(">");
        escape_into(&mut tail, text);
        tail.push_str("</");
        tail.push_str(self.name);
        tail.push('>');
        self.finish(&tail);
    }
}
