//! Objects as they should be, whatever their kind.

use std::collections::BTreeMap;

use gateway_core::model::ObjectName;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::Exposure;
use super::metadata::DIGEST;

/// A kind of objects that Gateways have, in the order in which they are made.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums)] // whoever makes objects has to know each
pub enum Made {
    /// Who a Gateway's pods are.
    ServiceAccount,
    /// What they may read besides.
    RoleBinding,
    /// How clients find it.
    Service,
    /// Where it is.
    EndpointSlice,
    /// How many of its pods may be taken away at once.
    PodDisruptionBudget,
    /// Its pods.
    Deployment,
}

impl Made {
    /// Each of them.
    pub const ALL: [Self; 6] = [
        Self::ServiceAccount,
        Self::RoleBinding,
        Self::Service,
        Self::EndpointSlice,
        Self::PodDisruptionBudget,
        Self::Deployment,
    ];

    /// Whether Gateways can have such objects.
    pub(super) fn is_made(self, exposure: Exposure) -> bool {
        match self {
            Self::Service => true,
            Self::EndpointSlice => exposure != Exposure::Dedicated,
            Self::ServiceAccount
            | Self::RoleBinding
            | Self::PodDisruptionBudget
            | Self::Deployment => exposure == Exposure::Dedicated,
        }
    }
}

/// Which object.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key {
    /// Of this kind.
    pub kind: Made,
    /// In this namespace.
    pub namespace: String,
    /// Of this name.
    pub name: String,
}

/// An object as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// For these Gateways, which own it: one, but for what those of a namespace share.
    pub gateways: Vec<ObjectName>,
    /// The fields that are set, in which an annotation has the digest of all others.
    pub object: Value,
}

/// Objects as they should be.
pub type Objects = BTreeMap<Key, Desired>;

/// Objects that were made here, as they are.
pub type Seen = BTreeMap<Key, Value>;

/// Adds an object of Gateways.
pub(super) fn add<T: Serialize + ResourceExt>(
    objects: &mut Objects,
    kind: Made,
    gateways: Vec<ObjectName>,
    object: &T,
) {
    let key = Key {
        kind,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    };
    let mut object = serde_json::to_value(object).expect("objects of the API are JSON");
    let digest = format!("{:016x}", xxh3_64(object.to_string().as_bytes()));
    object["metadata"]["annotations"][DIGEST] = digest.into();
    // Of two Gateways that want the same name, the first has it.
    objects.entry(key).or_insert(Desired { gateways, object });
}
