//! Changes of headers, which somebody else asks for.

use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::framing::is_senders;

/// Headers to remove, to set and to add, in this order.
///
/// Headers that say how a message is sent, or whose it is, cannot be changed so.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeaderEdits {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
}

impl HeaderEdits {
    /// Nothing to change.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes every value of `name`.
    pub fn remove(&mut self, name: HeaderName) {
        if is_free(&name) {
            self.remove.push(name);
        }
    }

    /// Replaces every value of `name`.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        if is_free(&name) {
            self.set.push((name, value));
        }
    }

    /// Adds a value of `name`.
    pub fn add(&mut self, name: HeaderName, value: HeaderValue) {
        if is_free(&name) {
            self.add.push((name, value));
        }
    }

    /// Edits `headers`.
    pub fn apply(self, headers: &mut HeaderMap) {
        for name in self.remove {
            headers.remove(name);
        }
        for (name, value) in self.set {
            headers.insert(name, value);
        }
        for (name, value) in self.add {
            headers.append(name, value);
        }
    }
}

/// Whether somebody else may decide about it.
pub(crate) fn is_free(name: &HeaderName) -> bool {
    !is_senders(name) && *name != PROXY_AUTHENTICATE && *name != PROXY_AUTHORIZATION
}
