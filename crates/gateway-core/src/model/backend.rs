//! Where requests are sent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway_lb::balance::Algorithm;
use gateway_lb::{Endpoint, EndpointSet};

use super::{BackendTls, BackendTraffic, Filter, ObjectName, ProxyVersion, Reach, add};

/// What a rule refers to, with its share of the rule's requests.
///
/// Source: `HTTPBackendRef`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackendRef {
    target: BackendTarget,
    weight: u32,
    filters: Vec<Filter>,
}

impl BackendRef {
    /// Refers to a backend of the configuration, with weight 1.
    pub fn new(backend: BackendId) -> Self {
        Self {
            target: BackendTarget::Backend(backend),
            weight: 1,
            filters: Vec::new(),
        }
    }

    /// A reference that could not be resolved. Its share of the requests gets
    /// 500, as `HTTPRouteRule.backendRefs` demands.
    pub fn invalid(reason: impl Into<Arc<str>>) -> Self {
        Self {
            target: BackendTarget::Invalid(reason.into()),
            weight: 1,
            filters: Vec::new(),
        }
    }

    /// Its share in proportion to the weights of the rule's other backends. 1 by
    /// default; with 0 it gets no request.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Adds a filter for requests that go to this backend. They run after the
    /// rule's own.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        add(&mut self.filters, filter);
        self
    }

    /// Shows `edit` each backend that it leads to.
    pub(super) fn edit_backends(&mut self, edit: &mut dyn FnMut(&mut BackendId)) {
        self.target.edit_backend(edit);
        for filter in &mut self.filters {
            filter.edit_backend(edit);
        }
    }

    /// What is referred to.
    pub fn target(&self) -> &BackendTarget {
        &self.target
    }

    /// Its share.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// Its filters, in their written order.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }
}

/// A reference, resolved or not. Complete: there is no third case.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum BackendTarget {
    /// A backend of the configuration. One that the configuration does not
    /// have is treated like an invalid reference.
    Backend(BackendId),
    /// Not resolved, with the reason for the log.
    Invalid(Arc<str>),
}

impl BackendTarget {
    pub(super) fn edit_backend(&mut self, edit: &mut dyn FnMut(&mut BackendId)) {
        if let Self::Backend(id) = self {
            edit(id);
        }
    }
}

/// Names a backend: an object and one of its ports, and what it is used for where
/// that makes it another one.
///
/// Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BackendId {
    kind: Arc<str>,
    object: ObjectName,
    port: u16,
    purpose: BackendPurpose,
    client: Option<ObjectName>,
}

/// What a backend is used for. One port of one object may be a different backend
/// for each. Complete.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BackendPurpose {
    /// Connections, and requests over them in whichever way the port speaks.
    #[default]
    Any,
    /// Requests over HTTP/2, although the port does not say that it speaks it.
    Grpc,
    /// Datagrams.
    Udp,
}

impl BackendId {
    /// Port `port` of the object `object` of kind `kind` (`Service`, `XBackend`).
    pub fn new(kind: impl Into<Arc<str>>, object: ObjectName, port: u16) -> Self {
        Self {
            kind: kind.into(),
            object,
            port,
            purpose: BackendPurpose::Any,
            client: None,
        }
    }

    /// The backend that is used for something else than is usual.
    #[must_use]
    pub fn with_purpose(mut self, purpose: BackendPurpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// The backend as one gateway alone speaks to it, because it shows a
    /// certificate of its own. Every gateway by default.
    #[must_use]
    pub fn with_client(mut self, gateway: ObjectName) -> Self {
        self.client = Some(gateway);
        self
    }

    /// The kind of object.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The object.
    pub fn object(&self) -> &ObjectName {
        &self.object
    }

    /// The port that is referred to, not that of the endpoints.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it is used for.
    pub fn purpose(&self) -> BackendPurpose {
        self.purpose
    }

    /// The only gateway that uses it, if it is for one alone.
    pub fn client(&self) -> Option<&ObjectName> {
        self.client.as_ref()
    }
}

/// Names the `Service` of that name; for people who write Rust, where only the
/// name matters.
impl From<&str> for BackendId {
    fn from(name: &str) -> Self {
        Self::new("Service", ObjectName::from(name), 0)
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.object)?;
        if self.port != 0 {
            write!(f, ":{}", self.port)?;
        }
        match self.purpose {
            BackendPurpose::Any => {}
            BackendPurpose::Grpc => f.write_str(" (gRPC)")?,
            BackendPurpose::Udp => f.write_str(" (UDP)")?,
        }
        match &self.client {
            Some(gateway) => write!(f, " for {gateway}"),
            None => Ok(()),
        }
    }
}

/// Endpoints that serve the same thing, and how they are spoken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Backend {
    endpoints: Endpoints,
    protocol: BackendProtocol,
    algorithm: Algorithm,
    pub(super) traffic: Arc<BackendTraffic>,
    tls: Option<Arc<BackendTls>>,
    proxy_protocol: Option<ProxyVersion>,
}

impl Backend {
    /// Spoken to over HTTP/1.1, its endpoints taken in turn.
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::with_endpoints(Endpoints::Static(
            addresses.into_iter().map(Endpoint::new).collect(),
        ))
    }

    /// Resolved by DNS, again and again.
    pub fn dns(host: impl Into<Arc<str>>, port: u16) -> Self {
        Self::with_endpoints(Endpoints::Dns {
            host: host.into(),
            port,
            reach: Reach::default(),
        })
    }

    /// At these endpoints, of which each may have a weight, a zone, or be a backup.
    pub fn of(endpoints: EndpointSet) -> Self {
        Self::with_endpoints(Endpoints::Static(endpoints))
    }

    fn with_endpoints(endpoints: Endpoints) -> Self {
        Self {
            endpoints,
            protocol: BackendProtocol::default(),
            algorithm: Algorithm::default(),
            traffic: Arc::default(),
            tls: None,
            proxy_protocol: None,
        }
    }

    /// Which addresses its name may stand for, where it is [resolved](Backend::dns). Any by
    /// default; addresses that are given are not asked.
    #[must_use]
    pub fn with_reach(mut self, allowed: Reach) -> Self {
        match &mut self.endpoints {
            Endpoints::Static(_) => {}
            Endpoints::Dns { reach, .. } => *reach = allowed,
        }
        self
    }

    /// How its endpoints are spoken to. HTTP/1.1 by default.
    #[must_use]
    pub fn with_protocol(mut self, protocol: BackendProtocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// How an endpoint is chosen. Round robin by default.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Speaks to its endpoints over TLS. In the clear by default.
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<Arc<BackendTls>>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Says in a PROXY protocol header whom a connection is from. It does not by
    /// default.
    ///
    /// Connections for requests are then not shared by clients: each client's connection
    /// has connections of its own to the backend, which are used again for its own later
    /// requests and otherwise stay idle until their time is over.
    #[must_use]
    pub fn with_proxy_protocol(mut self, version: ProxyVersion) -> Self {
        self.proxy_protocol = Some(version);
        self
    }

    /// Its endpoints.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// How its endpoints are spoken to.
    pub fn protocol(&self) -> BackendProtocol {
        self.protocol
    }

    /// Whether and how they are spoken to over TLS.
    pub fn tls(&self) -> Option<&Arc<BackendTls>> {
        self.tls.as_ref()
    }

    /// Whether and how connections begin with a PROXY protocol header.
    pub fn proxy_protocol(&self) -> Option<ProxyVersion> {
        self.proxy_protocol
    }

    /// How an endpoint is chosen.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Where the addresses come from. Complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Endpoints {
    /// They are known.
    Static(EndpointSet),
    /// They are what `host` resolves to, each with `port`.
    Dns {
        /// A name for the system's resolver.
        host: Arc<str>,
        /// The port at every address.
        port: u16,
        /// Which of the addresses count.
        reach: Reach,
    },
}

/// How endpoints are spoken to.
///
/// Source: `ServicePort.appProtocol` as the Gateway API reads it (GEP-1911).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum BackendProtocol {
    /// HTTP/1.1; WebSocket is an upgrade of it.
    #[default]
    Http1,
    /// HTTP/2: in the clear with prior knowledge (`kubernetes.io/h2c`), over TLS
    /// agreed on in the handshake (ALPN). gRPC needs it.
    H2c,
}
