//! Which kinds are watched, and how.

use std::borrow::Cow;
use std::sync::LazyLock;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::ApiResource;
use serde_json::{Map, Value};

use super::lean;
use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};
use crate::source::kinds::Reader;
use crate::world::{Kind, ObjectRef, World};

/// A kind that is watched.
pub(super) struct Watched {
    /// How its objects are decoded.
    pub(super) reader: &'static Reader,
    pub(super) group: Cow<'static, str>,
    pub(super) kind: Cow<'static, str>,
    plural: String,
    /// Whether every cluster has it.
    pub(super) is_built_in: bool,
    /// Whether nothing but metadata is asked for.
    pub(super) metadata_only: bool,
    /// Which objects are asked for; nothing for all of them.
    pub(super) field_selector: Option<&'static str>,
    /// Whether the gateway writes its status.
    pub(super) has_status: bool,
    /// Leaves nothing of an object but what is used.
    pub(super) lean: fn(&mut Map<String, Value>),
    /// The names of its objects in one namespace, or in all.
    pub(super) names: fn(&World, Option<&str>) -> Vec<ObjectRef>,
    /// The `metadata.uid` of one of its objects.
    pub(super) uid: for<'a> fn(&'a World, &str, &str) -> Option<&'a str>,
}

impl Watched {
    /// All of them.
    pub(super) fn all() -> &'static [Self] {
        &*ALL
    }

    /// What is asked for, in this version.
    pub(super) fn resource(&self, version: &str) -> ApiResource {
        ApiResource {
            group: self.group.to_string(),
            version: version.to_owned(),
            api_version: match &*self.group {
                "" => version.to_owned(),
                group => format!("{group}/{version}"),
            },
            kind: self.kind.to_string(),
            plural: self.plural.clone(),
        }
    }

    /// What the kind is called among CustomResourceDefinitions.
    pub(super) fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// Whether its objects are nobody's business who need not know them.
    pub(super) fn is_secret(&self) -> bool {
        self.kind == "Secret" && self.group.is_empty()
    }

    /// A kind that every cluster has.
    fn built_in<T: Kind>(lean: fn(&mut Map<String, Value>)) -> Self {
        Self {
            is_built_in: true,
            ..Self::installed::<T>(lean)
        }
    }

    /// A kind that the gateway writes the status of.
    fn with_status<T: Kind>() -> Self {
        Self {
            has_status: true,
            ..Self::installed::<T>(lean::custom)
        }
    }

    fn installed<T: Kind>(lean: fn(&mut Map<String, Value>)) -> Self {
        let (group, kind) = (T::group(&()), T::kind(&()));
        Self {
            reader: Reader::of(&group, &kind).expect("every kind of a world has a reader"),
            group,
            kind,
            plural: T::plural(&()).into_owned(),
            is_built_in: false,
            metadata_only: false,
            field_selector: None,
            has_status: false,
            lean,
            names: names::<T>,
            uid: |world, namespace, name| {
                let object = world.objects::<T>().get(namespace, name)?;
                object.meta().uid.as_deref()
            },
        }
    }
}

static ALL: LazyLock<[Watched; 17]> = LazyLock::new(|| {
    [
        Watched::with_status::<GatewayClass>(),
        Watched {
            lean: lean::gateway,
            ..Watched::with_status::<Gateway>()
        },
        Watched::with_status::<ListenerSet>(),
        Watched::with_status::<HttpRoute>(),
        Watched::with_status::<GrpcRoute>(),
        Watched::with_status::<TlsRoute>(),
        Watched::with_status::<TcpRoute>(),
        Watched::with_status::<UdpRoute>(),
        Watched::installed::<ReferenceGrant>(lean::custom),
        Watched::with_status::<BackendTlsPolicy>(),
        Watched::with_status::<XBackend>(),
        Watched::with_status::<XBackendTrafficPolicy>(),
        Watched::built_in::<Service>(lean::service),
        Watched::built_in::<EndpointSlice>(lean::endpoint_slice),
        Watched {
            metadata_only: true,
            ..Watched::built_in::<Namespace>(lean::namespace)
        },
        Watched {
            // Keeps others out of memory. It is a convenience, not a permission.
            field_selector: Some("type=kubernetes.io/tls"),
            ..Watched::built_in::<Secret>(lean::secret)
        },
        Watched::built_in::<ConfigMap>(lean::config_map),
    ]
});

fn names<T: Kind>(world: &World, namespace: Option<&str>) -> Vec<ObjectRef> {
    let objects = world.objects::<T>();
    match namespace {
        Some(namespace) => {
            let objects = objects.in_namespace(namespace);
            objects.map(|one| ObjectRef::of(&**one)).collect()
        }
        None => objects.iter().map(|one| ObjectRef::of(&**one)).collect(),
    }
}
