//! What a rule asks of a request: path, headers, query parameters, method.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use regex::{Regex, RegexBuilder};

use super::add;

/// One condition of a rule; all its parts must hold.
///
/// Without a path it means every path, as the API's default `PathPrefix /` does.
/// Source: `HTTPRouteMatch`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RouteMatch {
    path: PathMatch,
    method: Option<Method>,
    headers: Vec<HeaderMatch>,
    query: Vec<QueryMatch>,
}

impl RouteMatch {
    /// Matches every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches requests whose path matches.
    #[must_use]
    pub fn path(path: PathMatch) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// Asks for a method. Any method is right by default.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Asks for a header. Of two conditions on one name the first counts, as
    /// `HTTPRouteMatch.headers` says.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: ValueMatch) -> Self {
        if !self.headers.iter().any(|header| header.name == name) {
            add(&mut self.headers, HeaderMatch { name, value });
        }
        self
    }

    /// Asks for a query parameter. Of two conditions on one name the first
    /// counts, as `HTTPRouteMatch.queryParams` says.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: ValueMatch) -> Self {
        if !self.query.iter().any(|query| *query.name == *name) {
            add(
                &mut self.query,
                QueryMatch {
                    name: name.into(),
                    value,
                },
            );
        }
        self
    }

    /// The path it asks for.
    pub fn path_match(&self) -> &PathMatch {
        &self.path
    }

    /// The method it asks for.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// The headers it asks for.
    pub fn headers(&self) -> &[HeaderMatch] {
        &self.headers
    }

    /// The query parameters it asks for.
    pub fn query(&self) -> &[QueryMatch] {
        &self.query
    }
}

/// How a path is compared. Complete: the API has these three.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PathMatch {
    /// The whole path, byte for byte.
    Exact(Arc<str>),
    /// Whole leading segments: `/shop` means `/shop` and `/shop/cart`, not
    /// `/shopping`. Kept without a trailing `/`; every path is the empty prefix.
    Prefix(Arc<str>),
    /// The whole path, as a regular expression.
    Regex(Pattern),
}

impl PathMatch {
    /// The whole path must be `path`.
    ///
    /// # Errors
    ///
    /// A path that does not begin with `/`, or that no request can have.
    pub fn exact(path: &str) -> Result<Self, InvalidMatch> {
        check_path(path)?;
        Ok(Self::Exact(path.into()))
    }

    /// The path must begin with the segments of `prefix`. A trailing `/` of the
    /// prefix is ignored.
    ///
    /// # Errors
    ///
    /// As [`PathMatch::exact`].
    pub fn prefix(prefix: &str) -> Result<Self, InvalidMatch> {
        check_path(prefix)?;
        Ok(Self::Prefix(prefix.trim_end_matches('/').into()))
    }

    /// The whole path must match `pattern`.
    ///
    /// # Errors
    ///
    /// A pattern that is not a regular expression of the `regex` crate, or
    /// compiles to too much.
    pub fn regex(pattern: &str) -> Result<Self, InvalidMatch> {
        Pattern::new(pattern).map(Self::Regex)
    }

    /// Whether `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *path,
            Self::Prefix(prefix) => path
                .strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Regex(pattern) => pattern.matches(path),
        }
    }
}

impl Default for PathMatch {
    /// Every path.
    fn default() -> Self {
        Self::Prefix("".into())
    }
}

impl fmt::Display for PathMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "exact {path}"),
            Self::Prefix(prefix) if prefix.is_empty() => f.write_str("prefix /"),
            Self::Prefix(prefix) => write!(f, "prefix {prefix}"),
            Self::Regex(pattern) => write!(f, "regex {pattern}"),
        }
    }
}

/// A header with the value it must have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderMatch {
    /// The header.
    pub name: HeaderName,
    /// Its value; of several lines, their values joined by `,`.
    pub value: ValueMatch,
}

/// A query parameter with the value it must have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueryMatch {
    /// The parameter's name, case-sensitive.
    pub name: Arc<str>,
    /// Its value; of several, the first.
    pub value: ValueMatch,
}

/// How a value is compared. Complete: the API has these two.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ValueMatch {
    /// Byte for byte.
    Exact(Arc<str>),
    /// The whole value, as a regular expression.
    Regex(Pattern),
}

impl ValueMatch {
    /// The value must be `value`.
    pub fn exact(value: &str) -> Self {
        Self::Exact(value.into())
    }

    /// The value must match `pattern`.
    ///
    /// # Errors
    ///
    /// As [`PathMatch::regex`].
    pub fn regex(pattern: &str) -> Result<Self, InvalidMatch> {
        Pattern::new(pattern).map(Self::Regex)
    }

    /// Whether `value` is meant.
    pub fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact.as_bytes() == value,
            Self::Regex(pattern) => {
                std::str::from_utf8(value).is_ok_and(|value| pattern.matches(value))
            }
        }
    }
}

impl fmt::Display for ValueMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(value) => write!(f, "{value:?}"),
            Self::Regex(pattern) => write!(f, "regex {pattern}"),
        }
    }
}

/// A regular expression that must match the whole text. Compared by its source.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    regex: Regex,
}

impl Pattern {
    fn new(source: &str) -> Result<Self, InvalidMatch> {
        let compile = |pattern: &str| {
            let built = RegexBuilder::new(pattern)
                .size_limit(COMPILED_PATTERN_BYTES)
                .build();
            built.map_err(|error| InvalidMatch::Regex {
                pattern: source.into(),
                problem: summary(&error),
            })
        };
        if source.contains(')') {
            // It could close the group below, and then not mean the whole text.
            compile(source)?;
        }

        Ok(Self {
            source: source.into(),
            regex: compile(&format!("^(?:{source})$"))?,
        })
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// A condition that no request can be compared with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMatch {
    /// The path cannot be one of a request.
    #[error("{path:?} is not an absolute path")]
    Path {
        /// As it was written.
        path: String,
    },
    /// The pattern is not a regular expression.
    #[error("{pattern:?} is not a regular expression: {problem}")]
    Regex {
        /// As it was written.
        pattern: String,
        /// What is wrong with it, on one line.
        problem: String,
    },
}

fn check_path(path: &str) -> Result<(), InvalidMatch> {
    let possible = path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));

    if possible {
        Ok(())
    } else {
        Err(InvalidMatch::Path { path: path.into() })
    }
}

/// The last line of the `regex` crate's message says what is wrong; those before
/// it draw the pattern.
fn summary(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();

    line.trim_start_matches("error: ").trim().to_owned()
}

/// Bounds what one pattern may compile to.
const COMPILED_PATTERN_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_matches_whole_segments() {
        let prefix = PathMatch::prefix("/shop/").unwrap();

        assert!(prefix.matches("/shop"));
        assert!(prefix.matches("/shop/"));
        assert!(prefix.matches("/shop/cart"));
        assert!(!prefix.matches("/shopping"));
        assert!(!prefix.matches("/"));
    }

    #[test]
    fn regex_matches_the_whole_path() {
        let regex = PathMatch::regex("/v[0-9]+|/latest").unwrap();

        assert!(regex.matches("/v12"));
        assert!(regex.matches("/latest"));
        assert!(!regex.matches("/v12/x"));
        assert!(!regex.matches("/a/latest"));
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong_on_one_line() {
        let error = PathMatch::regex("/(").unwrap_err().to_string();

        assert!(error.contains("unclosed group"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn pattern_cannot_leave_the_group_that_it_is_put_into() {
        assert!(PathMatch::regex("/a)|(/b").is_err());
        assert!(PathMatch::regex("/(a|b)").is_ok());
    }

    #[test]
    fn of_two_conditions_on_one_header_the_first_counts() {
        let name = HeaderName::from_static("x-a");
        let both = RouteMatch::any()
            .with_header(name.clone(), ValueMatch::exact("1"))
            .with_header(name, ValueMatch::exact("2"));

        assert_eq!(both.headers().len(), 1);
        assert!(both.headers()[0].value.matches(b"1"));
    }
}
