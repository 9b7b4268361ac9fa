//! Which headers to write.

use http::HeaderName;

use super::error::InvalidHeaderValues;
use crate::framing::is_framing;
use crate::template::Template;

/// Headers to set and to add, with values that have variables.
///
/// First headers are set, then added. Nothing is changed by default.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct HeaderValues {
    pub(super) set: Vec<(HeaderName, Template)>,
    pub(super) add: Vec<(HeaderName, Template)>,
}

impl HeaderValues {
    /// Nothing to write.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces every value of `name`. The first value given for a name is the one that counts.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how long the message is or how it is sent, as
    /// `Content-Length`, which is not for those to say who send a request; or if `value` has a
    /// control character, a variable that does not exist, or one that is not closed.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, InvalidHeaderValues> {
        let (name, value) = parse_pair(name, value)?;
        if !self.set.iter().any(|(known, _)| *known == name) {
            self.set.push((name, value));
        }
        Ok(self)
    }

    /// Adds a value after those that `name` has, on a line of its own.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn add(mut self, name: &str, value: &str) -> Result<Self, InvalidHeaderValues> {
        self.add.push(parse_pair(name, value)?);
        Ok(self)
    }

    /// Whether nothing would be changed, whatever the request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty()
    }
}

fn parse_pair(name: &str, value: &str) -> Result<(HeaderName, Template), InvalidHeaderValues> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidHeaderValues::Name {
        name: name.to_owned(),
    })?;
    if is_framing(&name) {
        return Err(InvalidHeaderValues::Framing { name });
    }
    match Template::parse_header(value) {
        Ok(value) => Ok((name, value)),
        Err(source) => Err(InvalidHeaderValues::Value { name, source }),
    }
}
