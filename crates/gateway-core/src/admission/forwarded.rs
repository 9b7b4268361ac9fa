//! `X-Forwarded-For`, `-Proto` and `-Host`: what the backend cannot see itself.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};

use gateway_filters::Scheme;
use gateway_filters::client_address::TrustedProxies;

/// Whom a request is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sender {
    /// Who has connected.
    pub(crate) peer: IpAddr,
    /// Who it is from, as far as the proxies in between are believed.
    pub(crate) client: IpAddr,
}

impl Sender {
    pub(crate) fn of(peer: IpAddr, proxies: Option<&TrustedProxies>, headers: &HeaderMap) -> Self {
        let peer = peer.to_canonical();
        let client = proxies.map_or(peer, |proxies| proxies.client(peer, headers));
        let client = client.to_canonical();
        Self { peer, client }
    }
}

/// What every request of one connection is marked with.
///
/// At the edge nothing that a client says of itself is believed: its own
/// `X-Forwarded-*`, `Forwarded` and `X-Real-IP` are dropped. Of what comes by a proxy that is
/// believed, the way from the client to here stays, and the scheme.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    peer: IpAddr,
    /// The same as text.
    client: HeaderValue,
    scheme: Scheme,
    /// Who the client is as its certificate says, and where that is told.
    identity: Option<(HeaderName, Option<HeaderValue>)>,
}

impl Forwarded {
    /// For a connection from `client`.
    pub(crate) fn new(client: IpAddr, scheme: Scheme) -> Self {
        Self {
            peer: client,
            client: written(&client.to_canonical().to_string()),
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

    /// Who has connected.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Marks a request from `sender`, whose `Host` is already settled.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, sender: Sender) {
        let host = headers.get(HOST).cloned();
        if headers.keys().any(is_claim) {
            CLAIMS.iter().for_each(|name| {
                headers.remove(name);
            });
        }

        let by_proxy = sender.client != sender.peer;
        let way = match by_proxy {
            true => way(headers, sender),
            false => self.client.clone(),
        };
        headers.insert(X_FORWARDED_FOR, way);
        if !(by_proxy && has_scheme(headers)) {
            headers.insert(
                X_FORWARDED_PROTO,
                HeaderValue::from_static(self.scheme.as_str()),
            );
        }
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

/// The way of a request from its client to here. What stands before the client in
/// `X-Forwarded-For` may have been made up, and is left out.
fn way(headers: &HeaderMap, sender: Sender) -> HeaderValue {
    let lines = headers.get_all(X_FORWARDED_FOR).iter();
    let told: Vec<IpAddr> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|entry| entry.trim().parse().ok())
        .map(|address: IpAddr| address.to_canonical())
        .collect();
    let client = sender.client;
    let proxies = match told.iter().rposition(|address| *address == client) {
        Some(at) => &told[at + 1..],
        // It was told elsewhere.
        None => &[],
    };

    let mut text = client.to_string();
    for hop in proxies.iter().chain([&sender.peer]) {
        text.push_str(", ");
        text.push_str(&hop.to_string());
    }
    written(&text)
}

fn has_scheme(headers: &HeaderMap) -> bool {
    let mut told = headers.get_all(X_FORWARDED_PROTO).iter();
    let is_scheme = |value: &HeaderValue| matches!(value.as_bytes(), b"http" | b"https");
    told.next().is_some_and(is_scheme) && told.next().is_none()
}

/// Addresses have only visible ASCII.
fn written(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
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
