//! What things are called: objects, sections of them, and rules.

use std::fmt;
use std::sync::Arc;

/// A namespaced object, `namespace/name`.
///
/// Cheap to clone.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectName {
    namespace: Arc<str>,
    name: Arc<str>,
}

impl ObjectName {
    /// The object called `name` in `namespace`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Reads `name`, which is then in the namespace `default`, or `namespace/name`.
impl From<&str> for ObjectName {
    fn from(text: &str) -> Self {
        match text.split_once('/') {
            Some((namespace, name)) => Self::new(namespace, name),
            None => Self::new("default", text),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A named part of an object: a listener of a Gateway, a rule of a route.
///
/// Source: `SectionName` of the Gateway API.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SectionName(Arc<str>);

impl SectionName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SectionName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which route, and which of its rules.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleRef {
    /// The route.
    pub route: ObjectName,
    /// The position of the rule in the route, from 0.
    pub index: usize,
    /// The rule's own name, where it has one.
    pub name: Option<SectionName>,
}

impl fmt::Display for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} rule {} ({name})", self.route, self.index),
            None => write!(f, "{} rule {}", self.route, self.index),
        }
    }
}
