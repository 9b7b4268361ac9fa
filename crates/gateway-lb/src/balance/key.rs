//! What consistent hashing goes by.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Uri};

use crate::{cookies, stable_hash};

/// The part of a request whose equality brings requests to one endpoint.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum HashKey {
    /// The address of the client, without its port: the only one that wants it to be known.
    SourceAddress,
    /// The first value of a header.
    Header(HeaderName),
    /// The first value of a cookie, its name spelled exactly so.
    Cookie(Box<str>),
    /// The first value of a parameter of the query, name and value as they were written: percent
    /// signs are not decoded.
    Query(Box<str>),
    /// The path, as it was written.
    Path,
}

impl HashKey {
    /// The number to give to [`pick_keyed`](super::Balancer::pick_keyed); `None` if the request
    /// has no such part, or its `client` is wanted and not known.
    ///
    /// It is the same in every process and every release.
    #[must_use]
    pub fn of(&self, uri: &Uri, headers: &HeaderMap, client: Option<IpAddr>) -> Option<u64> {
        match self {
            Self::SourceAddress => client.map(stable_hash::of_ip),
            Self::Header(name) => headers
                .get(name)
                .map(|value| stable_hash::of(value.as_bytes())),
            Self::Cookie(name) => cookies::named(headers, name).next().map(stable_hash::of),
            Self::Query(name) => parameter(uri.query()?, name).map(stable_hash::of),
            Self::Path => Some(stable_hash::of(uri.path().as_bytes())),
        }
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a [u8]> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then_some(value.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn key(key: &HashKey, uri: &'static str, header: (&'static str, &'static str)) -> Option<u64> {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(header.0),
            HeaderValue::from_static(header.1),
        )]);
        key.of(&Uri::from_static(uri), &headers, Some(CLIENT))
    }

    #[test]
    fn key_is_the_hash_of_the_part() {
        let user = Some(stable_hash::of(b"ada"));
        let other = ("x-other", "1");

        let header = HashKey::Header(HeaderName::from_static("x-user"));
        assert_eq!(key(&header, "/", ("x-user", "ada")), user);
        let cookie = HashKey::Cookie("user".into());
        assert_eq!(key(&cookie, "/", ("cookie", "a=b; user=ada")), user);
        let query = HashKey::Query("user".into());
        assert_eq!(key(&query, "/?a=b&user=ada&user=eve", other), user);
        assert_eq!(
            key(&HashKey::Path, "/shop?x=y", other),
            Some(stable_hash::of(b"/shop"))
        );
        assert_eq!(
            key(&HashKey::SourceAddress, "/", other),
            Some(stable_hash::of_ip(CLIENT))
        );
    }

    #[test]
    fn client_is_wanted_by_its_address_alone() {
        let (uri, headers) = (Uri::from_static("/shop"), HeaderMap::new());

        assert!(HashKey::Path.of(&uri, &headers, None).is_some());
        assert!(HashKey::SourceAddress.of(&uri, &headers, None).is_none());
    }

    #[test]
    fn part_that_is_missing_gives_no_key() {
        let other = ("x-other", "1");

        let header = HashKey::Header(HeaderName::from_static("x-user"));
        assert_eq!(key(&header, "/", other), None);
        assert_eq!(key(&HashKey::Cookie("user".into()), "/", other), None);
        assert_eq!(
            key(&HashKey::Query("user".into()), "/?users=1", other),
            None
        );
        assert_eq!(key(&HashKey::Query("user".into()), "/", other), None);
    }
}
