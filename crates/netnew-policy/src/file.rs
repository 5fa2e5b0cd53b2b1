//! Policy files: TOML to names and values, each with its line.

use crate::error::PolicyError;
use crate::nearest::{nearest, shown};
use crate::preset::{self, Evidence, Preset};
use crate::schema::{Knob, schema};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text and the line it begins on.
pub(crate) struct Placed {
    pub text: String,
    pub line: usize,
}

/// A policy file as it is written, knobs looked up but values not yet checked.
pub(crate) struct RawPolicy {
    pub name: Placed,
    pub version: Placed,
    pub base: Option<Placed>,
    pub about: Option<String>,
    pub sources: Vec<RawSource>,
    pub knobs: Vec<RawKnob>,
}

/// A page that knobs of the file refer to.
pub(crate) struct RawSource {
    pub key: String,
    /// Its name or address, for reading.
    pub title: String,
    /// When it was read.
    pub read: String,
}

/// A knob: a bare value, or a table with what is known about it.
pub(crate) struct RawKnob {
    pub knob: &'static Knob,
    pub line: usize,
    pub value: Option<Placed>,
    /// Keys of sources.
    pub from: Vec<String>,
    pub evidence: Option<Evidence>,
    pub says: Option<String>,
    pub found: bool,
}

/// An error of a value, with its place.
pub(crate) fn at(file: &str, line: usize, error: PolicyError) -> PolicyError {
    PolicyError::InFile { file: file.to_string(), line, error: Box::new(error) }
}

/// Reads a file.
pub(crate) fn read(text: &str, file: &str) -> Result<RawPolicy, PolicyError> {
    let reader = Reader { text, file };
    let document = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        reader.error(&span, error.message(), "a policy is TOML: `name`, `version`, and knobs under [knobs]")
    })?;
    let top = reader.keys(document.get_ref(), &["name", "version", "base", "about", "sources", "knobs"])?;
    let [name, version, base, about, sources, knobs] = top[..] else { unreachable!("one for each key") };
    let start = 0..0;
    let needed = |value: Option<&Spanned<DeValue>>, key: &str, like: &str| match value {
        Some(value) => reader.name(value, key),
        None => Err(reader.error(
            &start,
            &format!("`{key}` is missing"),
            &format!("add a line {key} = \"{like}\""),
        )),
    };
    let mut out = RawPolicy {
        name: needed(name, "name", "ours")?,
        version: needed(version, "version", "2026-11")?,
        base: base.map(|value| reader.name(value, "base")).transpose()?,
        about: about.map(|value| reader.string(value, "about")).transpose()?,
        sources: sources.map(|value| reader.sources(value)).transpose()?.unwrap_or_default(),
        knobs: Vec::new(),
    };
    if let Some(value) = knobs {
        reader.knobs(reader.table(value, "knobs")?, "", &mut out.knobs)?;
    }
    Ok(out)
}

/// The preset that a file builds on.
///
/// # Errors
/// For an unknown one, and for a file that is named like a preset but builds on another: its figures would be
/// taken for the preset's.
pub(crate) fn base(raw: &RawPolicy, file: &str) -> Result<&'static Preset, PolicyError> {
    let (name, line) = raw.base.as_ref().map_or(("default", 1), |b| (b.text.as_str(), b.line));
    let base = preset::find(name).map_err(|error| at(file, line, error))?;
    if preset::NAMES.contains(&raw.name.text.as_str()) && raw.name.text != name {
        return Err(PolicyError::PolicyFile {
            file: file.to_string(),
            line: raw.name.line,
            message: format!("`{}` is a built-in policy, and this one builds on `{name}`", raw.name.text),
            hint: format!("give it another name, or build on it with base = \"{}\"", raw.name.text),
        });
    }
    Ok(base)
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|b| **b == b'\n').count() + 1
    }

    fn error(&self, span: &Range<usize>, message: &str, hint: &str) -> PolicyError {
        PolicyError::PolicyFile {
            file: self.file.to_string(),
            line: self.line(span),
            message: message.trim().replace('\n', ", "),
            hint: hint.to_string(),
        }
    }

    /// The values of known keys, in their order.
    fn keys<'t, 'i>(
        &self,
        table: &'t DeTable<'i>,
        known: &[&str],
    ) -> Result<Vec<Option<&'t Spanned<DeValue<'i>>>>, PolicyError> {
        let mut out = vec![None; known.len()];
        for (key, value) in table.iter() {
            let Some(index) = known.iter().position(|k| *k == key.get_ref()) else {
                let meant = nearest(key.get_ref(), known.iter().copied());
                let meant = meant.map_or(String::new(), |m| format!("did you mean `{m}`? "));
                let message = format!("unknown key `{}`", shown(key.get_ref()));
                let hint = format!("{meant}The keys here are {}", known.join(", "));
                return Err(self.error(&key.span(), &message, &hint));
            };
            out[index] = Some(value);
        }
        Ok(out)
    }

    fn table<'t, 'i>(
        &self,
        value: &'t Spanned<DeValue<'i>>,
        key: &str,
    ) -> Result<&'t DeTable<'i>, PolicyError> {
        let hint = format!("write it as [{key}]");
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.error(&value.span(), &format!("`{key}` is no table"), &hint))
    }

    fn string(&self, value: &Spanned<DeValue>, key: &str) -> Result<String, PolicyError> {
        let message = format!("`{key}` is no text");
        let text = value.get_ref().as_str().map(str::to_string);
        text.ok_or_else(|| self.error(&value.span(), &message, "put it in double quotes"))
    }

    /// A name or version: what can be written after `--policy` as `NAME@VERSION`.
    fn name(&self, value: &Spanned<DeValue>, key: &str) -> Result<Placed, PolicyError> {
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            _ => self.string(value, key)?,
        };
        let plain = text.chars().all(|c| c.is_alphanumeric() || "-_.:".contains(c)) && !text.starts_with('.');
        if text.is_empty() || text.len() > 64 || !plain {
            let message = format!("`{key}` cannot be {:?}", shown(&text));
            let hint = "use 1 to 64 letters, digits, dots, dashes and underscores";
            return Err(self.error(&value.span(), &message, hint));
        }
        Ok(Placed { text, line: self.line(&value.span()) })
    }

    fn sources(&self, value: &Spanned<DeValue>) -> Result<Vec<RawSource>, PolicyError> {
        let mut out = Vec::new();
        for (key, value) in self.table(value, "sources")?.iter() {
            let entry = self.table(value, &format!("sources.{}", key.get_ref()))?;
            let [Some(title), Some(read)] = self.keys(entry, &["title", "read"])?[..] else {
                let message = format!("source `{}` lacks `title` or `read`", shown(key.get_ref()));
                return Err(self.error(
                    &value.span(),
                    &message,
                    "a source is { title = \"...\", read = \"2026-11\" }",
                ));
            };
            let (title, read) = (self.string(title, "title")?, self.string(read, "read")?);
            out.push(RawSource { key: key.get_ref().to_string(), title, read });
        }
        Ok(out)
    }

    /// Collects knobs. `discount.forever = ...` and `"discount.forever" = ...` are the same, so tables on the way
    /// to a knob's name are walked.
    fn knobs(&self, table: &DeTable, prefix: &str, out: &mut Vec<RawKnob>) -> Result<(), PolicyError> {
        for (key, value) in table.iter() {
            let name = format!("{prefix}{}", key.get_ref());
            let inside = format!("{name}.");
            let is_path = schema().knobs.iter().any(|k| k.name.starts_with(&inside));
            if let (true, Some(table)) = (is_path, value.get_ref().as_table()) {
                self.knobs(table, &inside, out)?;
                continue;
            }
            let line = self.line(&key.span());
            let knob = schema().knob(&name).map_err(|error| at(self.file, line, error))?;
            if out.iter().any(|k| k.knob.name == knob.name) {
                let message = format!("`{name}` is there twice");
                return Err(self.error(&key.span(), &message, "keep one of the two"));
            }
            out.push(self.knob(knob, line, value)?);
        }
        Ok(())
    }

    fn knob(
        &self,
        knob: &'static Knob,
        line: usize,
        value: &Spanned<DeValue>,
    ) -> Result<RawKnob, PolicyError> {
        let bare =
            RawKnob { knob, line, value: None, from: Vec::new(), evidence: None, says: None, found: true };
        let Some(table) = value.get_ref().as_table() else {
            return Ok(RawKnob { value: Some(self.value(knob, value)?), ..bare });
        };
        let keys = self.keys(table, &["value", "from", "evidence", "says", "found"])?;
        let [value_of, from, evidence, says, found] = keys[..] else { unreachable!("one for each key") };
        let found = found.is_none_or(|f| f.get_ref().as_bool() != Some(false));
        if found != value_of.is_some() {
            let message = format!("`{}` has neither a value nor `found = false`, or both", knob.name);
            return Err(self.error(&value.span(), &message, "give it a value"));
        }
        let evidence = match evidence {
            None => None,
            Some(value) => {
                let word = self.string(value, "evidence")?;
                let known = Evidence::ALL.iter().copied().find(|e| e.as_str() == word);
                let message = format!("unknown evidence `{}`", shown(&word));
                let hint = "it is stated, code, third_party or derived";
                Some(known.ok_or_else(|| self.error(&value.span(), &message, hint))?)
            }
        };
        Ok(RawKnob {
            value: value_of.map(|v| self.value(knob, v)).transpose()?,
            from: from.map(|v| self.list(v, "from")).transpose()?.unwrap_or_default(),
            evidence,
            says: says.map(|v| self.string(v, "says")).transpose()?,
            found,
            ..bare
        })
    }

    /// The text of a value as `--set` would have it.
    fn value(&self, knob: &Knob, value: &Spanned<DeValue>) -> Result<Placed, PolicyError> {
        let text = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_string()),
            DeValue::Float(number) => Some(number.as_str().to_string()),
            DeValue::Boolean(yes) => Some(yes.to_string()),
            DeValue::Array(_) => Some(self.list(value, &knob.name)?.join(",")),
            _ => None,
        };
        let message = format!("`{}` is no value", knob.name);
        let text =
            text.ok_or_else(|| self.error(&value.span(), &message, &format!("it takes {}", knob.takes())))?;
        Ok(Placed { text, line: self.line(&value.span()) })
    }

    fn list(&self, value: &Spanned<DeValue>, key: &str) -> Result<Vec<String>, PolicyError> {
        match value.get_ref().as_array() {
            Some(parts) => parts.iter().map(|part| self.string(part, key)).collect(),
            None => Ok(vec![self.string(value, key)?]),
        }
    }
}
