//! Gateways and their listeners.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_filters::client_address::TrustedProxies;

use super::{
    ConnectionLimits, Hostname, ObjectName, PolicySet, ProxyProtocol, Route, SectionName,
    StreamRoute, TlsMode, TlsTermination, UdpSettings,
};

/// Listeners that share addresses.
///
/// Source: `Gateway`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gateway {
    name: ObjectName,
    addresses: Vec<IpAddr>,
    listeners: Vec<Arc<Listener>>,
}

impl Gateway {
    /// A gateway on every address of the machine, IPv4 and IPv6, without
    /// listeners.
    pub fn new(name: impl Into<ObjectName>) -> Self {
        Self {
            name: name.into(),
            addresses: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// Adds an address to listen on, instead of every address.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Adds a listener.
    #[must_use]
    pub fn with_listener(mut self, listener: impl Into<Arc<Listener>>) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// What it is called.
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// Where it listens; none means everywhere.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Its listeners.
    pub fn listeners(&self) -> &[Arc<Listener>] {
        &self.listeners
    }
}

/// A port, a protocol and a hostname, with the routes attached there.
///
/// Source: `Listener` of a `Gateway`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    name: SectionName,
    port: u16,
    bound_port: Option<u16>,
    protocol: Protocol,
    hostname: Option<Hostname>,
    routes: Vec<Arc<Route>>,
    stream_routes: Vec<Arc<StreamRoute>>,
    udp: UdpSettings,
    proxy_protocol: Option<Arc<ProxyProtocol>>,
    limits: ConnectionLimits,
    policies: Vec<Arc<PolicySet>>,
    trusted_proxies: Option<Arc<TrustedProxies>>,
}

impl Listener {
    /// A listener for every hostname, without routes. Port 0 stands for a free
    /// one; whoever runs the gateway is told which was taken.
    pub fn new(name: impl Into<SectionName>, port: u16, protocol: Protocol) -> Self {
        Self {
            name: name.into(),
            port,
            bound_port: None,
            protocol,
            hostname: None,
            routes: Vec::new(),
            stream_routes: Vec::new(),
            udp: UdpSettings::default(),
            proxy_protocol: None,
            limits: ConnectionLimits::default(),
            policies: Vec::new(),
            trusted_proxies: None,
        }
    }

    /// An HTTP listener; see [`Listener::new`].
    pub fn http(name: impl Into<SectionName>, port: u16) -> Self {
        Self::new(name, port, Protocol::Http)
    }

    /// An HTTPS listener; see [`Listener::new`].
    pub fn https(
        name: impl Into<SectionName>,
        port: u16,
        tls: impl Into<Arc<TlsTermination>>,
    ) -> Self {
        Self::new(name, port, Protocol::Https(tls.into()))
    }

    /// Serves only requests for `hostname`.
    #[must_use]
    pub fn with_hostname(mut self, hostname: Hostname) -> Self {
        self.hostname = Some(hostname);
        self
    }

    /// Listens on another port than clients use, because something before the gateway
    /// (a Kubernetes Service) translates the one into the other. It must be the same
    /// for all listeners of one port. None by default.
    #[must_use]
    pub fn with_bound_port(mut self, port: u16) -> Self {
        self.bound_port = Some(port);
        self
    }

    /// Attaches a route.
    #[must_use]
    pub fn with_route(mut self, route: impl Into<Arc<Route>>) -> Self {
        self.routes.push(route.into());
        self
    }

    /// Attaches these routes, after those it has.
    #[must_use]
    pub fn with_routes(mut self, routes: impl IntoIterator<Item = Arc<Route>>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Attaches a route for connections or datagrams.
    #[must_use]
    pub fn with_stream_route(mut self, route: impl Into<Arc<StreamRoute>>) -> Self {
        self.stream_routes.push(route.into());
        self
    }

    /// How sessions are kept, for datagrams. [`UdpSettings::default`] by default.
    #[must_use]
    pub fn with_udp_settings(mut self, settings: UdpSettings) -> Self {
        self.udp = settings;
        self
    }

    /// Takes PROXY protocol headers, whatever is spoken behind them. It does not by
    /// default. Datagrams have none.
    #[must_use]
    pub fn with_proxy_protocol(mut self, proxy_protocol: impl Into<Arc<ProxyProtocol>>) -> Self {
        self.proxy_protocol = Some(proxy_protocol.into());
        self
    }

    /// Limits the connections that are open at a time. There is no limit by default.
    /// For datagrams there is [`UdpSettings`] instead.
    #[must_use]
    pub fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds policies for all requests of all its routes, around theirs; or for all connections
    /// or sessions, where it speaks something else. Of a policy that [cannot hold
    /// there](super::Policy::for_streams) the update says so, and nothing is forwarded.
    #[must_use]
    pub fn with_policies(mut self, policies: impl Into<Arc<PolicySet>>) -> Self {
        self.policies.push(policies.into());
        self
    }

    /// Believes these proxies when they say whom a request is from. Nobody by default: it is
    /// from whoever has sent it, and what it says of itself is dropped.
    ///
    /// Backends are then told the whole way, in `X-Forwarded-For`.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: impl Into<Arc<TrustedProxies>>) -> Self {
        self.trusted_proxies = Some(proxies.into());
        self
    }

    /// The policies for all that it serves, the outermost first.
    pub fn policies(&self) -> &[Arc<PolicySet>] {
        &self.policies
    }

    /// Who is believed about whom requests are from.
    pub fn trusted_proxies(&self) -> Option<&Arc<TrustedProxies>> {
        self.trusted_proxies.as_ref()
    }

    /// Its name within the gateway.
    pub fn name(&self) -> &SectionName {
        &self.name
    }

    /// The port that clients use.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port it listens on: the one that clients use, unless it was given
    /// [another](Self::with_bound_port).
    pub fn bound_port(&self) -> u16 {
        self.bound_port.unwrap_or(self.port)
    }

    /// What it speaks.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// The hostname it serves; none means every one.
    pub fn hostname(&self) -> Option<&Hostname> {
        self.hostname.as_ref()
    }

    /// The routes for requests that are attached to it.
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The routes for connections or datagrams that are attached to it.
    pub fn stream_routes(&self) -> &[Arc<StreamRoute>] {
        &self.stream_routes
    }

    /// Whether and from whom it takes PROXY protocol headers.
    pub fn proxy_protocol(&self) -> Option<&Arc<ProxyProtocol>> {
        self.proxy_protocol.as_ref()
    }

    /// How many connections it keeps open.
    pub fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// How sessions are kept.
    pub fn udp_settings(&self) -> &UdpSettings {
        &self.udp
    }
}

/// What a listener speaks. Complete.
///
/// Source: `ProtocolType`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1 and HTTP/2 in the clear.
    Http,
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https(Arc<TlsTermination>),
    /// TLS with anything in it.
    Tls(TlsMode),
    /// Connections with anything in them.
    Tcp,
    /// Datagrams.
    Udp,
}
