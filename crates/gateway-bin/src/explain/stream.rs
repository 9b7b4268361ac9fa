//! Where a connection or a datagram goes.

use gateway_core::model::{
    Configuration, Hostname, Listener, Protocol, StreamRoute, StreamRouteKind, TlsMode,
};
use gateway_k8s::api::{TcpRoute, TlsRoute, UdpRoute};
use gateway_k8s::world::ObjectRef;
use serde::Serialize;

use super::backends::BackendReport;
use super::route;
use super::secured;
use super::settings;
use crate::manifests::Manifests;

/// The route that takes it, and what it does.
#[derive(Debug, Serialize)]
pub(super) struct StreamReport {
    pub(super) kind: &'static str,
    pub(super) route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostname: Option<String>,
    /// What becomes of TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeouts: Option<String>,
    pub(super) backends: Vec<BackendReport>,
    /// Routes of the listener that do not get it, and why.
    pub(super) others: Vec<String>,
}

impl StreamReport {
    /// Finds the route of a listener for the name of a handshake, if there is one.
    pub(super) fn find(
        manifests: &Manifests,
        listener: &Listener,
        name: Option<&str>,
    ) -> Option<Self> {
        // Nobody knows the names of what is not TLS.
        let named = matches!(listener.protocol(), Protocol::Tls(_));
        let routes = listener.stream_routes().iter();
        let mut candidates: Vec<_> = routes
            .filter_map(|route| Some((best(route, name, named)?, route)))
            .collect();
        candidates.sort_by(|(one, a), (other, b)| {
            let order = secured::rank(one.as_ref()).cmp(&secured::rank(other.as_ref()));
            let age = |route: &StreamRoute| (route.created(), route.name().to_string());
            order.then_with(|| age(a).cmp(&age(b)))
        });
        let mut candidates = candidates.into_iter();
        let (hostname, route) = candidates.next()?;

        let others = listener.stream_routes().iter();
        let others = others.filter(|other| !std::sync::Arc::ptr_eq(other, route));
        let why = |other: &StreamRoute| {
            if best(other, name, named).is_some() {
                "is younger, or for less specific hostnames"
            } else {
                "is for other hostnames"
            }
        };
        let object = object(route);
        let place = manifests.reading.place(&object, "");

        Some(Self {
            kind: kind(route),
            route: route.name().to_string(),
            place: route::place(place),
            hostname: hostname.map(|name| name.to_string()),
            tls: tls(listener),
            timeouts: settings::timeouts(route),
            backends: backends(&manifests.resolved.configuration, route),
            others: others
                .map(|other| format!("{} {} {}", kind(other), other.name(), why(other)))
                .collect(),
        })
    }
}

/// The hostname of a route that is most specific for a name; nothing, if the route is
/// for others.
fn best(route: &StreamRoute, name: Option<&str>, named: bool) -> Option<Option<Hostname>> {
    if !named || route.hostnames().is_empty() {
        return Some(None);
    }
    let meant = route.hostnames().iter();
    let meant = meant.filter(|hostname| secured::is_meant(Some(hostname), name));

    let best = meant.min_by_key(|hostname| secured::rank(Some(hostname)))?;
    Some(Some(best.clone()))
}

fn backends(configuration: &Configuration, route: &StreamRoute) -> Vec<BackendReport> {
    let mut reports = BackendReport::of(configuration, route.backends());
    for report in &mut reports {
        report.protocol = None;
        if report.failure.is_some() {
            report.failure = report.failure.take().map(|failure| {
                let cause = failure.split_once(", ").map(|(_, cause)| cause.to_owned());
                format!("nobody: it is closed, {}", cause.unwrap_or(failure))
            });
        }
    }

    reports
}

fn kind(route: &StreamRoute) -> &'static str {
    match route.kind() {
        StreamRouteKind::Tcp => "TCPRoute",
        StreamRouteKind::Tls => "TLSRoute",
        StreamRouteKind::Udp => "UDPRoute",
    }
}

fn object(route: &StreamRoute) -> ObjectRef {
    let (namespace, name) = (route.name().namespace(), route.name().name());

    match route.kind() {
        StreamRouteKind::Tcp => ObjectRef::new::<TcpRoute>(namespace, name),
        StreamRouteKind::Tls => ObjectRef::new::<TlsRoute>(namespace, name),
        StreamRouteKind::Udp => ObjectRef::new::<UdpRoute>(namespace, name),
    }
}

fn tls(listener: &Listener) -> Option<&'static str> {
    match listener.protocol() {
        Protocol::Tls(TlsMode::Terminate(_)) => Some("ended here"),
        Protocol::Tls(TlsMode::Passthrough) => Some("passed through"),
        Protocol::Http | Protocol::Https(_) | Protocol::Tcp | Protocol::Udp => None,
    }
}
