//! Which headers to set, add and remove.

use http::{HeaderName, HeaderValue};

use super::error::InvalidHeaderModifier;

/// Edits a header map, as the Gateway API's `HTTPHeaderFilter` describes.
///
/// Names and values are checked when they are given, so a modifier that exists can be applied.
/// An empty modifier changes nothing; that is the default.
///
/// First headers are set, then added, then removed, whatever the order of the calls. So a name
/// that is both set and added ends with both values, the set one first; and a name that is
/// removed is absent in the end, whatever else was asked for it.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct HeaderModifier {
    pub(super) set: Vec<(HeaderName, HeaderValue)>,
    pub(super) add: Vec<(HeaderName, HeaderValue)>,
    pub(super) remove: Vec<HeaderName>,
}

impl HeaderModifier {
    /// A modifier that changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces every value of `name` with `value`.
    ///
    /// The first value given for a name is the one that counts; the Gateway API wants later
    /// ones ignored, however the name is spelled.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or `value` has a control character.
    pub fn set(mut self, name: &str, value: &str) -> Result<Self, InvalidHeaderModifier> {
        let (name, value) = parse_pair(name, value)?;
        if !self.set.iter().any(|(known, _)| *known == name) {
            self.set.push((name, value));
        }
        Ok(self)
    }

    /// Adds `value` after the values that `name` has.
    ///
    /// Each value is a line of its own. Values added to one name keep the order of the calls.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or `value` has a control character.
    pub fn add(mut self, name: &str, value: &str) -> Result<Self, InvalidHeaderModifier> {
        self.add.push(parse_pair(name, value)?);
        Ok(self)
    }

    /// Removes every value of `name`.
    ///
    /// # Errors
    ///
    /// If `name` is not a token.
    pub fn remove(mut self, name: &str) -> Result<Self, InvalidHeaderModifier> {
        self.remove.push(parse_name(name)?);
        Ok(self)
    }

    /// Whether nothing would be changed, whatever the headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }

    /// Every name that is set, added or removed; more than once, if it was named so.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let given = self.set.iter().chain(&self.add).map(|(name, _)| name);
        given.chain(&self.remove)
    }
}

fn parse_pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidHeaderModifier> {
    let name = parse_name(name)?;
    match HeaderValue::from_str(value) {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(InvalidHeaderModifier::Value { name }),
    }
}

fn parse_name(name: &str) -> Result<HeaderName, InvalidHeaderModifier> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidHeaderModifier::Name {
        name: name.to_owned(),
    })
}
