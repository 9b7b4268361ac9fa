//! Where the API has an object.

use std::collections::HashMap;

use crate::world::{ForEachKind, Kind, ObjectRef, World};

/// The paths of every kind that is looked at.
#[derive(Debug)]
pub(super) struct Places {
    plurals: HashMap<String, String>,
}

impl Places {
    pub(super) fn new() -> Self {
        let mut places = Self {
            plurals: HashMap::new(),
        };
        World::for_each_kind(&mut places);
        places
    }

    /// The path of an object in the given version. There is none for a kind that is not
    /// looked at.
    pub(super) fn path(&self, object: &ObjectRef, version: &str) -> Option<String> {
        let plural = self.plurals.get(&*object.kind)?;
        let mut path = match &*object.group {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        if !object.namespace.is_empty() {
            path.push_str("/namespaces/");
            path.push_str(&object.namespace);
        }

        Some(format!("{path}/{plural}/{}", object.name))
    }
}

impl ForEachKind for Places {
    fn of_kind<T: Kind>(&mut self) {
        let (kind, plural) = (T::kind(&()), T::plural(&()));
        self.plurals.insert(kind.into_owned(), plural.into_owned());
    }
}

/// `apiVersion` of an object in the given version.
pub(super) fn api_version(object: &ObjectRef, version: &str) -> String {
    match &*object.group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    }
}
