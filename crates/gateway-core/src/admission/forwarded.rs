//! `X-Forwarded-For`, `-Proto` and `-Host`: what the backend cannot see itself.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

use gateway_filters::Scheme;

/// What every request of one connection is marked with.
///
/// At the edge nothing that a client says of itself is believed: its own
/// `X-Forwarded-*`, `Forwarded` and `X-Real-IP` are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    client: HeaderValue,
    scheme: Scheme,
    /// Who the client is as its certificate says, and where that is told.
    identity: Option<(HeaderName, Option<HeaderValue>)>,
}

impl Forwarded {
    /// For a connection from `client`.
    pub(crate) fn new(client: IpAddr, scheme: Scheme) -> Self {
        let text = client.to_canonical().to_string();
        // An address has only visible ASCII.
        let client = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"));

        Self {
            client,
            scheme,
            identity: None,
        }
    }

    /// Sets the header `identity.0`, or removes it where there is no value for it.
    pub(crate) fn with_identity(
        mut self,
        identity: Option<(HeaderName, Option<HeaderValue>)>,
    ) -> Self {
        self.identity = identity;
        self
    }

    /// Marks a request, whose `Host` is already settled.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        let host = headers.get(HOST).cloned();
        if headers.keys().any(is_claim) {
            CLAIMS.iter().for_each(|name| {
                headers.remove(name);
            });
        }

        headers.insert(X_FORWARDED_FOR, self.client.clone());
        headers.insert(
            X_FORWARDED_PROTO,
            HeaderValue::from_static(self.scheme.as_str()),
        );
        if let Some(host) = host {
            headers.insert(X_FORWARDED_HOST, host);
        }
        match &self.identity {
            Some((name, Some(value))) => drop(headers.insert(name, value.clone())),
            Some((name, None)) => drop(headers.remove(name)),
            None => {}
        }
    }
}

fn is_claim(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "forwarded"
            | "x-real-ip"
            | "x-forwarded-port"
            | "x-forwarded-server"
            | "x-forwarded-client-cert"
    )
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const CLAIMS: [HeaderName; 5] = [
    http::header::FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-forwarded-client-cert"),
];
