//! What the gateway's own layers do to a request, without a backend.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use gateway_core::model::{
    BackendId, BackendRef, Configuration, ExtensionRef, Filter, Gateway, Listener, ObjectName,
    Route, RouteMatch, Rule,
};
use gateway_core::{Body, BoxError, ClientAddress, RoutingService, RuleStack};
use http::{Request, Response, request, response};
use tower::layer::layer_fn;
use tower::{ServiceExt, service_fn};

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It would be sent to a backend, in this form.
    Forwarded(Box<request::Parts>),
    /// The gateway answers it.
    Answered(Box<response::Parts>),
}

/// Runs a request through admission alone, so that it is known what routing sees.
pub(super) async fn admit(request: Request<Body>) -> Outcome {
    // As a filter of the rule, before X-Forwarded-* matter to anybody.
    run(Rule::new().with_filter(catch()), request).await
}

/// Runs a request through the filters of `rule`, of which only `condition` counts,
/// and of one of its backends, if it has any.
///
/// Copies for mirrors are not made: they would really be sent.
pub(super) async fn forward(
    rule: &Rule,
    condition: Option<&RouteMatch>,
    backend: Option<&BackendRef>,
    mut request: Request<Body>,
) -> Outcome {
    let is_done = |filter: &&Filter| !matches!(filter, Filter::RequestMirror(_));
    let nowhere = BackendId::new("Service", ObjectName::from("nowhere"), 0);

    let mut same = Rule::new();
    if let Some(backend) = backend {
        let mut reference = BackendRef::new(nowhere);
        for filter in backend.filters().iter().filter(is_done) {
            reference = reference.with_filter(filter.clone());
        }
        same = same.with_backend(reference.with_filter(catch()));
    }
    for filter in rule.filters().iter().filter(is_done) {
        same = same.with_filter(filter.clone());
    }
    if let Some(condition) = condition {
        same = same.with_match(condition.clone());
    }

    request.extensions_mut().insert(ClientAddress(CLIENT));
    run(same, request).await
}

async fn run(rule: Rule, request: Request<Body>) -> Outcome {
    let caught = Arc::new(Mutex::new(None));
    let catcher = layer_fn({
        let caught = Arc::clone(&caught);
        move |_: RuleStack| {
            let caught = Arc::clone(&caught);
            service_fn(move |request: Request<Body>| {
                let parts = request.into_parts().0;
                *caught.lock().unwrap_or_else(PoisonError::into_inner) = Some(parts);
                async { Ok::<_, BoxError>(Response::new(Body::empty())) }
            })
        }
    });

    // For every host, because the listener was chosen already.
    let listener = Listener::http("any", 80).with_route(Route::new("only").with_rule(rule));
    let gateway = Gateway::new("only").with_listener(listener);
    let service = RoutingService::new().with_layer(catch_name(), catcher);
    service.update(&Configuration::new().with_gateway(gateway));

    let Ok(response) = service.oneshot(request).await;
    let caught = caught.lock().unwrap_or_else(PoisonError::into_inner).take();
    match caught {
        Some(parts) => Outcome::Forwarded(Box::new(parts)),
        None => Outcome::Answered(Box::new(response.into_parts().0)),
    }
}

fn catch() -> Filter {
    Filter::Extension(catch_name())
}

fn catch_name() -> ExtensionRef {
    ExtensionRef::new("", "Catch", "request")
}

/// Of a client that nobody is (RFC 5737).
pub(super) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
