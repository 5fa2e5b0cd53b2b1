//! Blocks as Markdown. Drawings are left out: the tables hold their figures.

use super::{Block, Side};

/// The report as Markdown.
pub fn render(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Heading(depth, text) => {
                out.push_str(&format!("{} {}\n\n", "#".repeat(usize::from(*depth)), plain(text)));
            }
            Block::Text(text) => out.push_str(&format!("{}\n\n", plain(text))),
            Block::Strong(text) => out.push_str(&format!("**{}**\n\n", plain(text))),
            Block::Small(text) => out.push_str(&format!("_{}_\n\n", plain(text))),
            Block::List(items) => {
                for (text, command) in items {
                    out.push_str(&format!("- {}\n", plain(text)));
                    if let Some(command) = command {
                        out.push_str(&format!("  `{}`\n", command.replace('`', "'")));
                    }
                }
                out.push('\n');
            }
            Block::Table { heads, rows, bold } => {
                let cells: Vec<String> = heads.iter().map(|(head, _)| cell(head)).collect();
                out.push_str(&format!("| {} |\n", cells.join(" | ")));
                let sides: Vec<&str> =
                    heads.iter().map(|(_, side)| if *side == Side::Right { "---:" } else { "---" }).collect();
                out.push_str(&format!("| {} |\n", sides.join(" | ")));
                for (at, row) in rows.iter().enumerate() {
                    let strong = bold.contains(&at);
                    let cells: Vec<String> = row
                        .iter()
                        .map(|text| {
                            if strong && !text.is_empty() {
                                format!("**{}**", cell(text))
                            } else {
                                cell(text)
                            }
                        })
                        .collect();
                    out.push_str(&format!("| {} |\n", cells.join(" | ")));
                }
                out.push('\n');
            }
            Block::Chart(_) => {}
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Text whose own signs mean nothing: names of customers may hold anything.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|")
}
