//! Charts: a spec becomes semantic SVG and the table of the same figures. Nothing here knows what MRR is.
//!
//! A drawing is a function of its spec: no clock, no file, no float, so equal specs give equal bytes. Values are exact
//! [`Amount`]s; places are whole hundredths of a pixel; every printed figure is written from the exact value, and
//! parts that do not add up to their total are an error, not a picture.
//!
//! ```
//! use netnew_chart::{Body, Cell, Frame, Movements, Period, Series, Spec, State, Tone, Unit};
//! use netnew_money::Amount;
//!
//! let month = |label: &str, short: &str, state| Period { label: label.into(), short: short.into(), group: "2026".into(), state };
//! let row = |label: &str, tone: Tone, values: [i64; 2]| Series {
//!     label: label.into(),
//!     tone,
//!     cells: values.map(|value| Cell::new(Amount::from_major(value), format!("/explain?kind={}", tone.token()))).into(),
//!     dashed: false,
//! };
//! let spec = Spec {
//!     id: "movements".into(),
//!     title: "Movements by month".into(),
//!     desc: "Gains and losses of each month.".into(),
//!     unit: Unit::Money { code: "USD".into(), decimals: 2 },
//!     body: Body::Movements(Movements {
//!         periods: vec![month("October 2026", "Oct", State::Past), month("November 2026", "Nov", State::Running)],
//!         kinds: vec![row("New", Tone::New, [1_310, 400]), row("Churn", Tone::Churn, [-1_010, -90])],
//!         net: Some(row("Net new", Tone::Net, [300, 310])),
//!         ..Movements::default()
//!     }),
//! };
//! let svg = netnew_chart::svg(&spec, &Frame::page(640))?;
//! assert!(svg.contains("aria-label=\"October 2026, churn, −1,010.00\u{a0}USD\""));
//! let table = netnew_chart::table(&spec)?;
//! assert_eq!(table.columns, ["Period", "New", "Churn", "Net new"]);
//! assert_eq!(table.rows[0].cells[1].text, "−1,010.00");
//! let html = table.html(true); // `<table class="data"><caption>...`
//! let legend = netnew_chart::legend(&spec); // `<ul class="legend"><li><span class="kind k-new">New</span></li>...`
//! # assert!(html.contains("<caption>Movements by month, USD</caption>") && legend.contains("k-churn"));
//! # Ok::<(), netnew_chart::ChartError>(())
//! ```
//!
//! # In a page
//!
//! [`Frame::page`] draws for a page that serves [`css`]: colours are classes (`nn-f-churn`, `nn-s-net`) over custom
//! properties (`--nn-churn`), so one drawing serves both themes and needs no inline style. Every mark is
//! `<a class="nn-mark" href aria-label><title>`, in the order of reading. A drawing with links is a
//! `role="group"`, because the children of a `role="img"` are hidden from those who need the labels; without
//! links it is a `role="img"`. Both have `aria-labelledby`, and `aria-describedby` where there is a description.
//!
//! ```html
//! <figure class="chart">
//!   <figcaption><span class="chart-title">Movements</span></figcaption>
//!   <div class="chart-box">{responsive}</div>
//!   {legend}
//!   <details class="chart-data"><summary>Table</summary><div class="table-wrap" ...>{table}</div></details>
//! </figure>
//! ```
//!
//! The caller says how wide; text never scales with the drawing, labels thin out instead. 264 to 1,280 px read well.
//! [`responsive`] draws five widths of which the box shows the one that fits, without a script.
//!
//! # On its own
//!
//! [`Frame::standalone`] writes the colours of one theme into the drawing, and draws title and legend into it: for
//! mail, files and PNG.
//!
//! # States
//!
//! Past is solid; a running period is lighter with a dashed edge ([`State::Running`]); the known future is an outline
//! ([`State::Future`]); a forecast is a [`Fan`]. Losses carry a hatch and their sign besides their colour.

mod axis;
mod check;
mod css;
mod draw;
mod error;
mod format;
mod frame;
mod legend;
mod render;
mod spec;
mod svg;
mod table;
mod text;
pub mod tokens;

pub use netnew_money::Amount;

pub use css::css;
pub use error::ChartError;
pub use legend::legend;
pub use render::{Frame, responsive, sparkline, svg, table};
pub use spec::{
    Annotation, BarItem, Bars, Body, Cell, Fan, FanPoint, Goal, HeatRow, Heatmap, Lines, Milestone,
    Movements, Period, Series, Spark, Spec, State, Step, StepKind, Tone, Unit, Waterfall,
};
pub use svg::Mode;
pub use table::{Table, TableCell, TableRow};
