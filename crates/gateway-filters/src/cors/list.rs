//! A list of methods or header names, as a header carries it.

use bytes::{BufMut, BytesMut};
use http::HeaderValue;

/// What a setting allows or exposes.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) enum List {
    /// Nothing was said, so no header is sent.
    #[default]
    Empty,
    /// These, joined when the settings were built.
    Named(HeaderValue),
    /// Whatever is asked for.
    Any,
}

impl List {
    /// Adds an item that is a token. Once everything is in, there is nothing to add.
    pub(super) fn push(&mut self, token: &str) {
        let mut joined = BytesMut::new();
        match self {
            Self::Any => return,
            Self::Empty => {}
            Self::Named(before) => {
                joined.put_slice(before.as_bytes());
                joined.put_slice(b", ");
            }
        }
        joined.put_slice(token.as_bytes());
        *self = HeaderValue::from_maybe_shared(joined.freeze())
            .map(Self::Named)
            .expect("tokens are header values");
    }
}
