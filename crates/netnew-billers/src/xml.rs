//! XML as Braintree writes it, as JSON: names with underscores, `type="array"` as lists, `nil="true"` as nothing.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements may lie in one another so deep.
const DEEPEST: usize = 64;

struct Open {
    name: String,
    list: bool,
    nil: bool,
    text: String,
    fields: Map<String, Value>,
    entries: Vec<Value>,
}

/// What is inside the document's only element.
pub(crate) fn to_json(xml: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(xml);
    let mut stack: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                if stack.len() >= DEEPEST {
                    return Err("elements lie too deep in one another".into());
                }
                stack.push(open(&start)?);
            }
            Event::Empty(start) => {
                let whole = open(&start)?;
                if let Some(root) = close(whole, &mut stack) {
                    return Ok(root);
                }
            }
            Event::Text(text) => {
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(&text);
                }
            }
            Event::GeneralRef(entity) => {
                let written = match entity.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => letter.to_string(),
                    None => {
                        quick_xml::escape::resolve_predefined_entity(&entity).unwrap_or_default().to_string()
                    }
                };
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(&written);
                }
            }
            Event::CData(text) => {
                if let Some(top) = stack.last_mut() {
                    top.text.push_str(&text);
                }
            }
            Event::End(_) => {
                let Some(whole) = stack.pop() else {
                    return Err("an element ends that did not begin".into());
                };
                if let Some(root) = close(whole, &mut stack) {
                    return Ok(root);
                }
            }
            Event::Eof => return Err("the document ends too early".into()),
            _ => {}
        }
    }
}

fn open(start: &BytesStart) -> Result<Open, String> {
    let mut one = Open {
        name: AsRef::<str>::as_ref(&start.name()).replace('-', "_"),
        list: false,
        nil: false,
        text: String::new(),
        fields: Map::new(),
        entries: Vec::new(),
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        match (attribute.key.as_ref(), attribute.value.as_ref()) {
            ("type", "array") => one.list = true,
            ("nil", "true") => one.nil = true,
            _ => {}
        }
    }
    Ok(one)
}

fn close(one: Open, stack: &mut [Open]) -> Option<Value> {
    let value = if one.nil {
        Value::Null
    } else if one.list {
        Value::Array(one.entries)
    } else if one.fields.is_empty() {
        Value::String(one.text.trim().to_string())
    } else {
        Value::Object(one.fields)
    };
    let Some(parent) = stack.last_mut() else { return Some(value) };
    if parent.list {
        parent.entries.push(value);
    } else {
        parent.fields.insert(one.name, value);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lists_and_nothings() {
        let xml = r#"<?xml version="1.0"?><notification><kind>a &amp; b&#33;</kind><subject><subscription>
            <plan-id>gold</plan-id><add-ons type="array"><add-on><id>x</id></add-on></add-ons>
            <discounts type="array"/><days-past-due nil="true"/></subscription></subject></notification>"#;
        let value = to_json(xml).unwrap();
        assert_eq!(value["kind"], "a & b!");
        let subscription = &value["subject"]["subscription"];
        assert_eq!(subscription["plan_id"], "gold");
        assert_eq!(subscription["add_ons"][0]["id"], "x");
        assert_eq!(subscription["discounts"], Value::Array(Vec::new()));
        assert!(subscription["days_past_due"].is_null());
    }

    #[test]
    fn what_is_broken_is_said() {
        for broken in ["", "<a>", "</a>", "<a></b>", "no"] {
            assert!(to_json(broken).is_err(), "{broken}");
        }
        assert!(to_json(&"<a>".repeat(100)).is_err());
    }
}
