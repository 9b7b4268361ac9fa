//! An HTTP request, and what its answer has to be.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};

/// A `GET`, and conditions that its response has to meet, all of them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HttpProbe {
    path: PathAndQuery,
    host: Option<HeaderValue>,
    statuses: Vec<RangeInclusive<u16>>,
    body: Option<Box<[u8]>>,
    headers: Vec<(HeaderName, Option<HeaderValue>)>,
}

impl HttpProbe {
    /// Asks for `path`; a status from 200 to 299 is good.
    ///
    /// # Errors
    ///
    /// [`InvalidProbe::Path`] if `path` does not begin with a slash or is no path.
    pub fn new(path: &str) -> Result<Self, InvalidProbe> {
        let invalid = || InvalidProbe::Path { path: path.into() };
        if !path.starts_with('/') {
            return Err(invalid());
        }
        Ok(Self {
            path: path.parse().map_err(|_| invalid())?,
            host: None,
            statuses: Vec::new(),
            body: None,
            headers: Vec::new(),
        })
    }

    /// What the `host` field says. The address of the endpoint by default.
    #[must_use]
    pub fn with_host(mut self, host: HeaderValue) -> Self {
        self.host = Some(host);
        self
    }

    /// Takes these statuses for good, besides others that are given. From 200 to 299 by default.
    #[must_use]
    pub fn with_statuses(mut self, statuses: RangeInclusive<u16>) -> Self {
        self.statuses.push(statuses);
        self
    }

    /// Wants `part` in the body, of which the first 64 KiB are looked at. Off by default.
    #[must_use]
    pub fn with_body(mut self, part: impl Into<Box<[u8]>>) -> Self {
        self.body = Some(part.into());
        self
    }

    /// Wants a field called `name`, and if `value` is given one of that value. Off by default.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The request to the endpoint at `address`.
    #[must_use]
    pub fn request(&self, address: SocketAddr) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = self.path.clone().into();
        let host = self.host.clone().or_else(|| host_of(address));
        request
            .headers_mut()
            .extend(host.map(|host| (header::HOST, host)));
        request
    }

    /// Whether the response is good as far as its head tells.
    #[must_use]
    pub fn head_is_good(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let status = if self.statuses.is_empty() {
            status.is_success()
        } else {
            self.statuses
                .iter()
                .any(|statuses| statuses.contains(&status.as_u16()))
        };
        status
            && self.headers.iter().all(|(name, value)| match value {
                Some(value) => headers.get_all(name).iter().any(|found| found == value),
                None => headers.contains_key(name),
            })
    }

    /// Whether `body` matters.
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        self.body.is_some()
    }

    /// Whether the response is good as far as its body tells.
    #[must_use]
    pub fn body_is_good(&self, body: &[u8]) -> bool {
        match self.body.as_deref() {
            None | Some([]) => true,
            Some(part) => body.windows(part.len()).any(|window| window == part),
        }
    }
}

/// A probe that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProbe {
    /// The path is none.
    #[error("{path:?} is not a path")]
    Path {
        /// As it was written.
        path: Box<str>,
    },
}

/// An address as a host.
pub(super) fn host_of(address: SocketAddr) -> Option<HeaderValue> {
    HeaderValue::try_from(address.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: ([u8; 4], u16) = ([10, 0, 0, 1], 8080);

    fn probe() -> HttpProbe {
        HttpProbe::new("/healthz?full").expect("a valid path")
    }

    #[test]
    fn request_asks_for_the_path_of_the_host() {
        let request = probe().request(ADDRESS.into());
        assert_eq!(request.uri(), "/healthz?full");
        assert_eq!(request.headers()["host"], "10.0.0.1:8080");

        let named = probe().with_host(HeaderValue::from_static("shop.example"));
        assert_eq!(
            named.request(ADDRESS.into()).headers()["host"],
            "shop.example"
        );
    }

    #[test]
    fn path_that_is_none_is_refused() {
        for path in ["", "healthz", "/a b", "http://a/b"] {
            let refused = HttpProbe::new(path);
            assert_eq!(refused, Err(InvalidProbe::Path { path: path.into() }));
        }
    }

    #[test]
    fn all_conditions_have_to_be_met() {
        let good = |probe: &HttpProbe, status: u16, headers: &HeaderMap| {
            probe.head_is_good(StatusCode::from_u16(status).expect("a status"), headers)
        };
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-state"),
            HeaderValue::from_static("ready"),
        )]);
        assert!(good(&probe(), 204, &headers));
        assert!(!good(&probe(), 302, &headers));

        let codes = probe().with_statuses(200..=201).with_statuses(418..=418);
        assert_eq!(
            [200, 204, 418].map(|status| good(&codes, status, &headers)),
            [true, false, true]
        );

        let name = HeaderName::from_static("x-state");
        assert!(good(
            &probe().with_header(name.clone(), None),
            200,
            &headers
        ));
        let ready = probe().with_header(name, Some(HeaderValue::from_static("ready")));
        assert!(good(&ready, 200, &headers));
        assert!(!good(&ready, 200, &HeaderMap::new()));
    }

    #[test]
    fn body_has_to_contain_the_part() {
        let probe = probe().with_body(*b"ok");

        assert!(probe.wants_body());
        assert!(probe.body_is_good(b"all is ok."));
        assert!(!probe.body_is_good(b"o"));
        assert!(self::probe().body_is_good(b""));
    }
}
