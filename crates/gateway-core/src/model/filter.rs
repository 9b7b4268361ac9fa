//! The steps of a rule, as data.

use std::fmt;
use std::sync::Arc;

use gateway_filters::{Cors, Fraction, HeaderModifier, Redirect, UrlRewrite};

use super::{BackendId, BackendTarget, Policy};

/// A step of a rule or of one of its backends.
///
/// Complete on purpose: whoever runs filters has to decide about each kind.
/// Source: `HTTPRouteFilter`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Filter {
    /// Edits the request's headers.
    RequestHeaderModifier(Arc<HeaderModifier>),
    /// Edits the response's headers.
    ResponseHeaderModifier(Arc<HeaderModifier>),
    /// Answers with a redirect.
    RequestRedirect(Arc<Redirect>),
    /// Changes host and path before the request is forwarded.
    UrlRewrite(Arc<UrlRewrite>),
    /// Sends a copy elsewhere and forgets about it.
    RequestMirror(Arc<RequestMirror>),
    /// Answers preflights and tells browsers who may read the response.
    Cors(Arc<Cors>),
    /// What the Gateway API has no filter for, in this place.
    Policy(Policy),
    /// A layer that was registered with the gateway under this name.
    Extension(ExtensionRef),
    /// A filter that could not be resolved, with the reason for the log. It is
    /// never skipped: its requests get 500.
    Invalid(Arc<str>),
}

impl Filter {
    pub(super) fn edit_backend(&mut self, edit: &mut dyn FnMut(&mut BackendId)) {
        if let Self::RequestMirror(mirror) = self {
            Arc::make_mut(mirror).backend.edit_backend(edit);
        }
    }
}

/// Where copies of requests go, and how many of them.
///
/// Source: `HTTPRequestMirrorFilter`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestMirror {
    /// Who gets the copies. An invalid one gets none.
    pub backend: BackendTarget,
    /// The share of requests that is copied.
    pub fraction: Fraction,
}

/// Names a custom filter.
///
/// Source: `LocalObjectReference` in `HTTPRouteFilter.extensionRef`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExtensionRef {
    /// The API group, which may be empty.
    pub group: Arc<str>,
    /// The kind of object.
    pub kind: Arc<str>,
    /// The object's name.
    pub name: Arc<str>,
}

impl ExtensionRef {
    /// Names `kind`/`name` in `group`.
    pub fn new(
        group: impl Into<Arc<str>>,
        kind: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ExtensionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, " of group {}", self.group)
        }
    }
}
