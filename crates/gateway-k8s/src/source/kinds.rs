//! The kinds that are read, and how each is decoded.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::Value;

use super::fields::{self, Misfit};
use crate::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};
use crate::world::{Kind, Loaded, ObjectRef, World};

/// How objects of one kind are read.
pub(super) struct Reader {
    /// Whether objects of this kind have a namespace.
    pub(super) namespaced: bool,
    /// The versions that decode alike.
    pub(super) versions: &'static [&'static str],
    group: fn() -> Cow<'static, str>,
    kind: fn() -> Cow<'static, str>,
    decode: fn(Value) -> Result<Decoded, Misfit>,
    remove: fn(&mut World, &str, &str) -> bool,
}

/// An object that was decoded.
pub(super) struct Decoded {
    /// The object.
    pub(super) object: Arc<dyn Object>,
    /// The paths of fields that its kind does not have.
    pub(super) unknown: Vec<String>,
}

/// An object of whatever kind.
pub(super) trait Object: Debug + Send + Sync {
    /// Puts the object in its place in the world.
    fn put(self: Arc<Self>, world: &mut World);

    /// Whether the world has an equal object in that place.
    #[cfg(feature = "cluster")]
    fn is_in(&self, world: &World) -> bool;
}

impl Reader {
    /// How objects of this group and kind are read, if we do.
    pub(super) fn of(group: &str, kind: &str) -> Option<&'static Self> {
        READERS
            .iter()
            .find(|reader| (reader.kind)() == kind && (reader.group)() == group)
    }

    /// The group and the kind.
    pub(super) fn group_kind(&self) -> (Cow<'static, str>, Cow<'static, str>) {
        ((self.group)(), (self.kind)())
    }

    /// Decodes an object whose `apiVersion` and `kind` have been looked at.
    pub(super) fn decode(&self, object: Value) -> Result<Decoded, Misfit> {
        (self.decode)(object)
    }

    /// Takes an object of this kind out of the world, and says whether it was there.
    #[cfg(feature = "cluster")]
    pub(super) fn remove(&self, world: &mut World, object: &ObjectRef) -> bool {
        (self.remove)(world, &object.namespace, &object.name)
    }

    const fn for_kind<T: Kind>(versions: &'static [&'static str]) -> Self {
        Self {
            namespaced: T::NAMESPACED,
            versions,
            group: || T::group(&()),
            kind: || T::kind(&()),
            decode: |value| {
                let (object, unknown) = fields::decode::<T>(value)?;
                Ok(Decoded {
                    object: Arc::new(object),
                    unknown,
                })
            },
            remove: |world, namespace, name| world.remove::<T>(namespace, name).is_some(),
        }
    }
}

/// Takes an object of whatever kind out of the world.
pub(super) fn remove(object: &ObjectRef, world: &mut World) {
    if let Some(reader) = Reader::of(&object.group, &object.kind) {
        // Nobody asks whether it was there.
        let _ = (reader.remove)(world, &object.namespace, &object.name);
    }
}

impl<T: Kind> Object for T {
    fn put(self: Arc<Self>, world: &mut World) {
        world.insert::<T>(Loaded::<T>::new(self));
    }

    #[cfg(feature = "cluster")]
    fn is_in(&self, world: &World) -> bool {
        let meta = self.meta();
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        let name = meta.name.as_deref().unwrap_or_default();
        let known = world.objects::<T>().get(namespace, name);
        known.is_some_and(|known| **known == *self)
    }
}

// The API server converts between these versions without changing anything.
const GATEWAY_API: &[&str] = &["v1", "v1beta1", "v1alpha3", "v1alpha2"];
const EXPERIMENTAL: &[&str] = &["v1alpha1"];
const CORE: &[&str] = &["v1"];

static READERS: &[Reader] = &[
    Reader::for_kind::<HttpRoute>(GATEWAY_API),
    Reader::for_kind::<Service>(CORE),
    Reader::for_kind::<EndpointSlice>(CORE),
    Reader::for_kind::<Gateway>(GATEWAY_API),
    Reader::for_kind::<GatewayClass>(GATEWAY_API),
    Reader::for_kind::<ListenerSet>(GATEWAY_API),
    Reader::for_kind::<GrpcRoute>(GATEWAY_API),
    Reader::for_kind::<TlsRoute>(GATEWAY_API),
    Reader::for_kind::<TcpRoute>(GATEWAY_API),
    Reader::for_kind::<UdpRoute>(GATEWAY_API),
    Reader::for_kind::<ReferenceGrant>(GATEWAY_API),
    Reader::for_kind::<BackendTlsPolicy>(GATEWAY_API),
    Reader::for_kind::<XBackend>(EXPERIMENTAL),
    Reader::for_kind::<XBackendTrafficPolicy>(EXPERIMENTAL),
    Reader {
        decode: decode_secret,
        ..Reader::for_kind::<Secret>(CORE)
    },
    Reader::for_kind::<ConfigMap>(CORE),
    Reader::for_kind::<Namespace>(CORE),
];

/// As the API server does, puts `stringData` into `data`. Says nothing of values
/// when it fails: they are secret.
fn decode_secret(value: Value) -> Result<Decoded, Misfit> {
    let decoded = fields::decode::<Secret>(value);
    let (mut secret, unknown) = decoded.map_err(|misfit| Misfit {
        message: "has a value of another form".to_owned(),
        ..misfit
    })?;
    if let Some(texts) = secret.string_data.take() {
        let bytes = texts
            .into_iter()
            .map(|(key, text)| (key, ByteString(text.into_bytes())));
        secret.data.get_or_insert_default().extend(bytes);
    }
    Ok(Decoded {
        object: Arc::new(secret),
        unknown,
    })
}
