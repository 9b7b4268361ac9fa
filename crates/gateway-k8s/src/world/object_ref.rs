//! Which object.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::Kind;

/// An object of any kind, by name. The version is no part of it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The kind, as the API spells it: `HTTPRoute`.
    pub kind: Cow<'static, str>,
    /// The namespace; empty for a kind that has none.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl ObjectRef {
    /// The object called `name` in `namespace`, which is empty for a kind that
    /// has no namespaces.
    pub fn new<T: Kind>(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            group: T::group(&()),
            kind: T::kind(&()),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// What `object` is called.
    pub fn of<T: Kind>(object: &T) -> Self {
        let meta = object.meta();
        Self::new::<T>(
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
        )
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        match &*self.namespace {
            "" => write!(f, " {}", self.name),
            namespace => write!(f, " {namespace}/{}", self.name),
        }
    }
}
