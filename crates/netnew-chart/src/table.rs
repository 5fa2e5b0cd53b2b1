//! The figures of a chart as a real table: under each drawing, on paper, in mail, for those who do not see it.

use crate::draw::{heatmap, milestone};
use crate::format::is_loss;
use crate::spec::{
    Annotation, Bars, Body, Cell, Goal, Heatmap, Lines, Milestone, Movements, Period, Spec, State, Unit,
    Waterfall,
};
use crate::text::escape_into;

/// A table of text. Every value of the drawing stands in it once, written exactly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    /// What it shows, with the unit.
    pub caption: String,
    /// Names of the columns; the first is of the row names.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<TableRow>,
}

/// A row of a [`Table`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableRow {
    /// Its name.
    pub label: String,
    /// Where its name leads.
    pub href: Option<String>,
    /// Whether its period is over.
    pub state: State,
    /// One for each column after the first.
    pub cells: Vec<TableCell>,
}

/// A cell of a [`Table`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TableCell {
    /// The figure or words; empty where there is none.
    pub text: String,
    /// Where it leads.
    pub href: Option<String>,
    /// Words instead of a figure: set to the left, and wrapped.
    pub words: bool,
}

impl TableCell {
    fn figure(unit: &Unit, cell: &Cell) -> TableCell {
        let Some(value) = cell.value else { return TableCell::default() };
        TableCell { text: unit.figure(value), href: cell.href.clone(), words: false }
    }

    fn words(text: &str) -> TableCell {
        TableCell { text: text.to_owned(), href: None, words: true }
    }

    fn plain(text: String) -> TableCell {
        TableCell { text, href: None, words: false }
    }
}

impl Table {
    /// The table as HTML, classes of the house style sheet included: `table.data`, `.num`, `.loss`, `th.running`.
    /// With links, every figure leads where its mark does; without, for mail and paper.
    pub fn html(&self, links: bool) -> String {
        let mut out = String::from("<table class=\"data\"><caption>");
        escape_into(&mut out, &self.caption);
        out.push_str("</caption><thead><tr>");
        for (place, column) in self.columns.iter().enumerate() {
            let words =
                place == 0 || self.rows.iter().any(|row| row.cells.get(place - 1).is_some_and(|c| c.words));
            out.push_str(if words { "<th scope=\"col\">" } else { "<th scope=\"col\" class=\"num\">" });
            escape_into(&mut out, column);
            out.push_str("</th>");
        }
        out.push_str("</tr></thead><tbody>");
        for row in &self.rows {
            row.html(&mut out, links);
        }
        out.push_str("</tbody></table>");
        out
    }
}

impl TableRow {
    fn html(&self, out: &mut String, links: bool) {
        out.push_str(match self.state {
            State::Past => "<tr><th scope=\"row\">",
            State::Running => "<tr><th scope=\"row\" class=\"running\">",
            State::Future => "<tr><th scope=\"row\" class=\"future\">",
        });
        linked(out, &self.label, self.href.as_deref().filter(|_| links));
        out.push_str(match self.state {
            State::Past => "",
            State::Running => "<span class=\"visually-hidden\"> (not over yet)</span>",
            State::Future => "<span class=\"visually-hidden\"> (known ahead)</span>",
        });
        out.push_str("</th>");
        for cell in &self.cells {
            out.push_str(match (cell.words, is_loss(&cell.text)) {
                (true, _) => "<td class=\"wrap\">",
                (false, true) => "<td class=\"num loss\">",
                (false, false) => "<td class=\"num\">",
            });
            linked(out, &cell.text, cell.href.as_deref().filter(|_| links));
            out.push_str("</td>");
        }
        out.push_str("</tr>");
    }
}

fn linked(out: &mut String, text: &str, href: Option<&str>) {
    let Some(href) = href else {
        escape_into(out, text);
        return;
    };
    out.push_str("<a href=\"");
    escape_into(out, href);
    out.push_str("\">");
    escape_into(out, text);
    out.push_str("</a>");
}

/// The table of a chart that was checked.
pub(crate) fn of(spec: &Spec) -> Table {
    let unit = &spec.unit;
    let mut table = match &spec.body {
        Body::Movements(chart) => movements(unit, chart),
        Body::Waterfall(chart) => waterfall(unit, chart),
        Body::Lines(chart) => lines(unit, chart),
        Body::Heatmap(chart) => heat(unit, chart),
        Body::Bars(chart) => bars(unit, chart),
        Body::Milestone(chart) => goals(unit, chart),
    };
    let name = match unit.name() {
        "" => String::new(),
        name => format!(", {name}"),
    };
    table.caption = format!("{}{name}{}", spec.title, table.caption);
    table
}

fn goal_words(unit: &Unit, goal: Option<&Goal>) -> String {
    goal.map_or_else(String::new, |goal| format!(". {}: {}", goal.label, unit.exact(goal.value)))
}

/// One row a period; what each row holds is `cells`, and notes come last when there are any.
fn by_period(
    periods: &[Period],
    columns: Vec<String>,
    notes: &[Annotation],
    cells: impl Fn(usize) -> Vec<TableCell>,
) -> Table {
    let mut columns: Vec<String> = std::iter::once("Period".to_owned()).chain(columns).collect();
    if !notes.is_empty() {
        columns.push("Notes".to_owned());
    }
    let rows = periods.iter().enumerate().map(|(place, period)| {
        let mut cells = cells(place);
        if !notes.is_empty() {
            let here: Vec<&str> = notes.iter().filter(|n| n.at == place).map(|n| n.label.as_str()).collect();
            cells.push(TableCell::words(&here.join("; ")));
        }
        TableRow { label: period.label.clone(), href: None, state: period.state, cells }
    });
    Table { caption: String::new(), columns, rows: rows.collect() }
}

fn movements(unit: &Unit, chart: &Movements) -> Table {
    let all = || chart.kinds.iter().chain(&chart.net);
    let columns = all().map(|series| series.label.clone()).collect();
    let cells = |place: usize| all().map(|series| TableCell::figure(unit, &series.cells[place])).collect();
    let table = by_period(&chart.periods, columns, &chart.annotations, cells);
    Table { caption: goal_words(unit, chart.goal.as_ref()), ..table }
}

fn lines(unit: &Unit, chart: &Lines) -> Table {
    let mut columns: Vec<String> = chart.series.iter().map(|series| series.label.clone()).collect();
    if let Some(fan) = &chart.fan {
        columns.extend(["low", "middle", "high"].map(|part| format!("{}, {part}", fan.label)));
    }
    let cells = |place: usize| {
        let mut row: Vec<TableCell> =
            chart.series.iter().map(|series| TableCell::figure(unit, &series.cells[place])).collect();
        if let Some(fan) = &chart.fan {
            match fan.points.iter().find(|point| point.at == place) {
                None => {
                    row.extend([const { TableCell { text: String::new(), href: None, words: false } }; 3])
                }
                Some(point) => row.extend([point.low, point.mid, point.high].map(|value| {
                    TableCell::figure(unit, &Cell { value: Some(value), href: point.href.clone() })
                })),
            }
        }
        row
    };
    let table = by_period(&chart.periods, columns, &chart.annotations, cells);
    Table { caption: goal_words(unit, chart.goal.as_ref()), ..table }
}

fn waterfall(unit: &Unit, chart: &Waterfall) -> Table {
    let last = chart.steps.len().saturating_sub(1);
    let rows = chart.steps.iter().enumerate().map(|(place, step)| TableRow {
        label: step.label.clone(),
        href: None,
        state: if place == last { chart.state } else { State::Past },
        cells: vec![TableCell::figure(unit, &step.cell)],
    });
    Table { caption: String::new(), columns: vec!["Step".into(), "Amount".into()], rows: rows.collect() }
}

fn heat(unit: &Unit, chart: &Heatmap) -> Table {
    let sized = chart.rows.iter().any(|row| !row.size.is_empty());
    let mut columns = vec![chart.rows_name.clone()];
    columns.extend(sized.then(|| chart.size_name.clone()));
    columns
        .extend(chart.columns.iter().map(|name| format!("{} {name}", chart.columns_name).trim().to_owned()));
    let rows = chart.rows.iter().map(|row| {
        let size = sized.then(|| TableCell::plain(row.size.clone()));
        let missing = Cell::gap();
        let figures = (0..chart.columns.len()).map(|column| {
            let mut figure = TableCell::figure(unit, row.cells.get(column).unwrap_or(&missing));
            if heatmap::running(row, column) {
                figure.text.push_str(" ◔");
            }
            figure
        });
        TableRow {
            label: row.label.clone(),
            href: row.href.clone(),
            state: State::Past,
            cells: size.into_iter().chain(figures).collect(),
        }
    });
    let open = chart.rows.iter().any(|row| row.running > 0);
    let caption = if open { ". ◔ not over yet" } else { "" };
    Table { caption: caption.to_owned(), columns, rows: rows.collect() }
}

fn bars(unit: &Unit, chart: &Bars) -> Table {
    let noted = chart.items.iter().any(|item| !item.note.is_empty());
    let mut columns = vec![chart.names.clone(), chart.values.clone()];
    columns.extend(noted.then(|| "Share".to_owned()));
    let rows = chart.items.iter().map(|item| {
        let mut cells = vec![TableCell::figure(unit, &item.cell)];
        cells.extend(noted.then(|| TableCell::plain(item.note.clone())));
        TableRow { label: item.label.clone(), href: None, state: State::Past, cells }
    });
    Table { caption: String::new(), columns, rows: rows.collect() }
}

fn goals(unit: &Unit, chart: &Milestone) -> Table {
    let row = |label: &str, cell: TableCell| TableRow {
        label: label.to_owned(),
        cells: vec![cell],
        ..TableRow::default()
    };
    let mut rows = vec![row(&chart.label, TableCell::figure(unit, &chart.now))];
    for goal in &chart.goals {
        let cell = Cell { value: Some(goal.value), href: goal.href.clone() };
        rows.push(row(&goal.label, TableCell::figure(unit, &cell)));
    }
    if let Some(missing) = milestone::missing(chart) {
        rows.push(row("Missing to the next", TableCell::plain(unit.figure(missing))));
    }
    let outlook = if chart.outlook.is_empty() { String::new() } else { format!(". {}", chart.outlook) };
    Table { caption: outlook, columns: vec!["What".into(), "Amount".into()], rows }
}
