//! The replacement itself.

use std::borrow::Cow;

use super::settings::PathModifier;

impl PathModifier {
    /// The path that a request for `path` gets.
    ///
    /// A prefix is a row of whole path elements, and its trailing slash is ignored; so is the
    /// replacement's, so that no slash is doubled where the two meet. Without a matched prefix
    /// the prefix is `/`, which is what a rule without matches has. A path that does not have
    /// the prefix comes back as it is.
    #[must_use]
    pub fn apply<'a>(&'a self, path: &'a str, matched_prefix: Option<&str>) -> Cow<'a, str> {
        match self.parts(path, matched_prefix) {
            (start, "") => Cow::Borrowed(start),
            ("", rest) => Cow::Borrowed(rest),
            (start, rest) => Cow::Owned([start, rest].concat()),
        }
    }

    /// The modified path in two pieces, so that a caller can write it in place.
    pub(crate) fn parts<'a>(
        &'a self,
        path: &'a str,
        matched_prefix: Option<&str>,
    ) -> (&'a str, &'a str) {
        match self {
            Self::ReplaceFullPath(replacement) => (replacement.as_str(), ""),
            Self::ReplacePrefixMatch(replacement) => {
                match strip_prefix(path, matched_prefix.unwrap_or("/")) {
                    Some(rest) => join(replacement.as_str(), rest),
                    None => ("", path),
                }
            }
        }
    }
}

/// What follows `prefix` in `path`: nothing, or something that starts with a slash.
fn strip_prefix<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn join<'a>(replacement: &'a str, rest: &'a str) -> (&'a str, &'a str) {
    let start = replacement.trim_end_matches('/');
    if !start.is_empty() {
        return (start, rest);
    }
    // What follows comes first now. A path must not start with two slashes: some servers would
    // read the first element as a host.
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    match slashes {
        0 => ("/", ""),
        _ => ("", &rest[slashes - 1..]),
    }
}
