//! Where policies are attached, and in which order they have their turn.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::Gateway;
use gateway_core::model::{Filter, Policy, PolicySet, Route};
use gateway_filters::basic_auth::Password;
use gateway_filters::error_bodies::{ErrorBody, ErrorStatuses};
use gateway_filters::{
    Answer, ApiKeys, BasicAuth, Cors, Csrf, ErrorBodies, HeaderValues, RateLimit, RequestIds,
};
use gateway_tests::{Client, Origin, Site, TestGateway, prefix};
use http::{Method, Request};

use crate::requests::{ask, get, host, rule};

fn a_minute(requests: u32) -> Policy {
    let limit = RateLimit::new(requests, Duration::from_secs(60)).unwrap();
    Policy::RateLimit(Arc::new(limit))
}

#[tokio::test]
async fn limits_of_listener_route_and_rule_all_count() {
    let origin = Origin::echo().await;
    let route = Route::new("shop")
        .with_policy(a_minute(3))
        .with_rule(rule().with_match(prefix("/cart")).with_policy(a_minute(2)))
        .with_rule(rule());
    let site = Site::new()
        .route(route)
        .backend("origin", [origin.address()]);
    let edge = Arc::new(PolicySet::new("edge").with(a_minute(5)));
    let listener = site.listener("web").with_policies(edge);
    let gateway = TestGateway::serve(Gateway::builder().workers(2), site.behind([listener]));
    let mut client = Client::http1(gateway.address()).await;

    let mut passed = Vec::new();
    for target in ["/cart", "/cart", "/cart", "/", "/", "/"] {
        passed.push(ask(&mut client, "a.test", target).await.status.as_u16());
    }

    // The third by the rule's, when the route's is used up as well.
    assert_eq!(passed, [200, 200, 429, 429, 429, 429]);
    assert_eq!(origin.count(), 2);
    // The listener's counted all of them.
    let mut other = Client::http1(gateway.address()).await;
    let other = ask(&mut other, "a.test", "/other").await;
    assert_eq!(other.headers["ratelimit-limit"], "5");
}

#[tokio::test]
async fn set_of_one_name_counts_everywhere_together() {
    let origin = Origin::echo().await;
    let shared = Arc::new(PolicySet::new("shared").with(a_minute(3)));
    let route = |name: &str| host(name, []).with_policies(Arc::clone(&shared));
    let site = Site::new()
        .route(route("one.test"))
        .route(route("two.test"))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (host, status) in [
        ("one.test", 200),
        ("two.test", 200),
        ("one.test", 200),
        ("two.test", 429),
    ] {
        assert_eq!(ask(&mut client, host, "/").await.status, status, "{host}");
    }
}

fn basic() -> Policy {
    let users = BasicAuth::new("shop")
        .unwrap()
        .with_user("ann", Password::plain("secret"))
        .unwrap();
    Policy::BasicAuth(Arc::new(users))
}

#[tokio::test]
async fn who_is_not_known_gets_no_further() {
    let origin = Origin::echo().await;
    let keys = ApiKeys::new()
        .in_header("x-key")
        .unwrap()
        .with_key("bob", "k-1")
        .unwrap();
    let site = Site::new()
        .route(host("basic.test", [basic()]))
        .route(host("key.test", [Policy::ApiKeys(Arc::new(keys))]))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (host, field, status) in [
        ("basic.test", ("x-none", ""), 401),
        (
            "basic.test",
            ("authorization", "Basic YW5uOnNlY3JldA=="),
            200,
        ),
        ("key.test", ("x-key", "k-2"), 401),
        ("key.test", ("x-key", "k-1"), 200),
    ] {
        let reply = client.call(get(host, "/", &[field])).await;
        assert_eq!(reply.status, status, "{host} {field:?}");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn preflight_is_answered_before_anybody_asks_who_it_is() {
    let origin = Origin::echo().await;
    let cors = Cors::new().allow_origin("https://shop.test").unwrap();
    let site = Site::new()
        .rule(
            rule()
                .with_policy(basic())
                .with_filter(Filter::Cors(Arc::new(cors))),
        )
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;
    let fields = [
        ("origin", "https://shop.test"),
        ("access-control-request-method", "GET"),
    ];
    let mut preflight = get("a.test", "/", &fields);
    *preflight.method_mut() = Method::OPTIONS;

    let reply = client.call(preflight).await;

    assert!(reply.status.is_success(), "{}", reply.status);
    assert_eq!(
        reply.headers["access-control-allow-origin"],
        "https://shop.test"
    );
    assert_eq!(client.get("/").await.status, 401);
}

#[tokio::test]
async fn errors_of_the_gateway_itself_get_the_body_that_is_asked_for() {
    let bodies = ErrorBodies::new().with_body(
        ErrorBody::new(
            ErrorStatuses::All,
            "application/json",
            r#"{"status": %STATUS%, "route": "%ROUTE_NAME%", "client": "%CLIENT_IP%"}"#,
        )
        .unwrap(),
    );
    let gone = Origin::echo().await.address();
    let site = Site::new()
        .rule(
            rule()
                .with_policy(Policy::ErrorBodies(Arc::new(bodies)))
                .with_policy(Policy::RequestId(Arc::new(
                    RequestIds::new().with_returned(true),
                ))),
        )
        .backend("origin", [gone]);
    let gateway = TestGateway::start(&site);

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, 502);
    assert_eq!(
        reply.text(),
        r#"{"status": 502, "route": "default/site", "client": "127.0.0.1"}"#
    );
    assert!(reply.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn policy_among_filters_has_its_place_there() {
    let origin = Origin::echo().await;
    let values = HeaderValues::new().set("x-host", "%HOST%").unwrap();
    let answered = Answer::new(410).unwrap().with_text("gone");
    let site = Site::new()
        .rule(
            rule()
                .with_match(prefix("/gone"))
                .with_filter(Filter::Policy(Policy::DirectResponse(Arc::new(answered)))),
        )
        .rule(
            rule().with_filter(Filter::Policy(Policy::RequestHeaderValues(Arc::new(
                values,
            )))),
        )
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(client.get("/gone").await.text(), "gone");
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(origin.count(), 1);
    assert!(origin.last().header("x-host").is_some());
}

#[tokio::test]
async fn other_sites_pages_change_nothing() {
    let origin = Origin::echo().await;
    let site = Site::new()
        .rule(rule().with_policy(Policy::Csrf(Arc::new(Csrf::new()))))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;
    let post = |site: &str| {
        let request = Request::post("/").header("host", "a.test");
        let request = request.header("sec-fetch-site", site);
        request
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap()
    };

    assert_eq!(client.call(post("cross-site")).await.status, 403);
    assert_eq!(client.call(post("same-origin")).await.status, 200);
}
