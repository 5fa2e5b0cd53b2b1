//! Just enough of a document to ask questions of a drawing; a real parser decides whether it is well-formed.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

#[derive(Debug, Default, Clone)]
pub struct Node {
    pub name: String,
    pub attrs: BTreeMap<String, String>,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    pub fn attr(&self, name: &str) -> &str {
        self.attrs.get(name).map_or("", String::as_str)
    }

    /// All elements of a name below this one, in order.
    pub fn all(&self, name: &str) -> Vec<&Node> {
        let mut out = Vec::new();
        for child in &self.children {
            if child.name == name {
                out.push(child);
            }
            out.extend(child.all(name));
        }
        out
    }

    pub fn everything(&self) -> Vec<&Node> {
        self.children.iter().flat_map(|child| std::iter::once(child).chain(child.everything())).collect()
    }

    /// A coordinate in hundredths of a pixel.
    pub fn at(&self, name: &str) -> i64 {
        let text = self.attr(name);
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let hundredths: i64 =
            format!("{}{rest:0<2}", whole.trim_start_matches('-')).parse().expect("a coordinate");
        if text.starts_with('-') { -hundredths } else { hundredths }
    }
}

fn opened(start: &BytesStart<'_>) -> Node {
    let attrs = start.attributes().map(|attr| {
        let attr = attr.expect("an attribute, once");
        let value = attr.normalized_value(XmlVersion::Implicit1_0).expect("known entities");
        (attr.key.as_ref().to_owned(), value.into_owned())
    });
    Node { name: start.name().as_ref().to_owned(), attrs: attrs.collect(), ..Node::default() }
}

/// The one root element of a text.
pub fn parse(text: &str) -> Node {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in {text}")) {
            Event::Start(start) => open.push(opened(&start)),
            Event::Empty(start) => open.last_mut().expect("a parent").children.push(opened(&start)),
            Event::End(_) => {
                let node = open.pop().expect("an open element");
                open.last_mut().expect("a parent").children.push(node);
            }
            Event::Text(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0);
                open.last_mut().expect("a parent").text.push_str(&text);
            }
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().expect("a character") {
                    Some(c) => c.to_string(),
                    None => match entity.xml_content(XmlVersion::Implicit1_0).as_ref() {
                        "amp" => "&".into(),
                        "lt" => "<".into(),
                        "gt" => ">".into(),
                        "quot" => "\"".into(),
                        other => panic!("an entity that XML does not know: {other}"),
                    },
                };
                open.last_mut().expect("a parent").text.push_str(&resolved);
            }
            Event::Eof => break,
            other => panic!("nothing else belongs into a drawing: {other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "all elements are closed");
    let mut roots = open.remove(0).children;
    assert_eq!(roots.len(), 1, "one root");
    roots.remove(0)
}
