//! Hostnames, exact and with a wildcard.

use std::fmt;
use std::sync::Arc;

/// A hostname that a listener or a route asks for: `shop.example.com`, or
/// `*.example.com`, which stands for every name below `example.com`, however
/// many labels it has more, but not for `example.com` itself.
///
/// Lower case, without a trailing dot. Source: `Hostname` of the Gateway API.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hostname {
    text: Arc<str>,
}

impl Hostname {
    /// Reads a hostname; upper case is folded.
    ///
    /// # Errors
    ///
    /// What is not a DNS name: empty or too long labels, characters outside
    /// `a-z0-9-`, a wildcard elsewhere than as the whole first label, an IP
    /// address.
    pub fn new(text: &str) -> Result<Self, InvalidHostname> {
        let folded = text.to_ascii_lowercase();
        let name = folded.strip_prefix("*.").unwrap_or(&folded);

        if name.is_empty() || folded.len() > 253 || !name.split('.').all(is_label) {
            return Err(InvalidHostname { text: text.into() });
        }
        if name.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(InvalidHostname { text: text.into() });
        }

        Ok(Self {
            text: folded.into(),
        })
    }

    /// As it is written, in lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What follows the `*` of a wildcard, with its leading dot.
    pub fn wildcard_suffix(&self) -> Option<&str> {
        self.text.strip_prefix('*')
    }

    /// Whether it begins with `*.`.
    pub fn is_wildcard(&self) -> bool {
        self.text.starts_with('*')
    }

    /// Whether `host` (lower case, no port, no trailing dot) is meant.
    pub fn matches(&self, host: &str) -> bool {
        match self.wildcard_suffix() {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => *self.text == *host,
        }
    }

    /// Whether some host is meant by both.
    pub fn intersects(&self, other: &Self) -> bool {
        match (self.wildcard_suffix(), other.wildcard_suffix()) {
            (Some(mine), Some(theirs)) => mine.ends_with(theirs) || theirs.ends_with(mine),
            (Some(_), None) => self.matches(&other.text),
            (None, _) => other.matches(&self.text),
        }
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<&str> for Hostname {
    type Error = InvalidHostname;

    fn try_from(text: &str) -> Result<Self, InvalidHostname> {
        Self::new(text)
    }
}

/// Not a hostname as the Gateway API understands it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is not a hostname")]
pub struct InvalidHostname {
    text: String,
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';

    !bytes.is_empty()
        && bytes.len() <= 63
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Hostname {
        Hostname::new(text).unwrap()
    }

    #[test]
    fn wildcard_means_any_number_of_labels_but_not_none() {
        let wildcard = host("*.example.com");

        assert!(wildcard.matches("a.example.com"));
        assert!(wildcard.matches("a.b.example.com"));
        assert!(!wildcard.matches("example.com"));
        assert!(!wildcard.matches("aexample.com"));
    }

    #[test]
    fn wildcards_of_different_depth_intersect() {
        assert!(host("*.example.com").intersects(&host("*.shop.example.com")));
        assert!(!host("*.example.com").intersects(&host("*.example.org")));
        assert!(!host("*.example.com").intersects(&host("example.com")));
    }

    #[test]
    fn odd_names_are_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a..b",
            "a.*.b",
            "-a.b",
            "a_b",
            "10.0.0.1",
            "a.",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(Hostname::new(text).is_err(), "{text:?}");
        }
    }

    fn names() -> impl Strategy<Value = String> {
        "(\\*\\.)?[abAB]{1,2}(\\.[ab]{1,2}){0,3}"
    }

    proptest! {
        /// Two names intersect exactly when they can both match one host.
        #[test]
        fn intersection_agrees_with_matching(a in names(), b in names(), host in "[ab]{1,2}(\\.[ab]{1,2}){0,4}") {
            let (a, b) = (Hostname::new(&a).unwrap(), Hostname::new(&b).unwrap());

            prop_assert_eq!(a.intersects(&b), b.intersects(&a));
            if a.matches(&host) && b.matches(&host) {
                prop_assert!(a.intersects(&b));
            }
        }
    }
}
