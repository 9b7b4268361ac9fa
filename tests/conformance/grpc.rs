//! Where calls of gRPC go.

use futures_util::{StreamExt, stream};
use gateway_k8s::api::GrpcRoute;
use serde_json::json;

use crate::call::{Call, GRPC_V1, GRPC_V2, GRPC_V3, call, expect};
use crate::line;
use crate::suite::Suite;

async fn check<const N: usize>(manifest: &str, route: &str, calls: [(Call, Option<&str>); N]) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let address = suite.accepted_of::<GrpcRoute>("same-namespace", &[route]);
    suite.resolved_of::<GrpcRoute>("same-namespace", route);
    expect(address, calls).await;
}

#[tokio::test]
async fn grpc_exact_method_matching() {
    let calls = [
        (call("Echo"), Some(GRPC_V1)),
        (call("EchoTwo"), Some(GRPC_V2)),
        (call("EchoThree"), None),
    ];
    check("grpcroute-exact-method-matching", "exact-matching", calls).await;
}

#[tokio::test]
async fn grpcroute_header_matching() {
    let with = |pairs: &[(&str, &str)]| call("Echo").metadata(pairs);
    let calls = [
        (with(&[("version", "one")]), Some(GRPC_V1)),
        (with(&[("version", "two")]), Some(GRPC_V2)),
        (
            with(&[("version", "two"), ("color", "orange")]),
            Some(GRPC_V1),
        ),
        (
            with(&[("version", "two"), ("color", "blue")]),
            Some(GRPC_V2),
        ),
        (with(&[("color", "orange")]), None),
        (with(&[("some-other-header", "one")]), None),
        (with(&[("color", "blue")]), Some(GRPC_V1)),
        (with(&[("color", "green")]), Some(GRPC_V1)),
        (with(&[("color", "red")]), Some(GRPC_V2)),
        (with(&[("color", "yellow")]), Some(GRPC_V2)),
        (with(&[("color", "purple")]), None),
    ];
    check("grpcroute-header-matching", "grpc-header-matching", calls).await;
}

#[tokio::test]
async fn grpcroute_listener_hostname_matching() {
    let name = "grpcroute-listener-hostname-matching";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let routes = ["backend-v1", "backend-v2", "backend-v3"];
    let address = suite.accepted_of::<GrpcRoute>(name, &routes);
    for route in routes {
        suite.resolved_of::<GrpcRoute>(name, route);
    }

    let of = |authority: &str| call("Echo").authority(authority);
    let calls = [
        (of("bar.com"), Some(GRPC_V1)),
        (of("foo.bar.com"), Some(GRPC_V2)),
        (of("baz.bar.com"), Some(GRPC_V3)),
        (of("boo.bar.com"), Some(GRPC_V3)),
        (of("multiple.prefixes.bar.com"), Some(GRPC_V3)),
        (of("multiple.prefixes.foo.com"), Some(GRPC_V3)),
        (of("foo.com"), None),
        (of("no.matching.host"), None),
    ];
    expect(address, calls).await;
}

#[tokio::test]
async fn grpcroute_named_rule() {
    let calls = [
        (call("Echo"), Some(GRPC_V1)),
        (call("EchoTwo"), Some(GRPC_V2)),
    ];
    check("grpcroute-named-rule", "grpc-named-rules", calls).await;
}

#[tokio::test]
async fn grpcroute_multiple_gateways() {
    let Some(suite) = Suite::start(&["grpcroute-multiple-gateways"]).await else {
        return;
    };
    for (gateway, own, backend) in [
        ("same-namespace", "same-namespace-dedicated-route", GRPC_V2),
        ("all-namespaces", "all-namespaces-dedicated-route", GRPC_V3),
    ] {
        let routes = ["multiple-gateways-shared-route", own];
        let address = suite.accepted_of::<GrpcRoute>(gateway, &routes);
        let calls = [
            (call("Echo"), Some(GRPC_V1)),
            (call("EchoTwo"), Some(backend)),
        ];
        expect(address, calls).await;
    }
}

#[tokio::test]
async fn grpcroute_weight() {
    let Some(suite) = Suite::start(&["grpcroute-weight"]).await else {
        return;
    };
    let address = suite.accepted_of::<GrpcRoute>("same-namespace", &["weighted-backends"]);
    let echo = call("Echo");
    let calls = stream::iter(0..500).map(|_| echo.make(address));
    let answers: Vec<_> = calls.buffer_unordered(10).collect().await;
    let answers: Result<Vec<_>, _> = answers.into_iter().collect();
    line::are_shared(&answers.unwrap(), [GRPC_V1, GRPC_V2]);
}

#[tokio::test]
async fn grpcroute_multiple_routes_attachment_same_hostname_intersection() {
    let name = "grpcroute-multiple-routes-attachment-same-hostname-intersection";
    let Some(mut suite) = Suite::start(&[name]).await else {
        return;
    };
    for (gateway, older, newer, hostname) in [
        (
            "gw-grpcroute-exact-hostname-x",
            "grpcroute-wc-hostname-x-older",
            "grpcroute-exact-hostname-x-newer",
            "abc.example.com",
        ),
        (
            "gw-grpcroute-wc-hostname-x",
            "grpcroute-less-specific-wc-hostname-x-older",
            "grpcroute-more-specific-wc-hostname-x-newer",
            "*.example.com",
        ),
    ] {
        suite.accepted_of::<GrpcRoute>(gateway, &[older]);
        suite.add_younger("GRPCRoute", older, newer, GRPC_V2, Some(hostname));
        let address = suite.accepted_of::<GrpcRoute>(gateway, &[older, newer]);
        let echo = call("Echo").authority("abc.example.com");
        expect(address, [(echo, Some(GRPC_V2))]).await;
    }
}

/// The suite's expectations of the fields contradict its manifest, and it does not read
/// them; here they are those of the manifest, where the first of equal rules acts.
#[tokio::test]
async fn grpcroute_request_header_modifier() {
    let Some(suite) = Suite::start(&["grpcroute-request-header-modifier"]).await else {
        return;
    };
    let route = "grpc-request-header-modifier";
    let address = suite.accepted_of::<GrpcRoute>("same-namespace", &[route]);
    let set = call("Echo").metadata(&[("x-header-set", "old"), ("other", "kept")]);
    let many = call("EchoTwo").metadata(&[
        ("x-header-set-1", "old"),
        ("x-header-add-1", "old"),
        ("x-header-remove-1", "old"),
        ("other", "kept"),
    ]);
    let calls = [(set.clone(), Some(GRPC_V1)), (many.clone(), Some(GRPC_V2))];
    expect(address, calls).await;

    let headers = &set.make(address).await.unwrap()["headers"];
    assert_eq!(headers["x-header-set"], json!(["set-overwrites-values"]));
    assert_eq!(headers["other"], json!(["kept"]));

    let headers = &many.make(address).await.unwrap()["headers"];
    assert_eq!(headers["x-header-set-1"], json!(["header-set-1"]));
    assert_eq!(headers["x-header-set-2"], json!(["header-set-2"]));
    assert_eq!(headers["x-header-add-2"], json!(["header-add-2"]));
    assert!(headers["x-header-remove-1"].is_null(), "{headers}");
    assert_eq!(headers["other"], json!(["kept"]));
    let added = headers["x-header-add-1"].as_array().unwrap();
    let added: Vec<_> = added.iter().filter_map(|value| value.as_str()).collect();
    assert_eq!(added.join(",").replace(' ', ""), "old,header-add-1");
}
