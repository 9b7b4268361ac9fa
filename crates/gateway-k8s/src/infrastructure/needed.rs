//! What each Gateway needs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::ObjectName;

use super::Pods;

/// How clients come to Gateways.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // whoever makes objects has to decide about each
pub enum Exposure {
    /// Directly: each Gateway listens on addresses of the machine, on the ports that
    /// its listeners name.
    #[default]
    Direct,
    /// Through a load balancer: each Gateway has a Service, whose addresses are its
    /// own, and listens on ports of every address of the machine that the Service
    /// says.
    Services,
    /// The same, with pods of its own: each Gateway has a Deployment besides, of
    /// gateways that serve nothing else.
    Dedicated,
}

/// A Gateway as its infrastructure sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Needed {
    /// Which Gateway.
    pub gateway: ObjectName,
    /// Its `metadata.uid`; empty for what came from a file.
    pub uid: Arc<str>,
    /// Its class.
    pub class: Arc<str>,
    /// `spec.infrastructure.labels`.
    pub labels: BTreeMap<String, String>,
    /// `spec.infrastructure.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The ports of its listeners, each once, in order.
    pub ports: Vec<NeededPort>,
    /// The addresses that it names or was given.
    pub addresses: Vec<IpAddr>,
    /// What it asks of pods of its own.
    pub pods: Pods,
    /// Whether it needs nothing new, and keeps what it has: it is there, but cannot be
    /// served as it is now. What it would lose, its address above all, is hard to get back.
    pub is_held: bool,
}

/// A port that clients use.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NeededPort {
    /// Its number.
    pub port: u16,
    /// Whether it is for datagrams, and not for connections.
    pub datagrams: bool,
}

impl NeededPort {
    /// As the API spells what carries it.
    pub(super) fn protocol(self) -> &'static str {
        if self.datagrams { "UDP" } else { "TCP" }
    }

    /// The name of a port of a Service.
    pub(super) fn name(self) -> String {
        format!("{}-{}", self.protocol().to_ascii_lowercase(), self.port)
    }
}
