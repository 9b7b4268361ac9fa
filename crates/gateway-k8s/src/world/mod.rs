//! Everything read from the cluster, or from a folder, at one moment.
//!
//! A [`World`] is a value: cloning it is cheap, a clone never changes, and what
//! did not change between two worlds is the same allocation in both, so that what
//! changed is found without looking at the rest ([`World::changes`],
//! [`Objects::changes`]).
//!
//! # Example
//!
//! ```
//! use gateway_k8s::api::Gateway;
//! use gateway_k8s::world::World;
//!
//! let mut gateway = Gateway::default();
//! gateway.metadata.namespace = Some("edge".to_owned());
//! gateway.metadata.name = Some("web".to_owned());
//!
//! let mut world = World::default();
//! world.insert(gateway);
//!
//! assert!(world.gateways.get("edge", "web").is_some());
//! assert!(world.gateways.get("shop", "web").is_none());
//! ```

mod changes;
mod kind;
mod loaded;
mod object_ref;
mod objects;
mod place;
#[cfg(test)]
mod tests;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};

pub use self::changes::Changes;
pub(crate) use self::changes::ForEachKind;
pub use self::kind::Kind;
pub use self::loaded::Loaded;
pub use self::object_ref::ObjectRef;
pub use self::objects::{Change, Objects};
pub use self::place::Place;

/// All objects the gateway looks at, by kind. Empty by default.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// GatewayClasses, which have no namespace.
    pub gateway_classes: Objects<GatewayClass>,
    /// Gateways.
    pub gateways: Objects<Gateway>,
    /// ListenerSets.
    pub listener_sets: Objects<ListenerSet>,
    /// HTTPRoutes.
    pub http_routes: Objects<HttpRoute>,
    /// GRPCRoutes.
    pub grpc_routes: Objects<GrpcRoute>,
    /// TLSRoutes.
    pub tls_routes: Objects<TlsRoute>,
    /// TCPRoutes.
    pub tcp_routes: Objects<TcpRoute>,
    /// UDPRoutes.
    pub udp_routes: Objects<UdpRoute>,
    /// ReferenceGrants. A grant lives in the namespace it opens, so
    /// [`Objects::in_namespace`] finds those that can permit a reference.
    pub reference_grants: Objects<ReferenceGrant>,
    /// BackendTLSPolicies.
    pub backend_tls_policies: Objects<BackendTlsPolicy>,
    /// XBackends.
    pub backends: Objects<XBackend>,
    /// XBackendTrafficPolicies.
    pub backend_traffic_policies: Objects<XBackendTrafficPolicy>,
    /// Services.
    pub services: Objects<Service>,
    /// EndpointSlices. [`Objects::owned_by`] finds those of a Service.
    pub endpoint_slices: Objects<EndpointSlice>,
    /// Secrets.
    pub secrets: Objects<Secret>,
    /// ConfigMaps.
    pub config_maps: Objects<ConfigMap>,
    /// Namespaces, which have no namespace themselves.
    pub namespaces: Objects<Namespace>,
}

impl World {
    /// The objects of one kind.
    pub fn objects<T: Kind>(&self) -> &Objects<T> {
        T::objects(self)
    }

    /// The objects of one kind, to change.
    pub fn objects_mut<T: Kind>(&mut self) -> &mut Objects<T> {
        T::objects_mut(self)
    }

    /// Puts an object in, and returns the one of the same name that was there.
    pub fn insert<T: Kind>(&mut self, object: impl Into<Loaded<T>>) -> Option<Loaded<T>> {
        self.objects_mut().insert(object)
    }

    /// Takes an object out.
    pub fn remove<T: Kind>(&mut self, namespace: &str, name: &str) -> Option<Loaded<T>> {
        self.objects_mut().remove(namespace, name)
    }

    /// Puts an object in and returns the world, to write one down in one go.
    #[must_use]
    pub fn with<T: Kind>(mut self, object: impl Into<Loaded<T>>) -> Self {
        self.insert(object);
        self
    }
}
