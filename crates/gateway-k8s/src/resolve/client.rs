//! Routes of a Gateway that shows backends a certificate of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_core::model::{
    BackendId, BackendRef, BackendTarget, Filter, ObjectName, RequestMirror, Route, Rule,
    StreamRoute,
};

use super::route::ModelRoute;

/// The route with `backends` replaced by those that are for `gateway` alone.
pub(super) fn route_for(
    gateway: &ObjectName,
    backends: &BTreeSet<BackendId>,
    route: &ModelRoute,
) -> ModelRoute {
    let own = Own { gateway, backends };

    match route {
        ModelRoute::Requests(route) => ModelRoute::Requests(Arc::new(own.requests(route))),
        ModelRoute::Streams(route) => ModelRoute::Streams(Arc::new(own.streams(route))),
    }
}

struct Own<'a> {
    gateway: &'a ObjectName,
    backends: &'a BTreeSet<BackendId>,
}

impl Own<'_> {
    fn requests(&self, route: &Route) -> Route {
        let own = Route::new(route.name().clone())
            .with_kind(route.kind())
            .with_created(route.created());
        let own = route
            .hostnames()
            .iter()
            .cloned()
            .fold(own, Route::with_hostname);

        let rules = route.rules().iter().map(|rule| self.rule(rule));
        rules.fold(own, Route::with_rule)
    }

    fn rule(&self, rule: &Rule) -> Rule {
        let mut own = Rule::new().with_timeouts(rule.timeouts());
        if let Some(name) = rule.name() {
            own = own.with_name(name.clone());
        }
        if let Some(retry) = rule.retry() {
            own = own.with_retry(Arc::clone(retry));
        }
        own = rule.matches().iter().cloned().fold(own, Rule::with_match);
        let filters = rule.filters().iter().map(|filter| self.filter(filter));
        own = filters.fold(own, Rule::with_filter);

        let backends = rule.backends().iter().map(|backend| self.backend(backend));
        backends.fold(own, Rule::with_backend)
    }

    fn streams(&self, route: &StreamRoute) -> StreamRoute {
        let own = StreamRoute::new(route.kind(), route.name().clone());
        let own = own
            .with_created(route.created())
            .with_timeouts(route.timeouts());
        let own = route
            .hostnames()
            .iter()
            .cloned()
            .fold(own, StreamRoute::with_hostname);
        let layers = route.layers().iter().cloned();
        let own = layers.fold(own, StreamRoute::with_layer);

        let backends = route.backends().iter().map(|backend| self.backend(backend));
        backends.fold(own, StreamRoute::with_backend)
    }

    fn backend(&self, backend: &BackendRef) -> BackendRef {
        let own = match self.target(backend.target()) {
            BackendTarget::Backend(id) => BackendRef::new(id),
            BackendTarget::Invalid(reason) => BackendRef::invalid(reason),
        };
        let filters = backend.filters().iter().map(|filter| self.filter(filter));

        filters.fold(own.with_weight(backend.weight()), BackendRef::with_filter)
    }

    fn filter(&self, filter: &Filter) -> Filter {
        match filter {
            Filter::RequestMirror(mirror) => Filter::RequestMirror(Arc::new(RequestMirror {
                backend: self.target(&mirror.backend),
                ..RequestMirror::clone(mirror)
            })),
            other => other.clone(),
        }
    }

    fn target(&self, target: &BackendTarget) -> BackendTarget {
        match target {
            BackendTarget::Backend(id) if self.backends.contains(id) => {
                BackendTarget::Backend(id.clone().with_client(self.gateway.clone()))
            }
            other => other.clone(),
        }
    }
}
