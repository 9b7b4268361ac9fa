//! Objects as they come, whatever is in them.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// An object of any kind, or with `METADATA` nothing but its metadata.
///
/// Decoding it never fails, so that no object can break a list or a watch for the
/// others.
#[derive(Clone, Debug)]
pub(super) struct Raw<const METADATA: bool> {
    /// What watching needs of it.
    meta: ObjectMeta,
    /// All that was said.
    pub(super) fields: Map<String, Value>,
}

impl<const METADATA: bool> Raw<METADATA> {
    /// Its resource version.
    pub(super) fn version(&self) -> Option<String> {
        self.meta.resource_version.clone()
    }
}

impl<const METADATA: bool> Resource for Raw<METADATA> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn metadata_api() -> bool {
        METADATA
    }

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

impl<'de, const METADATA: bool> Deserialize<'de> for Raw<METADATA> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = match Value::deserialize(deserializer)? {
            Value::Object(fields) => fields,
            // Has no name, and is told apart by that.
            _ => Map::new(),
        };
        let mut meta = ObjectMeta::default();
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.remove("managedFields");
            meta.resource_version = text(metadata, "resourceVersion").map(str::to_owned);
        }
        Ok(Self { meta, fields })
    }
}

/// A field that is a text.
pub(super) fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key)?.as_str()
}
