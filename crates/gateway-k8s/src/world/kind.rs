//! What all kinds have in common.

use std::fmt::Debug;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::changes::ForEachKind;
use super::{Objects, World};
use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};

/// A kind of object the gateway looks at. Implemented for those of [`World`].
pub trait Kind:
    Resource<DynamicType = ()>
    + Clone
    + Debug
    + DeserializeOwned
    + PartialEq
    + Send
    + Serialize
    + Sync
    + 'static
{
    /// Whether objects of this kind have a namespace.
    const NAMESPACED: bool;

    /// A bit that no other kind has, for sets of kinds.
    const BIT: u64;

    /// The objects of this kind.
    fn objects(world: &World) -> &Objects<Self>;

    /// The objects of this kind, to change.
    fn objects_mut(world: &mut World) -> &mut Objects<Self>;

    /// The name, in the same namespace, of what this object is a part of: for an
    /// EndpointSlice its Service, for every other kind nothing.
    fn owner(&self) -> Option<&str> {
        None
    }
}

macro_rules! kinds {
    ($($kind:ident in $field:ident, namespaced: $namespaced:literal $(, owner: $owner:expr)?;)+) => {
        /// The kinds, to be counted.
        enum Index {
            $($kind,)+
        }

        $(impl Kind for $kind {
            const NAMESPACED: bool = $namespaced;
            const BIT: u64 = 1 << Index::$kind as u64;

            fn objects(world: &World) -> &Objects<Self> {
                &world.$field
            }

            fn objects_mut(world: &mut World) -> &mut Objects<Self> {
                &mut world.$field
            }

            $(fn owner(&self) -> Option<&str> {
                $owner(self)
            })?
        })+

        impl World {
            /// Does something for every kind, in the order of the list here.
            pub(crate) fn for_each_kind(doing: &mut impl ForEachKind) {
                $(doing.of_kind::<$kind>();)+
            }
        }
    };
}

kinds! {
    GatewayClass in gateway_classes, namespaced: false;
    Gateway in gateways, namespaced: true;
    ListenerSet in listener_sets, namespaced: true;
    HttpRoute in http_routes, namespaced: true;
    GrpcRoute in grpc_routes, namespaced: true;
    TlsRoute in tls_routes, namespaced: true;
    TcpRoute in tcp_routes, namespaced: true;
    UdpRoute in udp_routes, namespaced: true;
    ReferenceGrant in reference_grants, namespaced: true;
    BackendTlsPolicy in backend_tls_policies, namespaced: true;
    XBackend in backends, namespaced: true;
    XBackendTrafficPolicy in backend_traffic_policies, namespaced: true;
    Service in services, namespaced: true;
    EndpointSlice in endpoint_slices, namespaced: true, owner: service_of;
    Secret in secrets, namespaced: true;
    ConfigMap in config_maps, namespaced: true;
    Namespace in namespaces, namespaced: false;
}

fn service_of(slice: &EndpointSlice) -> Option<&str> {
    let labels = slice.metadata.labels.as_ref()?;
    labels.get("kubernetes.io/service-name").map(String::as_str)
}
