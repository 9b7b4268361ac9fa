//! Filters of rules and of backendRefs.

use std::sync::Arc;

use gateway_core::model::{BackendTarget, ExtensionRef, Filter};
use gateway_filters::{Cors, Fraction, HeaderModifier, PathModifier, Redirect, Scheme, UrlRewrite};

use super::shop;
use crate::resolve::Settings;
use crate::testing::{Manifests, Outcome};
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::Reason;

fn world(rule: &str) -> Manifests {
    shop().http_route("shop/cart", |route| route.parent("edge/web").rule(rule))
}

fn filters(filters: &str) -> Vec<Filter> {
    let outcome = world(&format!("{{filters: [{filters}]}}")).resolve();
    outcome.route("shop/cart").accepts(Accepted);
    outcome.rule("shop/cart", 0).filters().to_vec()
}

fn refuses(outcome: &Outcome, reason: Reason) {
    outcome.route("shop/cart").refuses(Accepted, reason);
    assert!(matches!(
        outcome.rule("shop/cart", 0).filters(),
        [Filter::Invalid(_)]
    ));
}

#[test]
fn httproute_header_modifiers() {
    let read = filters(
        "{type: RequestHeaderModifier, requestHeaderModifier: \
         {set: [{name: X-Set, value: a}], add: [{name: x-add, value: b}], remove: [x-gone]}}, \
         {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [server]}}",
    );

    let request = HeaderModifier::new()
        .set("x-set", "a")
        .unwrap()
        .add("x-add", "b")
        .unwrap();
    let request = request.remove("x-gone").unwrap();
    let response = HeaderModifier::new().remove("server").unwrap();
    assert_eq!(
        read,
        [
            Filter::RequestHeaderModifier(Arc::new(request)),
            Filter::ResponseHeaderModifier(Arc::new(response)),
        ]
    );
}

#[test]
fn httproute_redirect() {
    let read = filters(
        "{type: RequestRedirect, requestRedirect: {scheme: https, hostname: example.org, \
         port: 8443, statusCode: 308, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}",
    );

    let redirect = Redirect::new()
        .with_scheme(Scheme::Https)
        .with_hostname("example.org")
        .unwrap()
        .with_port(8443.try_into().unwrap())
        .with_status(308.try_into().unwrap())
        .with_path(PathModifier::replace_prefix_match("/new").unwrap());
    assert_eq!(read, [Filter::RequestRedirect(Arc::new(redirect))]);
}

#[test]
fn httproute_rewrite() {
    let read = filters(
        "{type: URLRewrite, urlRewrite: {hostname: one.example.org, \
         path: {type: ReplaceFullPath, replaceFullPath: /one}}}",
    );

    let rewrite = UrlRewrite::new().with_hostname("one.example.org").unwrap();
    let rewrite = rewrite.with_path(PathModifier::replace_full_path("/one").unwrap());
    assert_eq!(read, [Filter::UrlRewrite(Arc::new(rewrite))]);
}

#[test]
fn httproute_cors() {
    let read = filters(
        "{type: CORS, cors: {allowOrigins: ['https://*.bar.com'], allowMethods: [GET], \
         allowHeaders: ['*'], exposeHeaders: [x-a], allowCredentials: true, maxAge: 60}}",
    );

    let cors = Cors::new()
        .with_credentials(true)
        .allow_origin("https://*.bar.com")
        .and_then(|cors| cors.allow_method("GET"))
        .and_then(|cors| cors.allow_header("*"))
        .and_then(|cors| cors.expose_header("x-a"))
        .unwrap()
        .with_max_age(std::time::Duration::from_secs(60));
    assert_eq!(read, [Filter::Cors(Arc::new(cors))]);
}

#[test]
fn httproute_request_percentage_mirror() {
    let fraction = |share: &str| {
        let read = filters(&format!(
            "{{type: RequestMirror, requestMirror: {{backendRef: {{name: cart, port: 8080}}{share}}}}}"
        ));
        match read.first() {
            Some(Filter::RequestMirror(mirror)) => mirror.fraction,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(fraction(""), Fraction::ALWAYS);
    assert_eq!(
        fraction(", percent: 20"),
        Fraction::from_percent(20).unwrap()
    );
    assert_eq!(
        fraction(", fraction: {numerator: 25, denominator: 50}"),
        Fraction::new(25, 50).unwrap()
    );
    assert_eq!(
        fraction(", fraction: {numerator: 25}"),
        Fraction::new(25, 100).unwrap()
    );
}

#[test]
fn the_backend_of_a_mirror_is_a_backend() {
    let mirror = |port: u16| {
        world(&format!(
            "{{filters: [{{type: RequestMirror, requestMirror: {{backendRef: {{name: cart, port: {port}}}}}}}]}}"
        ))
        .resolve()
    };

    assert!(mirror(8080).backend("shop/cart", 8080).is_some());
    let outcome = mirror(9);
    outcome.route("shop/cart").accepts(Accepted);
    outcome
        .route("shop/cart")
        .refuses(ResolvedRefs, Reason::BackendNotFound);
    match outcome.rule("shop/cart", 0).filters() {
        [Filter::RequestMirror(mirror)] => {
            assert!(matches!(mirror.backend, BackendTarget::Invalid(_)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn httproute_backend_request_header_modifier() {
    let outcome = world(
        "{backendRefs: [{name: cart, port: 8080, filters: [{type: RequestHeaderModifier, \
         requestHeaderModifier: {set: [{name: x, value: y}]}}]}]}",
    )
    .resolve();

    let filters = outcome.rule("shop/cart", 0).backends()[0].filters();
    assert!(matches!(filters, [Filter::RequestHeaderModifier(_)]));
}

#[test]
fn a_custom_filter_must_be_registered() {
    let rule =
        "{filters: [{type: ExtensionRef, extensionRef: {group: a.com, kind: Wasm, name: x}}]}";
    let reference = ExtensionRef::new("a.com", "Wasm", "x");

    let unknown = world(rule).resolve();
    unknown.route("shop/cart").accepts(Accepted);
    unknown
        .route("shop/cart")
        .refuses(ResolvedRefs, Reason::InvalidKind);
    assert!(matches!(
        unknown.rule("shop/cart", 0).filters(),
        [Filter::Invalid(_)]
    ));

    let settings = Settings::folder().with_extension(reference.clone());
    let known = world(rule).settings(settings).resolve();
    known.route("shop/cart").accepts(ResolvedRefs);
    assert_eq!(
        known.rule("shop/cart", 0).filters(),
        [Filter::Extension(reference)]
    );
}

#[test]
fn filters_that_exclude_each_other_are_refused() {
    let redirect = "{type: RequestRedirect, requestRedirect: {hostname: a.com}}";
    let rewrite = "{type: URLRewrite, urlRewrite: {hostname: a.com}}";
    let modifier = "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a]}}";

    for rule in [
        format!("{{filters: [{redirect}, {rewrite}]}}"),
        format!("{{filters: [{modifier}, {modifier}]}}"),
        format!("{{filters: [{redirect}], backendRefs: [{{name: cart, port: 8080}}]}}"),
        format!("{{backendRefs: [{{name: cart, port: 8080, filters: [{modifier}, {modifier}]}}]}}"),
    ] {
        let outcome = world(&rule).resolve();
        refuses(&outcome, Reason::IncompatibleFilters);
        let listener = outcome.gateway("edge/web").listener("http-80");
        assert_eq!(listener.verdict.attached_routes, 0);
    }
}

#[test]
fn a_prefix_is_replaced_only_where_there_is_one() {
    let filter = "filters: [{type: URLRewrite, urlRewrite: \
                  {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]";

    for matches in [
        "[{path: {type: Exact, value: /a}}]",
        "[{path: {value: /a}}, {path: {value: /b}}]",
        "[{path: {type: RegularExpression, value: /a}}]",
    ] {
        let outcome = world(&format!("{{matches: {matches}, {filter}}}")).resolve();
        refuses(&outcome, Reason::UnsupportedValue);
    }
    for matches in ["[{path: {value: /a}}]", "[{method: GET}]", "[]"] {
        let outcome = world(&format!("{{matches: {matches}, {filter}}}")).resolve();
        outcome.route("shop/cart").accepts(Accepted);
    }
}

#[test]
fn settings_that_cannot_be_obeyed_are_refused_with_their_field() {
    for (filter, field) in [
        (
            "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: 'a b', value: c}]}}",
            "requestHeaderModifier.set[0]",
        ),
        ("{type: RequestHeaderModifier}", "requestHeaderModifier"),
        (
            "{type: RequestHeaderModifier, requestHeaderModifier: {}, cors: {}}",
            "cors",
        ),
        (
            "{type: RequestRedirect, requestRedirect: {scheme: ftp}}",
            "requestRedirect.scheme",
        ),
        (
            "{type: RequestRedirect, requestRedirect: {statusCode: 200}}",
            "requestRedirect.statusCode",
        ),
        (
            "{type: RequestRedirect, requestRedirect: {port: 0}}",
            "requestRedirect.port",
        ),
        (
            "{type: RequestRedirect, requestRedirect: {hostname: 'a b'}}",
            "requestRedirect.hostname",
        ),
        (
            "{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath}}}",
            "urlRewrite.path.replaceFullPath",
        ),
        (
            "{type: URLRewrite, urlRewrite: {path: {type: Half}}}",
            "urlRewrite.path.type",
        ),
        (
            "{type: CORS, cors: {allowOrigins: ['*', 'https://a.com']}}",
            "cors.allowOrigins",
        ),
        ("{type: CORS, cors: {maxAge: 0}}", "cors.maxAge"),
        (
            "{type: RequestMirror, requestMirror: {backendRef: {name: cart, port: 8080}, percent: 101}}",
            "requestMirror.percent",
        ),
        (
            "{type: RequestMirror, requestMirror: {backendRef: {name: cart, port: 8080}, percent: 1, fraction: {numerator: 1}}}",
            "requestMirror",
        ),
    ] {
        let outcome = world(&format!("{{filters: [{filter}]}}")).resolve();

        refuses(&outcome, Reason::UnsupportedValue);
        let message = outcome.route("shop/cart").message(Accepted);
        let start = format!("spec.rules[0].filters[0].{field}: ");
        assert!(
            message.starts_with(&start),
            "{message} is not about {field}"
        );
    }
}
