//! A weekly or monthly report as mail: the blocks of the report in 600 px, tables that fit a telephone, drawings as
//! pictures, and the same as plain text.

use crate::message::{Letter, frame};
use crate::picture::{WIDTH, png};
use crate::words::{html, one_line};
use netnew_report::ReportError;
use netnew_report::written::{Block, Side, Written};
use serde_json::{Value, json};

/// Rows of a table that a mail shows.
const ROWS: usize = 15;
/// Columns of figures that fit beside each other.
const COLUMNS: usize = 7;

const CELL: &str = "padding:5px 0;border-bottom:1px solid #dfe2e8;vertical-align:top";
const DIM: &str = "color:#5b6270;font-size:12px;line-height:16px";

/// A report as mail. `address` is where the pages are, if that is known.
///
/// # Errors
/// A drawing that would not be true.
pub fn letter(
    book: &str,
    written: &Written,
    address: Option<&str>,
    unsubscribe: Option<&str>,
) -> Result<Letter, ReportError> {
    // A book in a directory of the usual name has none of its own.
    let of = if book == "book" { String::new() } else { format!(" of {book}") };
    let subject = one_line(&format!("MRR{of}: {}", written.title()), 120);
    let (mut marked, mut plain, mut pictures) = (String::new(), String::new(), Vec::new());
    for block in written.blocks() {
        plain_block(&mut plain, &block);
        html_block(&mut marked, &mut pictures, &block)?;
    }
    if let Some(address) = address {
        let link = format!("{address}/reports/{}", written.every.as_str());
        plain.push_str(&format!("On the page: {link}\n\n"));
        marked.push_str(&format!(
            "<p style=\"margin:16px 0 0\"><a href=\"{}\" style=\"color:#1d4ed8\">Read it on the page</a></p>",
            html(&link)
        ));
    }
    let foot = match unsubscribe {
        Some(url) => {
            plain.push_str(&format!("-- \nSent by netnew on a schedule. Not any more: {url}\n"));
            format!(
                "Sent by netnew on a schedule. <a href=\"{}\" style=\"color:#5b6270\">Not any more</a>.",
                html(url)
            )
        }
        None => {
            plain.push_str("-- \nSent by netnew on a schedule. To get no more of these, answer this mail.\n");
            "Sent by netnew on a schedule. To get no more of these, answer this mail.".to_string()
        }
    };
    let unsubscribe = unsubscribe.map(str::to_string);
    Ok(Letter { html: frame(&subject, &marked, &foot), subject, text: plain, pictures, unsubscribe })
}

/// What the outbox keeps of a report.
///
/// # Errors
/// As [`letter`].
pub fn body(
    book: &str,
    written: &Written,
    address: Option<&str>,
    unsubscribe: Option<&str>,
) -> Result<Value, ReportError> {
    let letter = letter(book, written, address, unsubscribe)?;
    let (from, to) = written.period();
    let texts = written.blocks().into_iter().filter_map(|block| match block {
        Block::Text(text) | Block::Strong(text) => Some(text),
        _ => None,
    });
    Ok(json!({
        "report": written.every.as_str(), "from": from.to_string(), "to": to.to_string(),
        "summary": texts.take(3).collect::<Vec<_>>().join(" "),
        "markdown": written.markdown(),
        "link": address.map(|a| format!("{a}/reports/{}", written.every.as_str())),
        "letter": letter.to_json(),
    }))
}

/// How a table is laid out where there is little room.
enum Layout {
    /// As it is.
    Plain,
    /// Only so many columns of figures.
    Cut,
    /// The first cell, below it the others but the last, and beside them the last.
    Stacked,
    /// The first cell, below it the others with their heads.
    Labelled,
}

fn layout(heads: &[(String, Side)]) -> Layout {
    let figures = heads.iter().skip(1).filter(|h| h.1 == Side::Right).count();
    match heads.len() {
        0..=4 => Layout::Plain,
        n if figures + 1 == n => Layout::Cut,
        _ if heads.last().is_some_and(|h| h.1 == Side::Right) => Layout::Stacked,
        _ => Layout::Labelled,
    }
}

fn html_block(
    out: &mut String,
    pictures: &mut Vec<(String, Vec<u8>)>,
    block: &Block,
) -> Result<(), ReportError> {
    match block {
        Block::Heading(1, text) => {
            out.push_str(&format!(
                "<h1 style=\"font-size:24px;line-height:32px;margin:0 0 8px\">{}</h1>\n",
                html(text)
            ));
        }
        Block::Heading(_, text) => {
            out.push_str(&format!(
                "<h2 style=\"font-size:16px;line-height:24px;margin:28px 0 8px\">{}</h2>\n",
                html(text)
            ));
        }
        Block::Text(text) => out.push_str(&format!("<p style=\"margin:0 0 12px\">{}</p>\n", html(text))),
        Block::Strong(text) => out.push_str(&format!(
            "<p style=\"margin:0 0 12px;font-size:16px;line-height:24px;font-weight:600\">{}</p>\n",
            html(text)
        )),
        Block::Small(text) => {
            out.push_str(&format!("<p style=\"margin:0 0 12px;{DIM}\">{}</p>\n", html(text)))
        }
        Block::List(items) => {
            out.push_str("<ul style=\"margin:0 0 12px;padding-left:20px\">");
            for (text, _) in items {
                out.push_str(&format!("<li style=\"margin:0 0 6px\">{}</li>", html(text)));
            }
            out.push_str("</ul>\n");
        }
        Block::Table { heads, rows, bold } => html_table(out, heads, rows, bold),
        Block::Chart(spec) => {
            let bytes = png(spec).map_err(|why| {
                ReportError::refused(
                    "chart",
                    why,
                    "this is a bug in netnew; the Markdown report has the figures",
                )
            })?;
            let name = format!("{}-{}", spec.id, pictures.len() + 1);
            out.push_str(&format!(
                "<img src=\"cid:{name}\" width=\"{WIDTH}\" alt=\"{}\" style=\"display:block;width:100%;max-width:{WIDTH}px;height:auto;margin:0 0 16px\">\n",
                html(&format!("{}. {}", spec.title, spec.desc))
            ));
            pictures.push((name, bytes));
        }
    }
    Ok(())
}

fn html_table(out: &mut String, heads: &[(String, Side)], rows: &[Vec<String>], bold: &[usize]) {
    out.push_str("<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse;margin:0 0 12px;font-variant-numeric:tabular-nums\">");
    let layout = layout(heads);
    let shown = match layout {
        Layout::Plain => heads.len(),
        Layout::Cut => COLUMNS.min(heads.len()),
        _ => 0,
    };
    let small = if matches!(layout, Layout::Cut) { "font-size:12px;" } else { "" };
    let side = |at: usize| match heads.get(at).map(|h| h.1) {
        Some(Side::Right) => ("right", "padding-left:8px;"),
        _ if at > 0 => ("left", "padding-left:12px;"),
        _ => ("left", ""),
    };
    if shown > 0 {
        out.push_str("<tr>");
        for (at, (head, _)) in heads.iter().take(shown).enumerate() {
            let (align, more) = side(at);
            out.push_str(&format!("<th align=\"{align}\" style=\"{CELL};{more}font-size:12px;font-weight:600;color:#5b6270\">{}</th>", html(head)));
        }
        out.push_str("</tr>");
    }
    for (at, row) in rows.iter().take(ROWS).enumerate() {
        let strong = if bold.contains(&at) { "font-weight:700;" } else { "" };
        out.push_str("<tr>");
        match layout {
            Layout::Plain | Layout::Cut => {
                for (column, text) in row.iter().take(shown).enumerate() {
                    let (align, more) = side(column);
                    let whole = if align == "right" { "white-space:nowrap;" } else { "" };
                    out.push_str(&format!(
                        "<td align=\"{align}\" style=\"{CELL};{more}{whole}{small}{strong}\">{}</td>",
                        html(text)
                    ));
                }
            }
            Layout::Stacked => {
                let (first, last) =
                    (row.first().map_or("", String::as_str), row.last().map_or("", String::as_str));
                let middle = html(&between(row));
                out.push_str(&format!(
                    "<td style=\"{CELL};overflow-wrap:anywhere\">{}<br><span style=\"{DIM}\">{middle}</span></td>\
                     <td align=\"right\" style=\"{CELL};white-space:nowrap;padding-left:8px\">{}</td>",
                    html(first),
                    html(last)
                ));
            }
            Layout::Labelled => out.push_str(&format!(
                "<td style=\"{CELL}\">{}<br><span style=\"{DIM}\">{}</span></td>",
                html(row.first().map_or("", String::as_str)),
                html(&labelled(heads, row))
            )),
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>\n");
    if rows.len() > ROWS {
        out.push_str(&format!(
            "<p style=\"margin:0 0 12px;{DIM}\">{} more rows on the page.</p>\n",
            rows.len() - ROWS
        ));
    }
}

/// The cells between the first and the last.
fn between(row: &[String]) -> String {
    let end = row.len().saturating_sub(1).max(1);
    let cells: Vec<&str> =
        row.get(1..end).unwrap_or_default().iter().map(String::as_str).filter(|c| !c.is_empty()).collect();
    cells.join(" · ")
}

/// The cells after the first, each with its head.
fn labelled(heads: &[(String, Side)], row: &[String]) -> String {
    let cells: Vec<String> = heads
        .iter()
        .zip(row)
        .skip(1)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|((head, _), cell)| format!("{}: {cell}", head.split(" (").next().unwrap_or(head)))
        .collect();
    cells.join(" · ")
}

fn plain_block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(depth, text) => {
            let line = if *depth == 1 { "=" } else { "-" };
            let text = one_line(text, 76);
            out.push_str(&format!("{text}\n{}\n\n", line.repeat(text.chars().count())));
        }
        Block::Text(text) | Block::Strong(text) | Block::Small(text) => {
            out.push_str(&wrapped(text, 76, ""));
            out.push('\n');
        }
        Block::List(items) => {
            for (text, command) in items {
                out.push_str(&format!("- {}", wrapped(text, 74, "  ")));
                if let Some(command) = command {
                    out.push_str(&format!("  {}\n", one_line(command, 300)));
                }
            }
            out.push('\n');
        }
        Block::Table { heads, rows, .. } => plain_table(out, heads, rows),
        Block::Chart(_) => {}
    }
}

fn plain_table(out: &mut String, heads: &[(String, Side)], rows: &[Vec<String>]) {
    let layout = layout(heads);
    let shown = match layout {
        Layout::Plain => heads.len(),
        Layout::Cut => COLUMNS.min(heads.len()),
        Layout::Stacked | Layout::Labelled => {
            for row in rows.iter().take(ROWS) {
                let first = one_line(row.first().map_or("", String::as_str), 50);
                match layout {
                    Layout::Stacked => {
                        let last = row.last().map_or("", String::as_str);
                        out.push_str(&format!(
                            "{first:<52}{last:>16}\n    {}\n",
                            one_line(&between(row), 72)
                        ));
                    }
                    _ => out.push_str(&format!(
                        "{first}\n{}",
                        wrapped(&labelled(heads, row), 72, "    ").replacen("", "    ", 1)
                    )),
                }
            }
            0
        }
    };
    if shown > 0 {
        let mut lines: Vec<Vec<String>> = vec![heads.iter().take(shown).map(|h| h.0.clone()).collect()];
        lines.extend(rows.iter().take(ROWS).map(|r| r.iter().take(shown).map(|c| one_line(c, 40)).collect()));
        let width =
            |at: usize| lines.iter().filter_map(|l| l.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..shown).map(width).collect();
        for line in &lines {
            let mut text = String::new();
            for (at, cell) in line.iter().enumerate() {
                let pad = " ".repeat(widths[at].saturating_sub(cell.chars().count()));
                match heads[at].1 {
                    Side::Right => text.push_str(&format!("{pad}{cell}  ")),
                    Side::Left => text.push_str(&format!("{cell}{pad}  ")),
                }
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
    }
    if rows.len() > ROWS {
        out.push_str(&format!("{} more rows on the page.\n", rows.len() - ROWS));
    }
    out.push('\n');
}

/// Words in lines of at most so many characters; all but the first begin with `indent`. Ends with a line break.
fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            out.push('\n');
            out.push_str(indent);
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += long;
    }
    out.push('\n');
    out
}
