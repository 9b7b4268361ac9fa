//! The normal form of a path.
//!
//! Matching, policies and backends must read the same path, or a rule on `/admin`
//! is passed by as `/x/../admin`. So: dot segments are resolved and empty
//! segments removed, also where dots are percent-encoded; what backends are known
//! to read in different ways (`%2f`, `%5c`, `%00`, `\`, control and non-ASCII
//! bytes) is refused. Everything else stays byte for byte.

use super::Refused;

/// The normal form of `path`, or `None` when it is in normal form.
pub(super) fn normalize(path: &str) -> Result<Option<String>, Refused> {
    if !needs_work(path.as_bytes())? {
        return Ok(None);
    }

    let mut normal = String::with_capacity(path.len());
    let mut segments = path.split('/').peekable();
    segments.next();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match kind(segment) {
            Segment::Empty | Segment::Current => {}
            Segment::Parent => {
                let parent = normal.rfind('/').ok_or(Refused::Target)?;
                normal.truncate(parent);
            }
            Segment::Name => {
                normal.push('/');
                normal.push_str(segment);
                continue;
            }
        }
        if last {
            normal.push('/');
        }
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Ok((normal != path).then_some(normal))
}

enum Segment {
    Empty,
    Current,
    Parent,
    Name,
}

fn kind(segment: &str) -> Segment {
    if segment.is_empty() {
        return Segment::Empty;
    }
    // Longer ones cannot be dots, even with every dot encoded.
    if segment.len() > "%2e%2e".len() {
        return Segment::Name;
    }
    match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
        "." => Segment::Current,
        ".." => Segment::Parent,
        _ => Segment::Name,
    }
}

/// Whether there may be dot or empty segments. Refuses what has no normal form.
fn needs_work(path: &[u8]) -> Result<bool, Refused> {
    let mut work = false;
    let mut previous = 0;
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'/' | b'.' if previous == b'/' => work = true,
            b'%' => {
                let escape = path.get(at + 1..at + 3).ok_or(Refused::Target)?;
                match [escape[0], escape[1].to_ascii_lowercase()] {
                    [b'2', b'f'] | [b'0', b'0'] => return Err(Refused::Target),
                    [b'5', b'c'] => return Err(Refused::Target),
                    [b'2', b'e'] => work = true,
                    [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {}
                    _ => return Err(Refused::Target),
                }
            }
            b'\\' | 0..=0x20 | 0x7f.. => return Err(Refused::Target),
            _ => {}
        }
        previous = byte;
    }
    Ok(work)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(path: &str) -> Option<String> {
        normalize(path)
            .ok()
            .map(|normal| normal.unwrap_or_else(|| path.into()))
    }

    #[test]
    fn dots_and_empty_segments_are_resolved() {
        for (raw, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/", "/a/"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/x/%2e%2E/admin", "/admin"),
            ("/x/.%2e/admin", "/admin"),
            ("//admin", "/admin"),
            ("/a//b/", "/a/b/"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a...b/..c", "/a...b/..c"),
            ("/caf%C3%A9", "/caf%C3%A9"),
        ] {
            assert_eq!(normal(raw).as_deref(), Some(expected), "{raw}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for raw in [
            "/..",
            "/a/../../b",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%",
            "/a%zz",
            "/a\u{e9}",
        ] {
            assert_eq!(normal(raw), None, "{raw}");
        }
    }

    proptest! {
        /// A normal form is its own normal form and has no dot or empty segment.
        #[test]
        fn normal_form_is_final(raw in "(/(\\.|\\.\\.|%2e|%2E\\.|a|ab|))*/?") {
            let raw = if raw.starts_with('/') { raw } else { format!("/{raw}") };
            if let Some(once) = normal(&raw) {
                prop_assert_eq!(normal(&once), Some(once.clone()));
                let mut inner = once[1..].split('/').peekable();
                while let Some(segment) = inner.next() {
                    let dots = segment.to_lowercase().replace("%2e", ".");
                    prop_assert!(dots != "." && dots != "..", "{} from {}", once, raw);
                    prop_assert!(!segment.is_empty() || inner.peek().is_none(), "{} from {}", once, raw);
                }
            }
        }
    }
}
