//! Names of hosts, as settings give them and as requests do.

use std::net::Ipv6Addr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request};

/// A host name that takes the place of the one a request asked for.
///
/// It is kept in the two forms that a request needs, so that none is made per request.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Hostname {
    authority: Authority,
    header: HeaderValue,
}

impl Hostname {
    /// Checks `name` and lowers its case: the Gateway API's `PreciseHostname`.
    pub(crate) fn new(name: &str) -> Result<Self, InvalidHostname> {
        let invalid = || InvalidHostname {
            hostname: name.to_owned(),
        };
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(invalid());
        }
        let name = name.to_ascii_lowercase();
        Ok(Self {
            header: HeaderValue::from_str(&name).map_err(|_| invalid())?,
            authority: Authority::try_from(name).map_err(|_| invalid())?,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.authority.as_str()
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.header
    }
}

/// A host name that is none: not a DNS name, or more than a name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{hostname:?} is not a host name")]
pub struct InvalidHostname {
    /// As it was written.
    pub hostname: String,
}

/// The host and port that `request` asks for: of its URI, or else of its `Host` header.
///
/// RFC 9112 section 3.2.2 has the URI win. `None` if both are silent or cannot be read.
pub(crate) fn requested<B>(request: &Request<B>) -> Option<(&str, Option<u16>)> {
    match request.uri().authority() {
        Some(authority) => split_port(authority.as_str()),
        None => split_port(request.headers().get(HOST)?.to_str().ok()?),
    }
}

/// Splits `host[:port]`, as in a `Host` header. The brackets of an IPv6 address stay.
///
/// Stricter than a URI allows: what is read here may be sent back to the client, and user
/// information or delimiters in a host serve only attacks.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    if !is_host(host) {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        None => None,
        // RFC 3986 section 3.2.3 allows an empty port, and means the default one.
        Some("") => Some((host, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(address) => address.trim_end_matches(']').parse::<Ipv6Addr>().is_ok(),
        None => {
            let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !host.is_empty() && host.bytes().all(unreserved)
        }
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !label.is_empty()
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_of_a_hostname_is_lowered() {
        let hostname = Hostname::new("Shop.Example.com").expect("valid");

        assert_eq!(hostname.as_str(), "shop.example.com");
        assert_eq!(hostname.header(), "shop.example.com");
    }

    #[test]
    fn more_than_a_name_is_refused() {
        let long = "a.".repeat(126) + "ab";
        for name in [
            "", "a:80", "*.a", "a..b", "-a", "a-", "a.", "[::1]", "ä", &long,
        ] {
            let error = Hostname::new(name).expect_err(name);

            assert_eq!(error.hostname, name);
        }
    }

    #[test]
    fn port_is_split_from_the_host() {
        assert_eq!(split_port("a.b"), Some(("a.b", None)));
        assert_eq!(split_port("a.b:"), Some(("a.b", None)));
        assert_eq!(split_port("a.b:8080"), Some(("a.b", Some(8080))));
        assert_eq!(split_port("[::1]"), Some(("[::1]", None)));
        assert_eq!(split_port("[::1]:443"), Some(("[::1]", Some(443))));
    }

    #[test]
    fn odd_authorities_are_refused() {
        for authority in [
            "", ":80", "a:b", "a:+1", "a:65536", "a@b", "a/b", "a b", "[::1", "[::1]]", "[]",
            "::1", "[::1]80", "[a]", "a:1:2",
        ] {
            assert_eq!(split_port(authority), None, "{authority}");
        }
    }

    #[test]
    fn uri_wins_over_the_host_header() {
        let request = Request::get("http://a:1/").header(HOST, "b:2").body(());

        assert_eq!(requested(&request.expect("valid")), Some(("a", Some(1))));
    }

    proptest! {
        /// Any text is refused, or read as the `http` crate reads it.
        #[test]
        fn hosts_are_read_as_in_a_uri(text in "\\PC*|[a-z:.0-9@\\[\\]]{0,12}") {
            if let Some((host, port)) = split_port(&text) {
                let authority: Authority = text.parse().expect("an authority");

                prop_assert_eq!(authority.host(), host);
                prop_assert_eq!(authority.port_u16(), port);
            }
        }

        /// A hostname that exists is read back from an authority as it is.
        #[test]
        fn hostnames_are_hosts(name in "[a-zA-Z0-9.-]{1,20}") {
            if let Ok(hostname) = Hostname::new(&name) {
                prop_assert_eq!(split_port(hostname.as_str()), Some((hostname.as_str(), None)));
            }
        }
    }
}
