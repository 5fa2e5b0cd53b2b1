//! Blocks as one HTML file, 720 px wide: for mail and paper, with nothing to load.

use super::{Block, Side};
use crate::ReportError;
use netnew_chart::tokens::Theme;
use netnew_chart::{Frame, svg};

/// Width of the drawings: 720 less the margins.
const WIDTH: u32 = 656;

const STYLE: &str = "\
body{margin:0;background:#fff;color:#16181d;font:14px/20px system-ui,-apple-system,'Segoe UI',sans-serif}\
main{max-width:656px;margin:0 auto;padding:32px}\
h1{font-size:28px;line-height:36px;margin:0 0 8px}h2{font-size:16px;line-height:24px;margin:32px 0 8px}\
p{margin:0 0 12px}p.strong{font-size:16px;line-height:24px;font-weight:600}\
p.small{font-size:12px;line-height:16px;color:#5b6270}\
ul{margin:0 0 12px;padding-left:20px}li{margin:0 0 8px}code{font-size:12px;color:#5b6270;overflow-wrap:anywhere}\
.wrap{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:0 0 12px;font-variant-numeric:tabular-nums}\
th,td{padding:4px 6px;border-bottom:1px solid #dfe2e8;text-align:left;vertical-align:top}\
th{font-size:12px;font-weight:600;color:#5b6270}td.r,th.r{text-align:right;white-space:nowrap}td.n{white-space:nowrap}tr.b td{font-weight:700}\
td:first-child,th:first-child{padding-left:0}td:last-child,th:last-child{padding-right:0}\
svg{max-width:100%;height:auto;display:block;margin:0 0 16px}\
@media print{main{padding:0}h2{break-after:avoid}tr,svg{break-inside:avoid}}";

/// The report as an HTML file.
pub fn render(title: &str, blocks: &[Block]) -> Result<String, ReportError> {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escaped(title)
    );
    for block in blocks {
        push(&mut out, block)?;
    }
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(out)
}

fn push(out: &mut String, block: &Block) -> Result<(), ReportError> {
    match block {
        Block::Heading(depth, text) => out.push_str(&format!("<h{depth}>{}</h{depth}>\n", escaped(text))),
        Block::Text(text) => out.push_str(&format!("<p>{}</p>\n", escaped(text))),
        Block::Strong(text) => out.push_str(&format!("<p class=\"strong\">{}</p>\n", escaped(text))),
        Block::Small(text) => out.push_str(&format!("<p class=\"small\">{}</p>\n", escaped(text))),
        Block::List(items) => {
            out.push_str("<ul>\n");
            for (text, command) in items {
                let way =
                    command.as_ref().map_or(String::new(), |c| format!("<br><code>{}</code>", escaped(c)));
                out.push_str(&format!("<li>{}{way}</li>\n", escaped(text)));
            }
            out.push_str("</ul>\n");
        }
        Block::Table { heads, rows, bold } => table(out, heads, rows, bold),
        Block::Chart(spec) => {
            let drawing = svg(spec, &Frame::standalone(WIDTH, Theme::Light)).map_err(|e| {
                ReportError::refused(
                    "chart",
                    e.to_string(),
                    "this is a bug in netnew; the Markdown report has the figures",
                )
            })?;
            out.push_str(&drawing);
            out.push('\n');
        }
    }
    Ok(())
}

fn table(out: &mut String, heads: &[(String, Side)], rows: &[Vec<String>], bold: &[usize]) {
    let class = |at: usize| match heads.get(at).map(|h| h.1) {
        Some(Side::Right) => " class=\"r\"",
        _ => "",
    };
    // What is wider than a phone scrolls, and has to be reached by keys for that.
    let named = heads.iter().map(|(head, _)| head.as_str()).find(|head| !head.is_empty()).unwrap_or("Table");
    out.push_str(&format!(
        "<div class=\"wrap\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table>\n<thead><tr>",
        escaped(named)
    ));
    for (at, (head, _)) in heads.iter().enumerate() {
        if head.is_empty() {
            out.push_str("<td></td>");
            continue;
        }
        out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(at), escaped(head)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (at, row) in rows.iter().enumerate() {
        out.push_str(if bold.contains(&at) { "<tr class=\"b\">" } else { "<tr>" });
        for (column, text) in row.iter().enumerate() {
            let class = if is_day(text) { " class=\"n\"" } else { class(column) };
            out.push_str(&format!("<td{class}>{}</td>", escaped(text)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

/// `2026-10-31`: a date never wraps.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
