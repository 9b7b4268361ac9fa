//! GRPCRoutes.

use gateway_core::model::{
    BackendProtocol, BackendPurpose, BackendTarget, Filter, PathMatch, RouteKind,
};

use crate::api::GrpcRoute;
use crate::testing::{Manifests, Outcome};
use crate::verdict::ConditionType::{Accepted, PartiallyInvalid, ResolvedRefs};
use crate::verdict::Reason;

fn world(rules: &str) -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .service("shop/grpc", 80, &["10.0.0.1"])
        .yaml::<GrpcRoute>(&format!(
            "{{metadata: {{namespace: shop, name: calls}}, spec: {{\
             parentRefs: [{{namespace: edge, name: web}}], rules: {rules}}}}}"
        ))
}

fn paths(outcome: &Outcome) -> Vec<String> {
    let rules = outcome.served("shop/calls").rules().iter();
    let matches = rules.flat_map(|rule| rule.matches());
    matches
        .map(|one| match one.path_match() {
            PathMatch::Exact(path) => format!("= {path}"),
            PathMatch::Prefix(path) => format!("^ {path}"),
            PathMatch::Regex(pattern) => format!("~ {pattern}"),
        })
        .collect()
}

#[test]
fn methods_are_paths() {
    let outcome = world(
        "[{matches: [{method: {service: a.B, method: C}}, {method: {service: a.B}}, \
         {method: {method: C}}, {}, \
         {method: {type: RegularExpression, service: 'a|b', method: 'Get.*'}}]}]",
    )
    .resolve();

    assert_eq!(
        paths(&outcome),
        [
            "= /a.B/C",
            "^ /a.B",
            "~ /[^/]+/C",
            "^ ",
            "~ /(?:a|b)/(?:Get.*)"
        ]
    );
    assert_eq!(outcome.served("shop/calls").kind(), RouteKind::Grpc);
    outcome
        .route_of::<GrpcRoute>("shop/calls")
        .accepts(Accepted);
}

#[test]
fn methods_that_nobody_can_call_break_their_rule() {
    for method in [
        "{}",
        "{type: RegularExpression}",
        "{service: 'a/b'}",
        "{service: a.B, method: 'C-D'}",
        "{service: '..a'}",
        "{type: RegularExpression, service: 'a)|(b'}",
        "{type: Almost, service: a}",
    ] {
        let outcome = world(&format!(
            "[{{matches: [{{method: {method}}}]}}, {{matches: [{{method: {{service: good}}}}]}}]"
        ))
        .resolve();

        let route = outcome.route_of::<GrpcRoute>("shop/calls");
        route.accepts(Accepted);
        assert!(route.has(PartiallyInvalid), "{method}");
        assert_eq!(paths(&outcome), ["^ /good"], "{method}");
    }
}

#[test]
fn backends_are_spoken_to_over_http2_whatever_their_port_says() {
    let outcome = world("[{backendRefs: [{name: grpc, port: 80}]}]").resolve();

    let backend = &outcome.rule("shop/calls", 0).backends()[0];
    let BackendTarget::Backend(id) = backend.target() else {
        panic!("{backend:?}");
    };
    assert_eq!(id.purpose(), BackendPurpose::Grpc);
    let found = &outcome.resolved.configuration.backends()[id];
    assert_eq!(found.protocol(), BackendProtocol::H2c);
}

#[test]
fn a_port_that_says_it_speaks_http2_is_the_same_backend_for_both_kinds() {
    let outcome = world("[{backendRefs: [{name: h2c, port: 80}]}]")
        .bare_service("shop/h2c", 80, Some("kubernetes.io/h2c"))
        .http_route("shop/pages", |route| {
            route.parent("edge/web").backend("shop/h2c", 80)
        })
        .resolve();

    assert_eq!(outcome.resolved.configuration.backends().len(), 1);
}

#[test]
fn namesakes_of_two_kinds_are_two_routes() {
    let outcome = world("[{backendRefs: [{name: grpc, port: 80}]}]")
        .http_route("shop/calls", |route| {
            route.parent("edge/web").backend("shop/no-such", 80)
        })
        .resolve();

    assert_eq!(outcome.routes_of("edge/web", "http-80").len(), 2);
    outcome
        .route_of::<GrpcRoute>("shop/calls")
        .accepts(ResolvedRefs);
    outcome
        .route("shop/calls")
        .refuses(ResolvedRefs, Reason::BackendNotFound);
    let listener = outcome.gateway("edge/web").listener("http-80");
    assert_eq!(listener.verdict.attached_routes, 2);
}

#[test]
fn filters_are_those_of_grpc() {
    let outcome = world(
        "[{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}]}}, \
         {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [c]}}, \
         {type: RequestMirror, requestMirror: {backendRef: {name: grpc, port: 80}}}], \
         backendRefs: [{name: grpc, port: 80, weight: 3, filters: [{type: RequestHeaderModifier, \
         requestHeaderModifier: {remove: [d]}}]}]}]",
    )
    .resolve();

    let rule = outcome.rule("shop/calls", 0);
    assert!(matches!(
        rule.filters(),
        [
            Filter::RequestHeaderModifier(_),
            Filter::ResponseHeaderModifier(_),
            Filter::RequestMirror(_)
        ]
    ));
    assert_eq!(rule.backends()[0].weight(), 3);
    assert_eq!(rule.backends()[0].filters().len(), 1);
}

#[test]
fn what_is_not_supported_answers_with_an_error() {
    for rule in [
        "{sessionPersistence: {type: Cookie}}",
        "{filters: [{type: CORS}]}",
        "{filters: [{type: URLRewrite}]}",
        "{filters: [{type: RequestHeaderModifier}]}",
        "{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {}}, \
         {type: RequestHeaderModifier, requestHeaderModifier: {}}]}",
    ] {
        let outcome = world(&format!("[{rule}]")).resolve();

        let filters = outcome.rule("shop/calls", 0).filters();
        assert!(matches!(filters, [Filter::Invalid(_)]), "{rule}");
        let route = outcome.route_of::<GrpcRoute>("shop/calls");
        let reason = if rule.matches("RequestHeaderModifier").count() > 1 && rule.contains("{}},") {
            Reason::IncompatibleFilters
        } else {
            Reason::UnsupportedValue
        };
        route.refuses(Accepted, reason);
    }
}

#[test]
fn named_rules_have_names_of_their_own() {
    let outcome = world("[{name: a}, {name: a}]").resolve();

    outcome
        .route_of::<GrpcRoute>("shop/calls")
        .refuses(Accepted, Reason::UnsupportedValue);
    assert!(!outcome.is_served("shop/calls"));
}
