//! Aligned text tables for the terminal.

/// Which side a column leans to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// A table: heads, rows, and rules between some rows.
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Line>,
}

enum Line {
    Cells(Vec<String>),
    Rule,
}

impl Table {
    /// A table with these heads.
    pub fn new(columns: Vec<(String, Align)>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(Line::Cells(cells));
    }

    /// Adds a rule.
    pub fn rule(&mut self) {
        self.rows.push(Line::Rule);
    }

    /// The table as text, two spaces between columns, no trailing spaces.
    pub fn render(&self) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|(head, _)| width(head)).collect();
        for line in &self.rows {
            if let Line::Cells(cells) = line {
                for (at, cell) in cells.iter().enumerate() {
                    widths[at] = widths[at].max(width(cell));
                }
            }
        }
        let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        let mut out = String::new();
        let heads: Vec<String> = self.columns.iter().map(|(head, _)| head.clone()).collect();
        self.line(&heads, &widths, &mut out);
        out.push_str(&"─".repeat(total));
        out.push('\n');
        for line in &self.rows {
            match line {
                Line::Cells(cells) => self.line(cells, &widths, &mut out),
                Line::Rule => {
                    out.push_str(&"─".repeat(total));
                    out.push('\n');
                }
            }
        }
        out
    }

    fn line(&self, cells: &[String], widths: &[usize], out: &mut String) {
        let mut line = String::new();
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            let padding = " ".repeat(widths[at].saturating_sub(width(cell)));
            match self.columns[at].1 {
                Align::Left => {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
                Align::Right => {
                    line.push_str(&padding);
                    line.push_str(cell);
                }
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Columns a text takes; East Asian wide letters take two.
pub fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match c as u32 {
            0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_do_not_trail() {
        let mut table = Table::new(vec![("name".into(), Align::Left), ("amount".into(), Align::Right)]);
        table.row(vec!["Zoë".into(), "5.00".into()]);
        table.row(vec!["東京".into(), "−1,234.50".into()]);
        assert_eq!(table.render(), "name     amount\n───────────────\nZoë        5.00\n東京  −1,234.50\n");
    }
}
