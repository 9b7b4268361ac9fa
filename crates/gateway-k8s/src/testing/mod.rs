//! Worlds written down as shortly as the manifests they stand for.
//!
//! # Example
//!
//! ```
//! use gateway_k8s::testing::Manifests;
//! use gateway_k8s::verdict::{ConditionType, Reason};
//!
//! let outcome = Manifests::new()
//!     .gateway("edge/web", |gateway| gateway.http(80).from_all())
//!     .http_route("shop/cart", |route| route.parent("edge/web").backend("billing/api", 8080))
//!     .resolve();
//!
//! outcome.route("shop/cart").refuses(ConditionType::ResolvedRefs, Reason::RefNotPermitted);
//! ```
//!
//! Everything here panics where a test would be wrong.

#[cfg(feature = "cluster")]
pub mod api_server;
mod certificates;
mod gateway;
mod outcome;
mod route;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;

use crate::api::{
    Gateway, GatewayClass, GatewayClassSpec, HttpRoute, ListenerSet, ReferenceGrant,
    ReferenceGrantFrom, ReferenceGrantSpec, ReferenceGrantTo, XBackend,
};
use crate::resolve::{CONTROLLER_NAME, Settings, resolve};
use crate::world::{Kind, World};

pub use self::certificates::{AUTHORITY, ELSEWHERE, SHOP, TestCertificate, UNRELATED, WILD};
pub use self::gateway::GatewayText;
pub use self::outcome::{
    GatewayOutcome, ListenerOutcome, ListenerSetOutcome, Outcome, RouteOutcome,
};
pub use self::route::RouteText;

/// A world under construction. Names are `namespace/name`.
#[derive(Clone, Debug)]
pub struct Manifests {
    world: World,
    settings: Settings,
}

impl Manifests {
    /// A world with nothing but our GatewayClass `gateway-rs`, as in a folder.
    #[must_use]
    pub fn new() -> Self {
        let mut class = GatewayClass::new(
            CLASS,
            GatewayClassSpec {
                controller_name: CONTROLLER_NAME.to_owned(),
                ..Default::default()
            },
        );
        class.metadata.generation = Some(1);

        Self::empty().with(class)
    }

    /// A world with nothing at all.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            world: World::default(),
            settings: Settings::folder(),
        }
    }

    /// Resolves with these settings instead of those for a folder.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Adds any object.
    #[must_use]
    pub fn with<T: Kind>(mut self, object: T) -> Self {
        self.world.insert(object);
        self
    }

    /// Takes an object out.
    #[must_use]
    pub fn without<T: Kind>(mut self, name: &str) -> Self {
        let (namespace, name) = split(name);
        self.world.remove::<T>(namespace, name);
        self
    }

    /// Changes an object.
    #[must_use]
    pub fn edit<T: Kind>(mut self, name: &str, edit: impl FnOnce(&mut T)) -> Self {
        let (namespace, name) = split(name);
        let object = self.world.objects::<T>().get(namespace, name);
        let mut object = T::clone(object.expect("no such object"));
        edit(&mut object);
        self.world.insert(object);
        self
    }

    /// Adds an object that is written as YAML.
    #[must_use]
    pub fn yaml<T: Kind>(self, text: &str) -> Self {
        self.with::<T>(parse(text))
    }

    /// Adds a Gateway of our class, without listeners.
    #[must_use]
    pub fn gateway(self, name: &str, write: impl FnOnce(GatewayText) -> GatewayText) -> Self {
        let gateway: Gateway = write(GatewayText::new(name)).into();
        self.with(gateway)
    }

    /// Adds an HTTPRoute, without rules.
    #[must_use]
    pub fn http_route(self, name: &str, write: impl FnOnce(RouteText) -> RouteText) -> Self {
        let route: HttpRoute = write(RouteText::new(name)).into();
        self.with(route)
    }

    /// Adds a Service with one port, and an EndpointSlice with one endpoint for
    /// each of `addresses` on port 3000.
    #[must_use]
    pub fn service(self, name: &str, port: u16, addresses: &[&str]) -> Self {
        let ready = EndpointConditions {
            ready: Some(true),
            ..Default::default()
        };
        let endpoints = addresses.iter().map(|address| (*address, ready.clone()));

        self.bare_service(name, port, None)
            .slice(name, "1", endpoints.collect())
    }

    /// Adds a Service with one port and no endpoints.
    #[must_use]
    pub fn bare_service(self, name: &str, port: u16, app_protocol: Option<&str>) -> Self {
        let port = ServicePort {
            port: port.into(),
            app_protocol: app_protocol.map(str::to_owned),
            ..Default::default()
        };
        let service = Service {
            metadata: meta(name),
            spec: Some(ServiceSpec {
                ports: Some(vec![port]),
                ..Default::default()
            }),
            status: None,
        };
        self.with(service)
    }

    /// Adds an EndpointSlice of a Service, on port 3000.
    #[must_use]
    pub fn slice(
        self,
        service: &str,
        suffix: &str,
        endpoints: Vec<(&str, EndpointConditions)>,
    ) -> Self {
        let (_, name) = split(service);
        let mut metadata = meta(&format!("{service}-{suffix}"));
        let label = ("kubernetes.io/service-name".to_owned(), name.to_owned());
        metadata.labels = Some(BTreeMap::from([label]));
        let endpoints = endpoints.into_iter().map(|(address, conditions)| Endpoint {
            addresses: vec![address.to_owned()],
            conditions: Some(conditions),
            ..Default::default()
        });

        self.with(EndpointSlice {
            metadata,
            address_type: "IPv4".to_owned(),
            endpoints: endpoints.collect(),
            ports: Some(vec![EndpointPort {
                port: Some(3000),
                ..Default::default()
            }]),
        })
    }

    /// Adds an XBackend, its spec written as YAML.
    #[must_use]
    pub fn x_backend(self, name: &str, spec: &str) -> Self {
        self.with(XBackend {
            metadata: meta(name),
            spec: parse(spec),
            status: None,
        })
    }

    /// Adds a ReferenceGrant: who of which namespace may refer to what in this
    /// one. Kinds may be written with their group, as in `gateway.networking.k8s.io/HTTPRoute`.
    #[must_use]
    pub fn grant(self, name: &str, from: (&str, &str), to: (&str, Option<&str>)) -> Self {
        let (from_group, from_kind) = from.0.rsplit_once('/').unwrap_or((GROUP, from.0));
        let (to_group, to_kind) = to.0.rsplit_once('/').unwrap_or(("", to.0));
        let spec = ReferenceGrantSpec {
            from: vec![ReferenceGrantFrom {
                group: from_group.to_owned(),
                kind: from_kind.to_owned(),
                namespace: from.1.to_owned(),
            }],
            to: vec![ReferenceGrantTo {
                group: to_group.to_owned(),
                kind: to_kind.to_owned(),
                name: to.1.map(str::to_owned),
            }],
        };
        self.with(ReferenceGrant {
            metadata: meta(name),
            spec,
        })
    }

    /// Adds a Namespace with labels.
    #[must_use]
    pub fn namespace(self, name: &str, labels: &[(&str, &str)]) -> Self {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        namespace.metadata.labels = Some(labels.collect());
        self.with(namespace)
    }

    /// Adds a Secret with a certificate and a key, as they are given.
    #[must_use]
    pub fn secret(self, name: &str, certificate: &str, key: &str) -> Self {
        let entry = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let data = BTreeMap::from([entry("tls.crt", certificate), entry("tls.key", key)]);
        self.with(Secret {
            metadata: meta(name),
            string_data: Some(data),
            ..Default::default()
        })
    }

    /// Adds a Secret with a certificate that can be served.
    #[must_use]
    pub fn tls_secret(self, name: &str, certificate: TestCertificate) -> Self {
        self.secret(name, certificate.certificate, certificate.key)
    }

    /// Adds a ConfigMap with one entry.
    #[must_use]
    pub fn config_map(self, name: &str, key: &str, value: &str) -> Self {
        self.with(ConfigMap {
            metadata: meta(name),
            data: Some(BTreeMap::from([(key.to_owned(), value.to_owned())])),
            ..Default::default()
        })
    }

    /// Adds a ListenerSet of a Gateway, its listeners written as a list in YAML.
    #[must_use]
    pub fn listener_set(self, name: &str, gateway: &str, listeners: &str) -> Self {
        let (namespace, parent) = split(gateway);
        let spec = format!(
            "{{parentRef: {{namespace: {namespace}, name: {parent}}}, listeners: {listeners}}}"
        );
        self.with(ListenerSet {
            metadata: meta(name),
            spec: parse(&spec),
            status: None,
        })
    }

    /// Says when an object was made.
    #[must_use]
    pub fn created<T: Kind>(self, name: &str, seconds: i64) -> Self {
        self.edit::<T>(name, |object| set_created(object, seconds))
    }

    /// The world as it is now.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Resolves it.
    pub fn resolve(&self) -> Outcome {
        Outcome::of(resolve(&self.world, &self.settings))
    }
}

impl Default for Manifests {
    fn default() -> Self {
        Self::new()
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("", name))
}

fn meta(name: &str) -> ObjectMeta {
    let (namespace, name) = split(name);

    ObjectMeta {
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        name: Some(name.to_owned()),
        generation: Some(1),
        ..Default::default()
    }
}

/// Says when an object was made.
fn set_created(object: &mut impl Resource, seconds: i64) {
    let time = jiff::Timestamp::from_second(seconds).expect("a time");
    object.meta_mut().creation_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(time));
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const CLASS: &str = "gateway-rs";
const GROUP: &str = "gateway.networking.k8s.io";
