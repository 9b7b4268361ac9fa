//! Which origins match.

use http::HeaderValue;

use super::error::InvalidCors;
use crate::context::Scheme;
use crate::hostname::split_port;

/// The origins that are allowed.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Origins {
    /// Every one, opaque ones too.
    Any,
    /// Those that match one of these.
    Of(Vec<Pattern>),
}

impl Origins {
    /// Allows `origin` too.
    pub(crate) fn push(&mut self, origin: &str) -> Result<(), InvalidCors> {
        if origin == "*" {
            *self = Self::Any;
            return Ok(());
        }
        let pattern = Pattern::parse(origin).ok_or_else(|| InvalidCors::Origin {
            origin: origin.to_owned(),
        })?;
        match self {
            Self::Any => {}
            Self::Of(patterns) => patterns.push(pattern),
        }
        Ok(())
    }

    /// Whether nobody is refused.
    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether the `Origin` header of a request is allowed.
    pub(crate) fn allow(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Of(patterns) => {
                let origin = origin.to_str().ok().and_then(Origin::parse);
                origin.is_some_and(|origin| patterns.iter().any(|pattern| pattern.matches(&origin)))
            }
        }
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::Of(Vec::new())
    }
}

/// An origin that a setting allows, or many of them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Pattern {
    scheme: Scheme,
    host: Host,
    port: u16,
}

impl Pattern {
    fn parse(origin: &str) -> Option<Self> {
        let (scheme, authority) = split_scheme(origin)?;
        // A star is not part of a host, so what remains is read as if it were not there.
        let (host, port) = match authority.strip_prefix('*') {
            Some(rest) if rest.is_empty() || rest.starts_with(':') => {
                let (_, port) = split_port(&["any", rest].concat())?;
                (Host::Any, port)
            }
            Some(rest) => {
                let (parent, port) = split_port(rest.strip_prefix('.')?)?;
                if parent.starts_with(['.', '[']) {
                    return None;
                }
                (Host::Below(parent.to_ascii_lowercase()), port)
            }
            None => {
                let (host, port) = split_port(authority)?;
                (Host::Exactly(host.to_ascii_lowercase()), port)
            }
        };
        Some(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
        })
    }

    fn matches(&self, origin: &Origin<'_>) -> bool {
        self.scheme == origin.scheme && self.port == origin.port && self.host.matches(origin.host)
    }
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Host {
    Any,
    Exactly(String),
    /// Names with one label or more before this one.
    Below(String),
}

impl Host {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(name) => name.eq_ignore_ascii_case(host),
            Self::Below(parent) => {
                let labels = host
                    .len()
                    .checked_sub(parent.len())
                    // The host is ASCII, so it can be split anywhere.
                    .map(|at| host.split_at(at))
                    .filter(|(_, name)| parent.eq_ignore_ascii_case(name))
                    .and_then(|(labels, _)| labels.strip_suffix('.'));
                labels.is_some_and(|labels| !labels.is_empty())
            }
        }
    }
}

/// An origin as a browser writes it.
struct Origin<'a> {
    scheme: Scheme,
    host: &'a str,
    port: u16,
}

impl<'a> Origin<'a> {
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, authority) = split_scheme(origin)?;
        let (host, port) = split_port(authority)?;
        Some(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
        })
    }
}

fn split_scheme(origin: &str) -> Option<(Scheme, &str)> {
    let (scheme, authority) = origin.split_once("://")?;
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(scheme))
        .map(|scheme| (scheme, authority))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed(pattern: &str, origin: &str) -> bool {
        let mut origins = Origins::default();
        origins.push(pattern).expect(pattern);
        origins.allow(&HeaderValue::from_str(origin).expect(origin))
    }

    #[test]
    fn patterns_allow_what_the_api_says() {
        let table = [
            ("https://a.b", "https://a.b", true),
            ("https://a.b", "https://A.b", true),
            ("https://a.b", "http://a.b", false),
            ("https://a.b", "https://a.b:443", true),
            ("https://a.b:443", "https://a.b", true),
            ("http://a.b:80", "http://a.b", true),
            ("https://a.b", "https://a.b:8443", false),
            ("https://a.b:8443", "https://a.b:8443", true),
            ("https://a.b:8443", "https://a.b", false),
            ("https://a.b", "https://www.a.b", false),
            ("https://*.a.b", "https://www.a.b", true),
            ("https://*.a.b", "https://x.y.z.a.b", true),
            ("https://*.a.b", "https://a.b", false),
            ("https://*.a.b", "https://.a.b", false),
            ("https://*.a.b", "https://xa.b", false),
            ("https://*.a.b", "https://www.a.b:8443", false),
            ("https://*.a.b:8443", "https://www.a.b:8443", true),
            ("https://*.a.b", "https://evil/.a.b", false),
            ("https://*.a.b", "https://www.a.b.evil", false),
            ("https://*", "https://any.thing", true),
            ("https://*", "http://any.thing", false),
            ("https://*:8443", "https://any.thing:8443", true),
            ("https://*:8443", "https://any.thing", false),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("https://*", "null", false),
            ("*", "null", true),
            ("*", "any text", true),
        ];

        for (pattern, origin, expected) in table {
            assert_eq!(allowed(pattern, origin), expected, "{pattern} and {origin}");
        }
    }

    #[test]
    fn odd_patterns_are_refused() {
        for origin in [
            "",
            "a.b",
            "https://",
            "ftp://a.b",
            "https://a.b/",
            "https://a.*.b",
            "https://*a.b",
            "https://*.",
            "https://*..b",
            "https://*.*.b",
            "https://a.b:0x50",
            "https://**",
            "https://*.[::1]",
            "https://a b",
            "null",
        ] {
            let expected = InvalidCors::Origin {
                origin: origin.to_owned(),
            };

            assert_eq!(Origins::default().push(origin), Err(expected));
        }
    }

    proptest! {
        /// A star stands for labels, and for nothing else.
        #[test]
        fn star_stands_for_labels(
            labels in "([a-c]{1,2}\\.){0,3}",
            name in "[a-c]{1,2}\\.[a-c]",
            other in "[a-c.]{1,6}",
        ) {
            let pattern = format!("https://*.{name}");
            let below = !labels.is_empty();

            prop_assert_eq!(allowed(&pattern, &format!("https://{labels}{name}")), below);
            let ends = other.strip_suffix(&name).is_some_and(|l| l.len() > 1 && l.ends_with('.'));
            prop_assert_eq!(allowed(&pattern, &format!("https://{other}")), ends);
        }

        /// Any text is allowed or not; nothing panics, and what is not an origin is not allowed.
        #[test]
        fn any_origin_can_be_asked_about(text in "\\PC*|https?://[a-b.:*@/0-9]{0,9}") {
            if let Ok(origin) = HeaderValue::from_str(&text) {
                let mut origins = Origins::default();
                for pattern in ["https://*", "http://*.b", "https://a:8443"] {
                    origins.push(pattern).expect(pattern);
                }

                prop_assert!(!origins.allow(&origin) || text.starts_with("http"));
            }
        }
    }
}
