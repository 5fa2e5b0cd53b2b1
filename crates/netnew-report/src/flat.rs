//! JSON rows as a flat table: CSV for spreadsheets.

use serde_json::Value;
use std::io::{self, Write};

/// Rows as CSV; nested objects become `outer.inner` columns, lists are joined by spaces.
///
/// # Errors
/// A writer that fails.
pub fn write_csv(rows: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let flat: Vec<Vec<(String, String)>> = rows.iter().map(flatten).collect();
    let mut columns: Vec<String> = Vec::new();
    for row in &flat {
        for (name, _) in row {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
    }
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&columns)?;
    for row in &flat {
        writer.write_record(
            columns
                .iter()
                .map(|c| row.iter().find(|(name, _)| name == c).map_or("", |(_, value)| value.as_str())),
        )?;
    }
    writer.flush()
}

fn flatten(row: &Value) -> Vec<(String, String)> {
    fn walk(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    walk(&name, value, out);
                }
            }
            other => out.push((prefix.to_string(), text_of(other))),
        }
    }
    let mut out = Vec::new();
    walk("", row, &mut out);
    out
}

/// A value as people read it: strings bare, null empty, lists joined by spaces.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
