//! What can be wrong with a knob, a value or a policy file, and what to do about it.

use crate::schema::Needs;
use thiserror::Error;

/// A policy that was refused. The message says what and where, [`PolicyError::hint`] what to do, and
/// [`PolicyError::code`] is a stable name for scripts.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No knob has this name.
    #[error("unknown knob `{knob}`")]
    UnknownKnob {
        /// The name as given, cut to a printable length.
        knob: String,
        /// The name most likely meant.
        nearest: Option<&'static str>,
    },
    /// The knob does not take this value.
    #[error("`{knob}` cannot be `{value}`")]
    BadKnobValue {
        /// The knob.
        knob: &'static str,
        /// The value as given, cut to a printable length.
        value: String,
        /// What the knob takes, for reading.
        takes: String,
        /// The value most likely meant.
        nearest: Option<String>,
    },
    /// The value is known, but the facts it asks for are not there.
    #[error("`{knob} = {value}` needs {needs}, which this book does not have or the rule cannot use yet")]
    KnobNeedsFacts {
        /// The knob.
        knob: &'static str,
        /// The value.
        value: &'static str,
        /// The facts it needs.
        needs: Needs,
        /// Values that can be used, for reading.
        takes: String,
    },
    /// No built-in policy has this name.
    #[error("unknown policy `{name}`")]
    UnknownPolicy {
        /// The name as given, cut to a printable length.
        name: String,
        /// The name most likely meant.
        nearest: Option<&'static str>,
    },
    /// The file is not TOML, or not a policy.
    #[error("{file}:{line}: {message}")]
    PolicyFile {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: String,
    },
    /// One of the other errors, in a file.
    #[error("{file}:{line}: {error}")]
    InFile {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        error: Box<PolicyError>,
    },
}

impl PolicyError {
    /// Stable code for machines: `unknown_knob`, `bad_knob_value`, `knob_needs_facts`, `unknown_policy` or
    /// `policy_file`.
    pub fn code(&self) -> &'static str {
        match self {
            PolicyError::UnknownKnob { .. } => "unknown_knob",
            PolicyError::BadKnobValue { .. } => "bad_knob_value",
            PolicyError::KnobNeedsFacts { .. } => "knob_needs_facts",
            PolicyError::UnknownPolicy { .. } => "unknown_policy",
            PolicyError::PolicyFile { .. } => "policy_file",
            PolicyError::InFile { error, .. } => error.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            PolicyError::UnknownKnob { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`? `netnew policy show default` lists every knob")
            }
            PolicyError::UnknownKnob { nearest: None, .. } => {
                "`netnew policy show default` lists every knob".to_string()
            }
            PolicyError::BadKnobValue { takes, nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`? It takes {takes}")
            }
            PolicyError::BadKnobValue { takes, nearest: None, .. } => format!("it takes {takes}"),
            PolicyError::KnobNeedsFacts { takes, .. } => format!("until then it takes {takes}"),
            PolicyError::UnknownPolicy { nearest, .. } => {
                let meant = nearest.map_or(String::new(), |n| format!("did you mean `{n}`? "));
                format!("{meant}`netnew policy list` lists the policies; a file needs its path")
            }
            PolicyError::PolicyFile { hint, .. } => hint.clone(),
            PolicyError::InFile { error, .. } => error.hint(),
        }
    }
}
