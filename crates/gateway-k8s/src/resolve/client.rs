//! Routes of a Gateway that shows backends a certificate of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use gateway_core::model::{BackendId, ObjectName, Route, StreamRoute};

use super::route::ModelRoute;

/// The route with `backends` replaced by those that are for `gateway` alone.
pub(super) fn route_for(
    gateway: &ObjectName,
    backends: &BTreeSet<BackendId>,
    route: &ModelRoute,
) -> ModelRoute {
    let own = |id: &mut BackendId| {
        if backends.contains(id) {
            *id = id.clone().with_client(gateway.clone());
        }
    };

    match route {
        ModelRoute::Requests(route) => {
            ModelRoute::Requests(Arc::new(Route::clone(route).with_edited_backends(own)))
        }
        ModelRoute::Streams(route) => ModelRoute::Streams(Arc::new(
            StreamRoute::clone(route).with_edited_backends(own),
        )),
    }
}

#[cfg(test)]
mod tests {
    use gateway_core::model::{
        BackendRef, BackendTarget, Filter, Policy, RequestMirror, Rule, StreamRouteKind,
    };
    use gateway_filters::{AccessControl, Fraction, RetryBudget};

    use super::*;

    fn id(name: &str) -> BackendId {
        BackendId::from(name)
    }

    fn own(name: &str) -> BackendId {
        id(name).with_client("shop/edge".into())
    }

    fn mirror(backend: BackendId) -> Filter {
        Filter::RequestMirror(Arc::new(RequestMirror {
            backend: BackendTarget::Backend(backend),
            fraction: Fraction::ALWAYS,
        }))
    }

    /// A route with everything that a rebuilt one could forget.
    fn route(a: BackendId, copies: BackendId) -> ModelRoute {
        let backends = BackendRef::new(a).with_filter(mirror(copies.clone()));
        let rule = Rule::new()
            .with_backend(backends)
            .with_backend(BackendRef::new(id("b")))
            .with_filter(mirror(copies))
            .with_retry_budget(RetryBudget::new())
            .with_policy(Policy::Access(Arc::new(AccessControl::new())));
        ModelRoute::Requests(Arc::new(Route::new("shop/a").with_rule(rule)))
    }

    #[test]
    fn nothing_is_changed_but_the_backends() {
        let gateway = "shop/edge".into();
        let backends = BTreeSet::from([id("a"), id("copies")]);

        let changed = route_for(&gateway, &backends, &route(id("a"), id("copies")));

        assert_eq!(changed, route(own("a"), own("copies")));
    }

    #[test]
    fn streams_keep_all_but_the_backends_too() {
        let gateway = "shop/edge".into();
        let stream = |a: BackendId| {
            let route = StreamRoute::new(StreamRouteKind::Tls, "shop/a")
                .with_backend(BackendRef::new(a))
                .with_policy(Policy::Access(Arc::new(AccessControl::new())));
            ModelRoute::Streams(Arc::new(route))
        };

        let changed = route_for(&gateway, &BTreeSet::from([id("a")]), &stream(id("a")));

        assert_eq!(changed, stream(own("a")));
    }
}
