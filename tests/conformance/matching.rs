//! Which rule a request meets.

use crate::exchange::{V1, V2, V3, get, request};
use crate::suite::{Suite, check};

#[tokio::test]
async fn httproute_exact_path_matching() {
    check(
        "httproute-exact-path-matching",
        "same-namespace",
        &["exact-matching"],
        [
            get("/one").reaches(V1),
            get("/two").reaches(V2),
            get("/").is(404),
            get("/one/example").is(404),
            get("/two/").is(404),
            get("/Two").is(404),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_matching() {
    check(
        "httproute-matching",
        "same-namespace",
        &["matching"],
        [
            get("/").reaches(V1),
            get("/example").reaches(V1),
            get("/").header("Version", "one").reaches(V1),
            get("/v2").reaches(V2),
            get("/v2/example").reaches(V2),
            get("/").header("Version", "two").reaches(V2),
            get("/v2/").reaches(V2),
            get("/v2example").reaches(V1),
            get("/foo/v2/example").reaches(V1),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_matching_across_routes() {
    check(
        "httproute-matching-across-routes",
        "same-namespace",
        &["matching-part1", "matching-part2"],
        [
            get("/").host("example.com").reaches(V1),
            get("/example").host("example.com").reaches(V1),
            get("/example").host("example.net").reaches(V1),
            get("/example")
                .host("example.com")
                .header("Version", "one")
                .reaches(V1),
            get("/v2").host("example.com").reaches(V2),
            get("/v2").host("example.net").reaches(V1),
            get("/v2/example").host("example.com").reaches(V2),
            get("/")
                .host("example.com")
                .header("Version", "two")
                .reaches(V2),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_path_match_order() {
    check(
        "httproute-path-match-order",
        "same-namespace",
        &["path-matching-order"],
        [
            get("/match/exact/one").reaches(V3),
            get("/match/exact").reaches(V2),
            get("/match").reaches(V1),
            get("/match/prefix/one/any").reaches(V2),
            get("/match/prefix/any").reaches(V1),
            get("/match/any").reaches(V3),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_header_matching() {
    let color = |color: &str| get("/").header("Color", color);
    let version = |version: &str| get("/").header("Version", version);
    check(
        "httproute-header-matching",
        "same-namespace",
        &["header-matching"],
        [
            version("one").reaches(V1),
            version("two").reaches(V2),
            version("two").header("Color", "orange").reaches(V1),
            version("two").header("Color", "blue").reaches(V2),
            color("orange").is(404),
            get("/").header("Some-Other-Header", "one").is(404),
            color("blue").reaches(V1),
            color("green").reaches(V1),
            color("red").reaches(V2),
            color("yellow").reaches(V2),
            color("purple").is(404),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_method_matching() {
    let version = |method: &str, target: &str, version: &str| {
        request(method, target).header("version", version)
    };
    check(
        "httproute-method-matching",
        "same-namespace",
        &["method-matching"],
        [
            request("POST", "/").reaches(V1),
            get("/").reaches(V2),
            request("HEAD", "/").is(404),
            get("/path1").reaches(V1),
            version("PUT", "/", "one").reaches(V2),
            version("POST", "/path2", "two").reaches(V3),
            request("PATCH", "/path3").reaches(V1),
            version("DELETE", "/path4", "three").reaches(V1),
            request("PUT", "/").is(404),
            request("DELETE", "/path4").is(404),
            request("PATCH", "/path5").reaches(V1),
            version("PATCH", "/", "four").reaches(V2),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_query_param_matching() {
    let version = |target: &str, version: &str| get(target).header("version", version);
    check(
        "httproute-query-param-matching",
        "same-namespace",
        &["query-param-matching"],
        [
            get("/?animal=whale").reaches(V1),
            get("/?animal=dolphin").reaches(V2),
            get("/?animal=dolphin&color=blue").reaches(V3),
            get("/?ANIMAL=Whale").reaches(V3),
            get("/?animal=whale&otherparam=irrelevant").reaches(V1),
            get("/?animal=dolphin&color=yellow").reaches(V2),
            get("/?color=blue").is(404),
            get("/?animal=dog").is(404),
            get("/?animal=whaledolphin").is(404),
            get("/").is(404),
            get("/path1?animal=whale").reaches(V1),
            version("/?animal=whale", "one").reaches(V2),
            version("/path2?animal=whale", "two").reaches(V3),
            get("/path3?animal=shark").reaches(V1),
            version("/path4?animal=kraken", "three").reaches(V1),
            get("/?animal=shark").is(404),
            get("/path4?animal=kraken").is(404),
            get("/path5?animal=hydra").reaches(V1),
            version("/?animal=hydra", "four").reaches(V3),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_rule_order() {
    use gateway_k8s::verdict::ConditionType::ResolvedRefs;
    use gateway_k8s::verdict::{ConditionStatus::False, Reason::BackendNotFound};

    let Some(suite) = Suite::start(&["httproute-rule-order"]).await else {
        return;
    };
    let (good, bad) = ("rule-order", "rule-order-invalid-backend");
    let address = suite.accepted("same-namespace", &[good, bad]);
    suite.resolved("same-namespace", good);
    suite.route_is("same-namespace", bad, ResolvedRefs, False, BackendNotFound);

    let first = get("/rule-order")
        .header("x-color", "blue")
        .header("x-version", "one");
    let exchanges = [
        first.reaches(V1),
        get("/rule-order-invalid-backend").is(500),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn httproute_named_rule() {
    check(
        "httproute-named-rule",
        "same-namespace",
        &["http-named-rules"],
        [get("/named").reaches(""), get("/unnamed").reaches("")],
    )
    .await;
}
