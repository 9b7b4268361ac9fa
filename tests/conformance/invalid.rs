//! Routes that are wrong, and what becomes of their requests.

use gateway_k8s::verdict::ConditionType::{Accepted, ResolvedRefs};
use gateway_k8s::verdict::Reason;

use crate::cluster::{APP, WEB};
use crate::exchange::{Exchange, V1, get};
use crate::status::False;
use crate::suite::{Suite, check};

/// A route that is accepted, and whose references are bad.
async fn unresolved<const N: usize>(
    manifest: &str,
    route: &str,
    reason: Reason,
    exchanges: [Exchange; N],
) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &[route]);
    suite.route_is("same-namespace", route, ResolvedRefs, False, reason);
    suite.expect(address, exchanges).await;
}

/// A route that is not accepted.
async fn refused(manifest: &str, gateway: &str, route: &str, reason: Reason) -> Option<Suite> {
    let suite = Suite::start(&[manifest]).await?;
    suite.route_is(gateway, route, Accepted, False, reason);
    suite.no_accepted_parents(route);
    suite.zero_routes(gateway);
    Some(suite)
}

#[tokio::test]
async fn httproute_invalid_backend_ref_unknown_kind() {
    unresolved(
        "httproute-invalid-backendref-unknown-kind",
        "invalid-backend-ref-unknown-kind",
        Reason::InvalidKind,
        [get("/v2").is(500)],
    )
    .await;
}

#[tokio::test]
async fn httproute_invalid_cross_namespace_backend_ref() {
    unresolved(
        "httproute-invalid-cross-namespace-backend-ref",
        "invalid-cross-namespace-backend-ref",
        Reason::RefNotPermitted,
        [get("/").is(500)],
    )
    .await;
}

#[tokio::test]
async fn httproute_invalid_non_existent_backend_ref() {
    unresolved(
        "httproute-invalid-nonexistent-backendref",
        "invalid-nonexistent-backend-ref",
        Reason::BackendNotFound,
        [get("/").is(500)],
    )
    .await;
}

#[tokio::test]
async fn httproute_invalid_reference_grant() {
    unresolved(
        "httproute-invalid-reference-grant",
        "reference-grant",
        Reason::RefNotPermitted,
        [get("/").is(500)],
    )
    .await;
}

#[tokio::test]
async fn httproute_partially_invalid_via_invalid_reference_grant() {
    unresolved(
        "httproute-partially-invalid-via-invalid-reference-grant",
        "invalid-reference-grant",
        Reason::RefNotPermitted,
        [
            get("/v2").is(500),
            get("/").reaches_in(APP, "app-backend-v1"),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_reference_grant() {
    let Some(mut suite) = Suite::start(&["httproute-reference-grant"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["reference-grant"]);
    suite.resolved("same-namespace", "reference-grant");
    let good = get("/").reaches_in(WEB, "web-backend");
    suite.expect(address, [good]).await;

    suite.edit(|objects| objects.retain(|object| object["kind"] != "ReferenceGrant"));
    suite.expect(address, [get("/").is(500)]).await;
}

#[tokio::test]
async fn httproute_no_backend_refs() {
    check(
        "httproute-omitted-backendrefs",
        "same-namespace",
        &["omitted-backendrefs"],
        [
            get("/forward").reaches(V1),
            get("/omitted-no-forward").is(500),
            get("/empty-no-forward").is(500),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_invalid_cross_namespace_parent_ref() {
    let (gateway, route) = (
        "same-namespace",
        "gateway-conformance-web-backend/invalid-cross-namespace-parent-ref",
    );
    let manifest = "httproute-invalid-cross-namespace-parent-ref";
    let suite = refused(manifest, gateway, route, Reason::NotAllowedByListeners).await;
    if let Some(suite) = suite {
        suite.resolved(gateway, route);
    }
}

#[tokio::test]
async fn httproute_invalid_parent_ref_not_matching_listener_port() {
    let route = "httproute-listener-not-matching-route-port";
    let manifest = "httproute-invalid-parentref-not-matching-listener-port";
    let suite = refused(manifest, "same-namespace", route, Reason::NoMatchingParent).await;
    if let Some(suite) = suite {
        suite.resolved("same-namespace", route);
    }
}

#[tokio::test]
async fn httproute_invalid_parent_ref_not_matching_section_name() {
    let route = "httproute-listener-not-matching-section-name";
    let manifest = "httproute-invalid-parentref-not-matching-section-name";
    refused(manifest, "same-namespace", route, Reason::NoMatchingParent).await;
}

#[tokio::test]
async fn httproute_invalid_parent_ref_section_name_not_matching_port() {
    let gateway = "gateway-with-one-not-matching-port-and-section-name-route";
    let route = "httproute-listener-section-name-not-matching-port";
    let manifest = "httproute-invalid-parentref-section-name-not-matching-port";
    refused(manifest, gateway, route, Reason::NoMatchingParent).await;
}
