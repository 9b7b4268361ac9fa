//! What is wrong with a document, wherever it stands.

use crate::source::Severity;
use crate::source::fields::Misfit;
use crate::world::ObjectRef;

/// A [`Problem`](crate::source::Problem) whose place is still relative.
#[derive(Debug)]
pub(super) struct Finding {
    /// From 1 in the document.
    pub(super) line: usize,
    pub(super) object: Option<ObjectRef>,
    pub(super) field: Option<String>,
    pub(super) message: String,
    pub(super) remedy: String,
    pub(super) severity: Severity,
}

impl Finding {
    /// Something that cannot be used. On the first line, about no object, no field.
    pub(super) fn error(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            line: 1,
            object: None,
            field: None,
            message: message.into(),
            remedy: remedy.into(),
            severity: Severity::Error,
        }
    }

    /// Something that has no effect.
    pub(super) fn warning(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message, remedy)
        }
    }

    /// A field that the kind does not have.
    pub(super) fn unknown_field(field: String) -> Self {
        let message = "this kind has no such field, it has no effect";
        Self::warning(message, "check its spelling and its place, or remove it").in_field(field)
    }

    /// The same, about a field.
    pub(super) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, about an object.
    pub(super) fn about(mut self, object: &ObjectRef) -> Self {
        self.object = Some(object.clone());
        self
    }

    /// The same, on a line of the document, from 1.
    pub(super) fn on_line(mut self, line: usize) -> Self {
        self.line = line;
        self
    }
}

impl From<Misfit> for Finding {
    fn from(misfit: Misfit) -> Self {
        let remedy = misfit.remedy();
        Self {
            field: misfit.field,
            ..Self::error(misfit.message, remedy)
        }
    }
}
