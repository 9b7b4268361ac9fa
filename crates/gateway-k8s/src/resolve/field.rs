//! Where in an object, built only when somebody asks.

use std::fmt;

/// A field of an object: `spec.rules[0].backendRefs[1].port`.
///
/// Borrows its parent, so that naming a field costs nothing unless it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    parent: Option<&'a Self>,
    name: &'a str,
    index: Option<usize>,
}

impl<'a> Field<'a> {
    /// The field `spec` of the object.
    pub(super) const SPEC: Field<'static> = Field {
        parent: None,
        name: "spec",
        index: None,
    };

    /// The annotations of the object.
    pub(super) const ANNOTATIONS: Field<'static> = Field {
        parent: None,
        name: "metadata.annotations",
        index: None,
    };

    /// The field called `name` in this one.
    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            name,
            index: None,
        }
    }

    /// Entry `index` of the list called `name` in this one.
    pub(super) fn item(&'a self, name: &'a str, index: usize) -> Self {
        Self {
            index: Some(index),
            ..self.name(name)
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}
