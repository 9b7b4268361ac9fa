//! Writing HTTPRoutes.

use super::{meta, parse, set_created, split};
use crate::api::{HttpBackendRef, HttpRoute, HttpRouteRule, HttpRouteSpec, ParentReference};

/// An HTTPRoute under construction.
#[derive(Clone, Debug)]
pub struct RouteText {
    route: HttpRoute,
}

impl RouteText {
    pub(super) fn new(name: &str) -> Self {
        Self {
            route: HttpRoute {
                metadata: meta(name),
                spec: HttpRouteSpec::default(),
                status: None,
            },
        }
    }

    /// Says when it was made.
    #[must_use]
    pub fn created(mut self, seconds: i64) -> Self {
        set_created(&mut self.route, seconds);
        self
    }

    /// Adds a Gateway as a parent.
    #[must_use]
    pub fn parent(self, gateway: &str) -> Self {
        let (namespace, name) = split(gateway);
        self.parent_ref(&format!("{{namespace: {namespace}, name: {name}}}"))
    }

    /// Adds a listener of a Gateway as a parent.
    #[must_use]
    pub fn section(self, gateway: &str, listener: &str) -> Self {
        let (namespace, name) = split(gateway);
        self.parent_ref(&format!(
            "{{namespace: {namespace}, name: {name}, sectionName: {listener}}}"
        ))
    }

    /// Adds a parent that is written as YAML.
    #[must_use]
    pub fn parent_ref(mut self, text: &str) -> Self {
        let parents = self.route.spec.parent_refs.get_or_insert_default();
        parents.push(parse::<ParentReference>(text));
        self
    }

    /// Adds a hostname.
    #[must_use]
    pub fn hostname(mut self, hostname: &str) -> Self {
        let hostnames = self.route.spec.hostnames.get_or_insert_default();
        hostnames.push(hostname.to_owned());
        self
    }

    /// Adds a rule that is written as YAML.
    #[must_use]
    pub fn rule(mut self, text: &str) -> Self {
        let rules = self.route.spec.rules.get_or_insert_default();
        rules.push(parse::<HttpRouteRule>(text));
        self
    }

    /// Adds a Service, as `namespace/name`, to the last rule; or to a first one.
    #[must_use]
    pub fn backend(self, service: &str, port: u16) -> Self {
        let (namespace, name) = split(service);
        self.backend_ref(&format!(
            "{{namespace: {namespace}, name: {name}, port: {port}}}"
        ))
    }

    /// Adds a backend that is written as YAML, to the last rule; or to a first one.
    #[must_use]
    pub fn backend_ref(mut self, text: &str) -> Self {
        let rules = self.route.spec.rules.get_or_insert_default();
        if rules.is_empty() {
            rules.push(HttpRouteRule::default());
        }
        if let Some(rule) = rules.last_mut() {
            let backends = rule.backend_refs.get_or_insert_default();
            backends.push(parse::<HttpBackendRef>(text));
        }
        self
    }

    /// Changes the spec in any other way.
    #[must_use]
    pub fn spec(mut self, edit: impl FnOnce(&mut HttpRouteSpec)) -> Self {
        edit(&mut self.route.spec);
        self
    }
}

impl From<RouteText> for HttpRoute {
    fn from(text: RouteText) -> Self {
        text.route
    }
}
