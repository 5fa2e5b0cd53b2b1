//! The parts that pages are made of: tables, figures, filters. Texts go in, escaped HTML comes out.

use crate::error::WebError;
use askama::Template;
use axum::http::StatusCode;
use netnew_report::ReportError;

/// A label and an address.
pub type Link = (String, String);

/// Renders a template; that one cannot be rendered is a bug.
pub fn render(template: &impl Template) -> Result<String, WebError> {
    template.render().map_err(|error| WebError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error: ReportError::refused("internal", format!("a page could not be drawn: {error}"), ""),
    })
}

/// A table.
#[derive(Template, Default)]
#[template(path = "table.html")]
pub struct Table {
    /// Heading above it; may be empty.
    pub heading: String,
    /// What it is, for who cannot see it.
    pub caption: String,
    /// CSV, JSON and the like.
    pub links: Vec<Link>,
    /// Classes of its frame.
    pub wrap: &'static str,
    /// Narrow cells.
    pub dense: bool,
    /// Heads of the columns.
    pub heads: Vec<Head>,
    /// Rows.
    pub rows: Vec<Row>,
    /// A line below.
    pub foot: String,
    /// Ways to more rows.
    pub pager: Vec<Link>,
}

/// Head of a column.
#[derive(Default)]
pub struct Head {
    /// Words.
    pub label: String,
    /// Classes.
    pub class: &'static str,
    /// Address that sorts by it.
    pub href: String,
    /// `ascending` or `descending`, when it is sorted so.
    pub sort: &'static str,
}

impl Head {
    /// A column of words.
    pub fn text(label: &str) -> Head {
        Head { label: label.into(), ..Head::default() }
    }

    /// A column of figures.
    pub fn num(label: &str) -> Head {
        Head { label: label.into(), class: "num", ..Head::default() }
    }
}

/// A row.
#[derive(Default)]
pub struct Row {
    /// Classes.
    pub class: &'static str,
    /// Cells; the first names the row.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Template, Default, Clone)]
#[template(path = "cell.html")]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub href: String,
    /// Whether that is an explanation, shown beside the page.
    pub explain: bool,
    /// What it says to who cannot see where it stands.
    pub label: String,
    /// Classes.
    pub class: &'static str,
    /// A remark behind it.
    pub note: String,
    /// A movement's kind, drawn before it.
    pub kind: String,
    /// Drawn instead of the text: made by this program, escaped already.
    pub html: String,
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// Words of less weight.
    pub fn dim(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), class: "dim nowrap", ..Cell::default() }
    }

    /// A figure.
    pub fn num(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), class: "num", ..Cell::default() }
    }

    /// A movement's kind.
    pub fn kind(kind: &str, text: impl Into<String>) -> Cell {
        Cell { text: text.into(), kind: kind.into(), class: "nowrap", ..Cell::default() }
    }

    /// That leads somewhere.
    pub fn to(mut self, href: impl Into<String>) -> Cell {
        self.href = href.into();
        self
    }

    /// That opens its explanation.
    pub fn explained(mut self, href: impl Into<String>, label: impl Into<String>) -> Cell {
        self.href = href.into();
        self.label = label.into();
        self.explain = true;
        self
    }

    /// With a remark.
    pub fn noted(mut self, note: impl Into<String>) -> Cell {
        self.note = note.into();
        self
    }
}

/// Figures in a row, each opening its explanation.
#[derive(Template)]
#[template(path = "figures.html")]
pub struct Figures {
    /// The figures.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Default)]
pub struct Figure {
    /// Name.
    pub label: String,
    /// As printed.
    pub value: String,
    /// Currency, where the value is money.
    pub unit: String,
    /// Change since the period before, as printed.
    pub delta: String,
    /// The same in words.
    pub delta_words: String,
    /// `up`, `down` or `flat`, and `good` or `bad`.
    pub class: String,
    /// Address of the explanation.
    pub href: String,
    /// A small line of the last periods, drawn.
    pub spark: String,
}

/// What is shown: a form whose fields are the address.
#[derive(Template, Default)]
#[template(path = "filters.html")]
pub struct Filters {
    /// Path that it leads to.
    pub action: String,
    /// Parameters kept as they are.
    pub hidden: Vec<(String, String)>,
    /// Choices.
    pub selects: Vec<Select>,
    /// Texts.
    pub texts: Vec<Text>,
    /// Filters in force, each with the address without it.
    pub chips: Vec<Link>,
}

/// A choice.
pub struct Select {
    /// Parameter.
    pub name: &'static str,
    /// Words before it.
    pub label: &'static str,
    /// What is chosen.
    pub value: String,
    /// Values and their words.
    pub options: Vec<(String, String)>,
}

/// A text field.
pub struct Text {
    /// Parameter.
    pub name: &'static str,
    /// Words before it.
    pub label: &'static str,
    /// Input type.
    pub kind: &'static str,
    /// What stands in it.
    pub value: String,
    /// An example.
    pub placeholder: &'static str,
}

/// Nothing here yet, and the one step to it.
#[derive(Template, Default)]
#[template(path = "empty.html")]
pub struct Empty {
    /// What will be here.
    pub heading: String,
    /// More of it.
    pub text: String,
    /// Where the step leads.
    pub href: String,
    /// What the step is called.
    pub action: String,
    /// A command.
    pub code: String,
}
