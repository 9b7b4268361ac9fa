//! The normal form of a path.
//!
//! Matching, policies and backends must read the same path, or a rule on `/admin`
//! is passed by as `/x/../admin`. So: dot segments are resolved and empty
//! segments removed, also where dots are percent-encoded; what backends are known
//! to read in different ways (`%2f`, `%5c`, `%00`, `\`, control and non-ASCII
//! bytes, dots with parameters) is refused. Letters, digits and `-._~` that are
//! encoded are decoded, which changes no meaning, and other escapes get upper case
//! (RFC 3986, section 6.2.2). Everything else stays byte for byte.

use std::borrow::Cow;

use super::Refused;

/// The normal form of `path`, or `None` when it is in normal form.
pub(super) fn normalize(path: &str) -> Result<Option<String>, Refused> {
    if !needs_work(path.as_bytes())? {
        return Ok(None);
    }

    let decoded = decode(path);
    let mut normal = String::with_capacity(path.len());
    let mut segments = decoded.split('/').peekable();
    segments.next();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match kind(segment)? {
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

/// Decodes what need not be encoded; `needs_work` has seen that escapes are whole.
fn decode(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut decoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, escape)) = rest.split_once('%') {
        let (digits, after) = escape.split_at_checked(2).unwrap_or((escape, ""));
        decoded.push_str(before);
        match u8::from_str_radix(digits, 16).map(char::from) {
            Ok(plain) if plain.is_ascii_alphanumeric() || "-._~".contains(plain) => {
                decoded.push(plain);
            }
            _ => {
                decoded.push('%');
                decoded.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = after;
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

enum Segment {
    Empty,
    Current,
    Parent,
    Name,
}

fn kind(segment: &str) -> Result<Segment, Refused> {
    // Servlet containers drop parameters before they look for dots.
    if let Some((name, _)) = segment.split_once(';')
        && matches!(name, "" | "." | "..")
    {
        return Err(Refused::Target);
    }
    Ok(match segment {
        "" => Segment::Empty,
        "." => Segment::Current,
        ".." => Segment::Parent,
        _ => Segment::Name,
    })
}

/// Whether there may be dot or empty segments, or escapes. Refuses what has no normal form.
fn needs_work(path: &[u8]) -> Result<bool, Refused> {
    let mut work = false;
    let mut previous = 0;
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'/' | b'.' | b';' if previous == b'/' => work = true,
            b'%' => {
                let escape = path.get(at + 1..at + 3).ok_or(Refused::Target)?;
                match [escape[0], escape[1].to_ascii_lowercase()] {
                    [b'2', b'f'] | [b'0', b'0'] => return Err(Refused::Target),
                    [b'5', b'c'] => return Err(Refused::Target),
                    [a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => work = true,
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
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/%61dmin/%7e", "/admin/~"),
            ("/%2525/%20", "/%2525/%20"),
            ("/a;b=..;c", "/a;b=..;c"),
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
            "/a/..;/b",
            "/a/%2e;x/b",
            "/;/a",
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
