//! Kinds that come and go.

use serde_json::json;

use super::ApiServer;
use super::resources::{DEFINITIONS, Resource};
use super::store::{Event, Key};
use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};
use crate::world::Kind;

impl ApiServer {
    /// A server with every kind of the Gateway API that the gateway knows, as one
    /// release has them.
    #[must_use]
    pub fn with_gateway_api() -> Self {
        let server = Self::new();
        server.install::<GatewayClass>(&["v1", "v1beta1"]);
        server.install::<Gateway>(&["v1", "v1beta1"]);
        server.install::<ListenerSet>(&["v1"]);
        server.install::<HttpRoute>(&["v1", "v1beta1"]);
        server.install::<GrpcRoute>(&["v1"]);
        server.install::<TlsRoute>(&["v1", "v1alpha3", "v1alpha2"]);
        server.install::<TcpRoute>(&["v1", "v1alpha2"]);
        server.install::<UdpRoute>(&["v1", "v1alpha2"]);
        server.install::<ReferenceGrant>(&["v1", "v1beta1"]);
        server.install::<BackendTlsPolicy>(&["v1", "v1alpha3"]);
        server.install::<XBackend>(&["v1alpha1"]);
        server.install::<XBackendTrafficPolicy>(&["v1alpha1"]);
        server
    }

    /// Serves a kind in these versions, the one to store first.
    pub fn install<T: Kind>(&self, versions: &[&str]) {
        let resource = Resource {
            group: T::group(&()).into_owned(),
            versions: versions
                .iter()
                .map(|version| (*version).to_owned())
                .collect(),
            kind: T::kind(&()).into_owned(),
            plural: T::plural(&()).into_owned(),
            namespaced: T::NAMESPACED,
            has_status: true,
        };
        let definition = json!({
            "apiVersion": format!("{DEFINITIONS}/v1"),
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": resource.definition(),
                "annotations": { "gateway.networking.k8s.io/bundle-version": BUNDLE },
            },
            "spec": { "group": resource.group, "versions": resource.versions },
        });
        let mut store = self.store();
        store
            .resources
            .retain(|one| one.definition() != resource.definition());
        store.resources.push(resource);
        drop(store);
        self.apply_value(definition);
    }

    /// Serves a kind no longer. Its objects are gone and its watches end.
    pub fn uninstall<T: Kind>(&self) {
        let definition = format!("{}.{}", T::plural(&()), T::group(&()));
        let mut store = self.store();
        let of_kind = store.objects.keys().filter(|key| key.0 == definition);
        let keys: Vec<Key> = of_kind.cloned().collect();
        for key in keys {
            store.delete(&key).expect("the object is there");
        }
        store.resources.retain(|one| one.definition() != definition);
        let key = (
            format!("customresourcedefinitions.{DEFINITIONS}"),
            String::new(),
            definition.clone(),
        );
        store.delete(&key).expect("the kind was installed");
        store.happen(Some(definition), Event::End);
        drop(store);
        self.tell();
    }
}

/// What its CustomResourceDefinitions say they are of.
const BUNDLE: &str = "v1.7.0";
