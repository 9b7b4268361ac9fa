//! Writing the values, and the edit itself.

use http::{HeaderMap, HeaderName, HeaderValue, Request};

use super::settings::HeaderValues;
use crate::template::Source;

impl HeaderValues {
    /// What the settings come to for `request`.
    pub fn write<B>(&self, request: &Request<B>) -> WrittenHeaders {
        let source = Source::of(request);
        let write = |(name, template): &(HeaderName, _)| {
            let template: &crate::template::Template = template;
            let value = template.header_value(|variable| source.value(variable));
            (name.clone(), value)
        };
        WrittenHeaders {
            set: self.set.iter().map(write).collect(),
            add: self.add.iter().map(write).collect(),
        }
    }

    /// Edits the headers of `request` by what is known of it before.
    pub fn apply<B>(&self, request: &mut Request<B>) {
        if !self.is_empty() {
            self.write(request).apply(request.headers_mut());
        }
    }
}

/// Headers with their values, ready to be set and added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct WrittenHeaders {
    // Without a value if nothing was left of it.
    set: Vec<(HeaderName, Option<HeaderValue>)>,
    add: Vec<(HeaderName, Option<HeaderValue>)>,
}

impl WrittenHeaders {
    /// Edits `headers`: sets, then adds.
    pub fn apply(self, headers: &mut HeaderMap) {
        for (name, value) in self.set {
            match value {
                Some(value) => {
                    headers.insert(name, value);
                }
                None => {
                    headers.remove(name);
                }
            }
        }
        for (name, value) in self.add {
            if let Some(value) = value {
                headers.append(name, value);
            }
        }
    }
}
