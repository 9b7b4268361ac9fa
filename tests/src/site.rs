//! Configurations in one line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use gateway_core::model::{
    Backend, BackendId, BackendProtocol, BackendRef, Configuration, Gateway, Listener, PathMatch,
    Route, RouteMatch, Rule, TlsTermination,
};

/// A configuration with one listener on a free loopback port and, unless others are
/// given, one route for every host.
#[derive(Clone, Debug)]
pub struct Site {
    route: Route,
    others: Vec<Route>,
    backends: Vec<(BackendId, Backend)>,
}

impl Site {
    /// Without rules: every request is answered with 404.
    #[must_use]
    pub fn new() -> Self {
        Self {
            route: Route::new("site"),
            others: Vec::new(),
            backends: Vec::new(),
        }
    }

    /// Everything goes to `address`, over HTTP/1.1.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self::new()
            .rule(Rule::new().with_backend(BackendRef::new("origin".into())))
            .backend("origin", [address])
    }

    /// Everything goes to `address`, over HTTP/2.
    #[must_use]
    pub fn to_h2c(address: SocketAddr) -> Self {
        Self::new()
            .rule(Rule::new().with_backend(BackendRef::new("origin".into())))
            .backend_of(
                "origin",
                Backend::new([address]).with_protocol(BackendProtocol::H2c),
            )
    }

    /// Adds a rule to the route for every host.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.route = self.route.with_rule(rule);
        self
    }

    /// Adds another route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.others.push(route);
        self
    }

    /// Adds an HTTP/1.1 backend at `addresses`.
    #[must_use]
    pub fn backend(self, name: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.backend_of(name, Backend::new(addresses))
    }

    /// Adds a backend.
    #[must_use]
    pub fn backend_of(mut self, name: &str, backend: Backend) -> Self {
        self.backends.push((name.into(), backend));
        self
    }

    /// As a listener.
    #[must_use]
    pub fn listener(&self, name: &str) -> Listener {
        let others = self.others.iter().cloned();
        others.fold(
            Listener::http(name, 0).with_route(self.route.clone()),
            Listener::with_route,
        )
    }

    /// As an HTTPS listener.
    #[must_use]
    pub fn https(&self, name: &str, tls: impl Into<Arc<TlsTermination>>) -> Listener {
        let others = self.others.iter().cloned();
        others.fold(
            Listener::https(name, 0, tls).with_route(self.route.clone()),
            Listener::with_route,
        )
    }

    /// The backends, and `listeners` on a free loopback port.
    #[must_use]
    pub fn behind(&self, listeners: impl IntoIterator<Item = Listener>) -> Configuration {
        let edge = Gateway::new("edge").with_address(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let edge = listeners.into_iter().fold(edge, Gateway::with_listener);
        self.backends().with_gateway(edge)
    }

    /// The backends alone, for listeners of the test's own.
    #[must_use]
    pub fn backends(&self) -> Configuration {
        let backends = self.backends.iter().cloned();
        backends.fold(Configuration::new(), |configuration, (id, backend)| {
            configuration.with_backend(id, backend)
        })
    }

    /// As a configuration.
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        self.behind([self.listener("web")])
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

/// A match for paths below `path`.
///
/// # Panics
///
/// If `path` is none.
pub fn prefix(path: &str) -> RouteMatch {
    RouteMatch::path(PathMatch::prefix(path).expect("a test writes paths"))
}
