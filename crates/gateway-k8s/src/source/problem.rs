//! What is wrong with what was read.

use std::fmt;

use crate::world::{ObjectRef, Place};

/// Something a person should look at, in words for that person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where to look.
    pub place: Place,
    /// Which object it is about, if that could be read.
    pub object: Option<ObjectRef>,
    /// Which field of the object, as `spec.rules[0].name`.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad a [`Problem`] is. There is no third.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Something written down has no effect.
    Warning,
    /// An object is not used as it is written.
    Error,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.severity)?;
        if let Some(object) = &self.object {
            write!(f, ": {object}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
