//! Routes for connections and datagrams that are not HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::{
    BackendId, BackendRef, ExtensionRef, Hostname, ObjectName, Policies, Policy, PolicySet, add,
};

/// Where the connections, or the sessions of datagrams, of a listener go.
///
/// Source: `TCPRoute`, `TLSRoute`, `UDPRoute`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamRoute {
    name: ObjectName,
    kind: StreamRouteKind,
    created: u64,
    hostnames: Vec<Hostname>,
    backends: Vec<BackendRef>,
    layers: Vec<ExtensionRef>,
    timeouts: StreamTimeouts,
    policies: Policies,
}

/// The kind of object that a route was.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum StreamRouteKind {
    /// `TCPRoute`.
    Tcp,
    /// `TLSRoute`.
    Tls,
    /// `UDPRoute`.
    Udp,
}

impl StreamRoute {
    /// A route without backends: it closes every connection.
    pub fn new(kind: StreamRouteKind, name: impl Into<ObjectName>) -> Self {
        Self {
            name: name.into(),
            kind,
            created: 0,
            hostnames: Vec::new(),
            backends: Vec::new(),
            layers: Vec::new(),
            timeouts: StreamTimeouts::default(),
            policies: Policies::default(),
        }
    }

    /// When the object was made, in seconds since 1970; of two routes that are
    /// otherwise equal the older one wins. 0 by default.
    #[must_use]
    pub fn with_created(mut self, seconds: u64) -> Self {
        self.created = seconds;
        self
    }

    /// Adds a hostname, which is compared with the name that a TLS client asks
    /// for.
    #[must_use]
    pub fn with_hostname(mut self, hostname: Hostname) -> Self {
        add(&mut self.hostnames, hostname);
        self
    }

    /// Adds a backend. Weights hold for connections and sessions.
    #[must_use]
    pub fn with_backend(mut self, backend: BackendRef) -> Self {
        add(&mut self.backends, backend);
        self
    }

    /// Adds a layer that was registered with the gateway, inside those before it.
    /// One that is not registered is never skipped: its connections are closed.
    #[must_use]
    pub fn with_layer(mut self, name: ExtensionRef) -> Self {
        add(&mut self.layers, name);
        self
    }

    /// How long its connections may take. [`StreamTimeouts::default`] by default. For
    /// datagrams the listener has [`UdpSettings`](super::UdpSettings).
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: StreamTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Adds a policy for its connections or sessions, around its layers. One that [cannot hold
    /// for them](Policy::for_streams) is never skipped: the update says so, and nothing is
    /// forwarded.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        add(&mut self.policies.own, policy);
        self
    }

    /// Adds policies that other places may have, too, around its own; see
    /// [`StreamRoute::with_policy`].
    #[must_use]
    pub fn with_policies(mut self, policies: impl Into<Arc<PolicySet>>) -> Self {
        add(&mut self.policies.shared, policies.into());
        self
    }

    /// Shows `edit` each backend that it leads to, with those that get copies, and keeps what
    /// it makes of them.
    #[must_use]
    pub fn with_edited_backends(mut self, mut edit: impl FnMut(&mut BackendId)) -> Self {
        for backend in &mut self.backends {
            backend.edit_backends(&mut edit);
        }
        self
    }

    /// What it is called.
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// The kind of object that it was.
    pub fn kind(&self) -> StreamRouteKind {
        self.kind
    }

    /// When it was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Its hostnames; none means every one of the listener's.
    pub fn hostnames(&self) -> &[Hostname] {
        &self.hostnames
    }

    /// Its backends.
    pub fn backends(&self) -> &[BackendRef] {
        &self.backends
    }

    /// Its policies, besides those of its listeners.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The layers around it, the outermost first.
    pub fn layers(&self) -> &[ExtensionRef] {
        &self.layers
    }

    /// How long its connections may take.
    pub fn timeouts(&self) -> StreamTimeouts {
        self.timeouts
    }
}

/// How long a connection that is not HTTP may take to begin, and to do nothing.
///
/// Source of the defaults: Envoy's `connect_timeout`, and the `idle_timeout` of
/// its TCP proxy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct StreamTimeouts {
    /// For one endpoint to accept the connection, before another is tried. 5 s by
    /// default.
    pub connect: Duration,
    /// Without a byte in either direction. 1 h by default.
    pub idle: Duration,
}

impl Default for StreamTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(3600),
        }
    }
}
