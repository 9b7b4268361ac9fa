//! What a path is replaced with.

use std::sync::Arc;

use super::error::InvalidPath;

/// How a path is changed, as the Gateway API's `HTTPPathModifier` describes.
///
/// The list is complete: it is the API's, and a type it does not know is to be refused.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum PathModifier {
    /// The whole path gives way, whatever it was matched by.
    ReplaceFullPath(ReplacementPath),
    /// The prefix by which the path was matched gives way; what follows it is kept.
    ReplacePrefixMatch(ReplacementPath),
}

impl PathModifier {
    /// Replaces the whole path with `path`; an empty one is `/`.
    ///
    /// # Errors
    ///
    /// If `path` is no path: see [`ReplacementPath::new`].
    pub fn replace_full_path(path: &str) -> Result<Self, InvalidPath> {
        ReplacementPath::new(path).map(Self::ReplaceFullPath)
    }

    /// Replaces the matched prefix with `path`; an empty one is `/`.
    ///
    /// # Errors
    ///
    /// If `path` is no path: see [`ReplacementPath::new`].
    pub fn replace_prefix_match(path: &str) -> Result<Self, InvalidPath> {
        ReplacementPath::new(path).map(Self::ReplacePrefixMatch)
    }
}

/// A path that can stand in a URI: it starts with a slash and has neither query nor fragment.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ReplacementPath(Arc<str>);

impl ReplacementPath {
    /// Checks `path`. An empty path is taken for `/`, which RFC 9110 section 4.2.3 calls
    /// equivalent.
    ///
    /// # Errors
    ///
    /// If `path` does not start with a slash, or has a character that RFC 3986 section 3.3 does
    /// not allow there, or a percent sign that starts no escape.
    pub fn new(path: &str) -> Result<Self, InvalidPath> {
        if path.is_empty() {
            return Ok(Self(Arc::from("/")));
        }
        if !path.starts_with('/') {
            return Err(InvalidPath::NotAbsolute {
                path: path.to_owned(),
            });
        }
        if let Some(character) = path.chars().find(|character| !is_path(*character)) {
            return Err(InvalidPath::Character {
                path: path.to_owned(),
                character,
            });
        }
        if path.split('%').skip(1).any(|rest| !starts_with_hex(rest)) {
            return Err(InvalidPath::Escape {
                path: path.to_owned(),
            });
        }
        Ok(Self(Arc::from(path)))
    }

    /// The path, never empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `pchar` and the slash, of RFC 3986 section 3.3; whether escapes are whole is asked elsewhere.
fn is_path(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/%-._~!$&'()*+,;=:@".contains(character)
}

fn starts_with_hex(rest: &str) -> bool {
    let digits = rest.as_bytes().get(..2);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}
