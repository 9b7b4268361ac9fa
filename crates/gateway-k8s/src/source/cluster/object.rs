//! An object that came, decoded as far as it goes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::ObjectProblem;
use super::kinds::Watched;
use super::raw::text;
use crate::source::fields::Misfit;
use crate::source::kinds::Object;
use crate::status::Observed;
use crate::world::ObjectRef;

/// An object that came.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) name: ObjectRef,
    pub(super) uid: Arc<str>,
    /// What is told to whoever writes its status, if the gateway does.
    pub(super) observed: Option<Observed>,
    /// The object itself, if it has the form of its kind.
    pub(super) object: Result<Arc<dyn Object>, ObjectProblem>,
}

impl Seen {
    /// Reads an object of this kind and version; nothing, if it has no name.
    pub(super) fn read(
        watched: &Watched,
        version: &Arc<str>,
        mut fields: Map<String, Value>,
    ) -> Option<Self> {
        let name = name_of(watched, &fields)?;
        let metadata = fields.get("metadata")?.as_object()?;
        let uid: Arc<str> = text(metadata, "uid").unwrap_or_default().into();
        let observed = watched.has_status.then(|| Observed {
            object: name.clone(),
            uid: Arc::clone(&uid),
            resource_version: text(metadata, "resourceVersion").unwrap_or_default().into(),
            version: Arc::clone(version),
            status: fields
                .get("status")
                .filter(|status| !status.is_null())
                .map(json),
        });
        (watched.lean)(&mut fields);
        let decoded = watched.reader.decode(Value::Object(fields));
        let object = match decoded {
            Ok(decoded) => Ok(decoded.object),
            Err(misfit) => Err(problem(&name, misfit)),
        };
        Some(Self {
            name,
            uid,
            observed,
            object,
        })
    }
}

/// What an object of this kind is called, if it is.
pub(super) fn name_of(watched: &Watched, fields: &Map<String, Value>) -> Option<ObjectRef> {
    let metadata = fields.get("metadata")?.as_object()?;
    let namespace = text(metadata, "namespace").filter(|_| watched.reader.namespaced);
    Some(ObjectRef {
        group: watched.group.clone(),
        kind: watched.kind.clone(),
        namespace: namespace.unwrap_or_default().into(),
        name: text(metadata, "name")?.into(),
    })
}

fn json(status: &Value) -> Box<str> {
    status.to_string().into_boxed_str()
}

fn problem(name: &ObjectRef, misfit: Misfit) -> ObjectProblem {
    let remedy = misfit.remedy();
    ObjectProblem {
        object: name.clone(),
        field: misfit.field,
        message: misfit.message,
        remedy: remedy.to_owned(),
    }
}
