//! The policies that are built in, from `policy/presets/`.

use crate::error::PolicyError;
use crate::file::{self, RawKnob, RawPolicy};
use crate::nearest::{nearest, shown};
use crate::policy::Policy;
use crate::schema::{Needs, schema};
use std::sync::LazyLock;

/// Names of the built-in policies.
pub(crate) const NAMES: [&str; 7] =
    ["default", "stripe", "chartmogul", "baremetrics", "profitwell", "recurly", "chargebee"];

const FILES: [&str; 7] = [
    include_str!("../../../policy/presets/default.toml"),
    include_str!("../../../policy/presets/stripe.toml"),
    include_str!("../../../policy/presets/chartmogul.toml"),
    include_str!("../../../policy/presets/baremetrics.toml"),
    include_str!("../../../policy/presets/profitwell.toml"),
    include_str!("../../../policy/presets/recurly.toml"),
    include_str!("../../../policy/presets/chargebee.toml"),
];

/// What kind of evidence a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The vendor's own documentation says so.
    Stated,
    /// Read in source code.
    Code,
    /// Somebody else's page says so.
    ThirdParty,
    /// Follows from what the vendor says, but is not said.
    Derived,
}

impl Evidence {
    /// Every kind.
    pub const ALL: [Evidence; 4] =
        [Evidence::Stated, Evidence::Code, Evidence::ThirdParty, Evidence::Derived];

    /// The word used in preset files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Evidence::Stated => "stated",
            Evidence::Code => "code",
            Evidence::ThirdParty => "third_party",
            Evidence::Derived => "derived",
        }
    }
}

/// A built-in policy and what is known about each of its knobs.
pub(crate) struct Preset {
    pub policy: Policy,
    /// A few sentences on whose rules these are.
    pub about: String,
    /// Parallel to the schema's knobs.
    pub notes: Vec<Note>,
}

/// What is known about a knob of a preset.
pub(crate) struct Note {
    /// Pages, for reading; empty when nothing was found.
    pub source: String,
    /// When they were read.
    pub date: String,
    pub found: bool,
    pub evidence: Option<Evidence>,
    pub says: Option<String>,
    /// The vendor's value, when it needs facts not taken in yet.
    pub recorded: Option<(&'static str, Needs)>,
}

/// The preset of a name.
pub(crate) fn find(name: &str) -> Result<&'static Preset, PolicyError> {
    let index = NAMES.iter().position(|n| *n == name);
    index.map(|i| &all()[i]).ok_or_else(|| PolicyError::UnknownPolicy {
        name: shown(name),
        nearest: nearest(name, NAMES.iter().copied()).and_then(|n| NAMES.into_iter().find(|name| *name == n)),
    })
}

/// The policy `default`.
pub(crate) fn default_policy() -> &'static Policy {
    &all()[0].policy
}

/// Every preset, in the order of [`NAMES`].
pub(crate) fn all() -> &'static [Preset] {
    static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
        let loaded = NAMES.iter().zip(FILES).map(|(name, text)| load(name, text));
        loaded.collect::<Result<_, _>>().expect("presets compiled in are tested to load")
    });
    &PRESETS
}

/// A preset from its file. Unlike a user's policy it may record values that cannot act yet.
fn load(name: &'static str, text: &str) -> Result<Preset, PolicyError> {
    let file = format!("policy/presets/{name}.toml");
    let raw = file::read(text, &file)?;
    let refuse = |line: usize, message: String| PolicyError::PolicyFile {
        file: file.clone(),
        line,
        message,
        hint: "mend the preset".to_string(),
    };
    if raw.name.text != name {
        return Err(refuse(raw.name.line, format!("name is not {name}")));
    }
    let mut values: Vec<(&str, String)> = Vec::new();
    let mut notes = Vec::new();
    for knob in &schema().knobs {
        let entry = raw.knobs.iter().find(|k| k.knob.name == knob.name);
        let entry = entry.ok_or_else(|| refuse(1, format!("knob {} is missing", knob.name)))?;
        let (acting, recorded) = acting(entry).map_err(|error| file::at(&file, entry.line, error))?;
        values.push((&knob.name, acting));
        notes.push(note(entry, &raw, recorded).map_err(|message| refuse(entry.line, message))?);
    }
    let value = |knob: &str| {
        values.iter().find(|(name, _)| *name == knob).map(|(_, v)| v.clone()).unwrap_or_default()
    };
    let policy = Policy::of(name, &raw.version.text, name, value)
        .ok_or_else(|| refuse(1, "a value is in the schema but not in the types".to_string()))?;
    Ok(Preset { policy, about: raw.about.unwrap_or_default(), notes })
}

type Recorded = Option<(&'static str, Needs)>;

/// The value that acts: the vendor's if it can, else the default.
fn acting(entry: &RawKnob) -> Result<(String, Recorded), PolicyError> {
    let default = || entry.knob.default.clone();
    let Some(value) = &entry.value else { return Ok((default(), None)) };
    let canonical = entry.knob.canonical_or_recorded(&value.text)?;
    match entry.knob.choice(&canonical) {
        // A preset's figures must not depend on which facts a book happens to have.
        Some(choice) => match choice.needs.or(choice.with) {
            Some(needs) => Ok((default(), Some((&choice.name, needs)))),
            None => Ok((canonical, None)),
        },
        None => Ok((canonical, None)),
    }
}

fn note(entry: &RawKnob, raw: &RawPolicy, recorded: Recorded) -> Result<Note, String> {
    let mut titles: Vec<&str> = Vec::new();
    let mut date = raw.version.text.as_str();
    for (index, key) in entry.from.iter().enumerate() {
        let source = raw.sources.iter().find(|s| s.key == *key);
        let source = source.ok_or_else(|| format!("{}: no source `{key}`", entry.knob.name))?;
        titles.push(&source.title);
        // With several, the oldest reading is the one to doubt.
        if index == 0 || source.read.as_str() < date {
            date = &source.read;
        }
    }
    if entry.found && titles.is_empty() {
        return Err(format!("{} has a value without a source", entry.knob.name));
    }
    if !entry.found && entry.says.is_none() {
        return Err(format!("{} was not found and does not say so", entry.knob.name));
    }
    Ok(Note {
        source: titles.join("; "),
        date: date.to_string(),
        found: entry.found,
        evidence: entry.found.then(|| entry.evidence.unwrap_or(Evidence::Stated)),
        says: entry.says.clone(),
        recorded,
    })
}
