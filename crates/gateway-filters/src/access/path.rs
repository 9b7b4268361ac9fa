//! Paths, in both of their readings.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::error::InvalidAccessPath;

/// A path that rules ask for, or what is below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PathPattern {
    written: Vec<u8>,
    understood: Vec<u8>,
    below: bool,
}

impl PathPattern {
    pub(super) fn exact(path: &str) -> Result<Self, InvalidAccessPath> {
        Self::new(path, false)
    }

    pub(super) fn prefix(path: &str) -> Result<Self, InvalidAccessPath> {
        Self::new(path, true)
    }

    pub(super) fn matches_written(&self, path: &Readings<'_>) -> bool {
        self.matches(&self.written, path.written.as_bytes())
    }

    pub(super) fn matches_understood(&self, path: &[u8]) -> bool {
        self.matches(&self.understood, path)
    }

    fn new(path: &str, below: bool) -> Result<Self, InvalidAccessPath> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(InvalidAccessPath {
                path: path.to_owned(),
            });
        }
        let trim = |path: &[u8]| {
            let end = if below { path.strip_suffix(b"/") } else { None };
            end.unwrap_or(path).to_vec()
        };
        Ok(Self {
            written: trim(path.as_bytes()),
            understood: trim(&understand(path).path),
            below,
        })
    }

    fn matches(&self, pattern: &[u8], path: &[u8]) -> bool {
        match path.strip_prefix(pattern) {
            Some([]) => true,
            Some([b'/', ..]) => self.below,
            Some(_) | None => false,
        }
    }
}

/// The path of a request.
#[derive(Debug)]
pub(super) struct Readings<'a> {
    written: &'a str,
    /// Only found out when a rule asks.
    understood: Option<Understood<'a>>,
}

impl<'a> Readings<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        Self {
            written: path,
            understood: None,
        }
    }

    /// As a backend may understand it; `None` if backends may understand it differently.
    pub(super) fn understood(&mut self) -> Option<&[u8]> {
        let written = self.written;
        let understood = self.understood.get_or_insert_with(|| understand(written));
        understood.clear.then_some(&*understood.path)
    }
}

/// What becomes of a path where everything is resolved.
#[derive(Debug)]
struct Understood<'a> {
    path: Cow<'a, [u8]>,
    /// Whether servers that resolve less, or in another order, find this or what is written.
    clear: bool,
}

/// Decodes once, then resolves what lenient servers resolve: `\` as `/`, `;parameters` of an
/// element, empty elements, `.` and `..`.
fn understand(path: &str) -> Understood<'_> {
    let plain = |at: usize, byte: u8| match byte {
        b'%' | b'\\' | b';' => false,
        b'/' | b'.' => at == 0 || path.as_bytes()[at - 1] != b'/',
        _ => true,
    };
    if path.bytes().enumerate().all(|(at, byte)| plain(at, byte)) {
        return Understood {
            path: Cow::Borrowed(path.as_bytes()),
            clear: true,
        };
    }
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let mut elements: Vec<&[u8]> = Vec::new();
    let (mut below, mut dots) = (false, false);
    for element in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
        let end = element.iter().position(|byte| *byte == b';');
        let element = &element[..end.unwrap_or(element.len())];
        below = matches!(element, b"" | b"." | b"..");
        dots |= matches!(element, b"." | b"..");
        match element {
            b"" | b"." => {}
            b".." => drop(elements.pop()),
            _ => elements.push(element),
        }
    }
    let mut understood = Vec::with_capacity(decoded.len());
    for element in &elements {
        understood.push(b'/');
        understood.extend_from_slice(element);
    }
    if below || elements.is_empty() {
        understood.push(b'/');
    }
    Understood {
        path: Cow::Owned(understood),
        clear: is_clear(path, &decoded, dots),
    }
}

/// Whether it does not matter how much a server resolves.
///
/// What `..` removes depends on what else is an element, and where parameters end on what else is
/// a slash.
fn is_clear(path: &str, decoded: &[u8], dots: bool) -> bool {
    let slashes = |path: &[u8]| path.iter().filter(|byte| **byte == b'/').count();
    if dots {
        return !path.contains(['%', '\\', ';']) && !path.contains("//");
    }
    let more_slashes = decoded.contains(&b'\\') || slashes(decoded) > slashes(path.as_bytes());
    !(more_slashes && decoded.contains(&b';'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn understood(path: &str) -> String {
        String::from_utf8(understand(path).path.into_owned()).expect("UTF-8")
    }

    #[test]
    fn plain_paths_are_as_they_are_written() {
        for path in ["/", "/a", "/a/", "/a.b/c..d/e.", "/a:b@c!$&'()*+,=~-_"] {
            let understood = understand(path);
            assert!(matches!(understood.path, Cow::Borrowed(_)), "{path}");
            assert!(understood.clear, "{path}");
        }
    }

    #[test]
    fn paths_are_understood_as_lenient_servers_do() {
        for (path, expected) in [
            ("/%61dmin", "/admin"),
            ("/a/../admin", "/admin"),
            ("/a/%2e%2E/admin", "/admin"),
            ("/a%2f..%2Fadmin", "/admin"),
            ("/a/..%5cadmin", "/admin"),
            ("/a\\..\\admin", "/admin"),
            ("//admin", "/admin"),
            ("/./admin/.", "/admin/"),
            ("/admin;x=1/y;z", "/admin/y"),
            ("/a/..;/admin", "/admin"),
            ("/../../admin", "/admin"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/.hidden", "/.hidden"),
            ("/%2561", "/%61"),
            ("/..", "/"),
        ] {
            assert_eq!(understood(path), expected, "{path}");
        }
    }

    #[test]
    fn paths_are_clear_if_servers_cannot_disagree() {
        for (path, clear) in [
            ("/a/../b/./c", true),
            ("//a;x=1//b;y/", true),
            ("/a%2fb\\c%20d", true),
            ("/.a/..b/c..", true),
            ("/x%5Cy/../admin", false),
            ("/x/..;/../admin", false),
            ("/x//../admin", false),
            ("/x/%2e%2e/../admin", false),
            ("/x%61/../admin", false),
            ("/a;x%2fy/b", false),
            ("/a%3bx\\y", false),
        ] {
            assert_eq!(Readings::of(path).understood().is_some(), clear, "{path}");
        }
    }

    #[test]
    fn prefixes_are_of_whole_elements() {
        let prefix = PathPattern::prefix("/a/").expect("valid");
        let all = PathPattern::prefix("/").expect("valid");
        let exact = PathPattern::exact("/a").expect("valid");
        let matches = |pattern: &PathPattern, path| {
            let mut readings = Readings::of(path);
            let written = pattern.matches_written(&readings);
            let understood = readings.understood().expect("clear");
            assert_eq!(written, pattern.matches_understood(understood));
            written
        };

        for (path, below, equal) in [
            ("/a", true, true),
            ("/a/", true, false),
            ("/a/b", true, false),
            ("/ab", false, false),
            ("/", false, false),
        ] {
            assert_eq!(matches(&prefix, path), below, "{path}");
            assert_eq!(matches(&exact, path), equal, "{path}");
            assert!(matches(&all, path), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "a", "*", "/a?b", "/a#b"] {
            let error = PathPattern::exact(path).expect_err(path);

            assert_eq!(error.path, path);
        }
    }

    proptest! {
        /// What is understood has nothing left to resolve, unless something was encoded twice.
        #[test]
        fn understood_paths_are_resolved(path in "(/|\\.|%2e|%2f|;|\\\\|a|b){0,12}") {
            let once = understood(&format!("/{path}"));

            prop_assert_eq!(understood(&once), once.clone());
            prop_assert!(once.starts_with('/') && !once.contains("//") && !once.contains("/../"));
        }
    }
}
