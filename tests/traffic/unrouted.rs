//! What a listener's policies do about requests that no route wants.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::RoutingService;
use gateway_core::model::{Configuration, Policy, PolicySet};
use gateway_filters::error_bodies::{ErrorBody, ErrorStatuses};
use gateway_filters::{
    AccessControl, Answer, CidrSet, CircuitBreaker, ErrorBodies, RateLimit, RequestIds,
};
use gateway_tests::{Client, Origin, Site, TestGateway, prefix};
use http::{Request, Version};
use http_body_util::Empty;

use crate::requests::{answered, ask, get, rule};

/// Only `/shop` is routed, at a listener with `policies`.
fn shop(origin: &Origin, policies: impl IntoIterator<Item = Policy>) -> Configuration {
    let site = Site::new()
        .rule(rule().with_match(prefix("/shop")))
        .backend("origin", [origin.address()]);
    let edge = policies
        .into_iter()
        .fold(PolicySet::new("edge"), PolicySet::with);
    site.behind([site.listener("web").with_policies(edge)])
}

fn serving(configuration: &Configuration) -> RoutingService {
    let routing = RoutingService::new();
    routing.update(configuration);
    routing
}

fn a_minute(requests: u32) -> Policy {
    let limit = RateLimit::new(requests, Duration::from_secs(60)).unwrap();
    Policy::RateLimit(Arc::new(limit))
}

#[tokio::test]
async fn they_count_against_a_limit_before_and_after_a_change() {
    let origin = Origin::echo().await;
    let routing = serving(&shop(&origin, [a_minute(3)]));
    let status = async |target| answered(&routing, get("a.test", target, &[])).await.0;

    assert_eq!(status("/nowhere").await, 404);
    assert_eq!(status("/shop").await, 200);
    let ids = Policy::RequestId(Arc::new(RequestIds::new()));
    routing.update(&shop(&origin, [a_minute(3), ids]));

    assert_eq!(status("/nowhere").await, 404);
    assert_eq!(status("/nowhere").await, 429);
    assert_eq!(status("/shop").await, 429);
    // Without the policy nothing is left of it.
    routing.update(&shop(&origin, []));
    assert_eq!(status("/nowhere").await, 404);
}

#[tokio::test]
async fn who_may_not_enter_does_not_learn_what_is_routed() {
    let origin = Origin::echo().await;
    let loopback = CidrSet::parse(["127.0.0.0/8"]).unwrap();
    let access = AccessControl::new().deny_addresses(loopback);
    let configuration = shop(&origin, [Policy::Access(Arc::new(access))]);
    let gateway = TestGateway::serve(gateway_core::Gateway::builder().workers(1), configuration);
    let mut client = Client::http1(gateway.address()).await;

    for target in ["/shop", "/nowhere"] {
        assert_eq!(ask(&mut client, "a.test", target).await.status, 403);
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn they_get_the_page_and_the_name_of_others_and_are_counted_as_unrouted() {
    let page = "<h1>%STATUS%</h1>%PATH% %CLIENT_IP% %ROUTE_NAME%";
    let page = ErrorBody::new(ErrorStatuses::All, "text/html", page).unwrap();
    let pages = ErrorBodies::new().with_body(page);
    let names = RequestIds::new().with_returned(true);
    let policies = [
        Policy::ErrorBodies(Arc::new(pages)),
        Policy::RequestId(Arc::new(names)),
    ];
    let origin = Origin::echo().await;
    let configuration = shop(&origin, policies);
    let gateway = TestGateway::serve(gateway_core::Gateway::builder().workers(1), configuration);
    let mut client = Client::http1(gateway.address()).await;

    let reply = ask(&mut client, "a.test", "/nowhere").await;

    assert_eq!(reply.status, 404);
    assert_eq!(reply.text(), "<h1>404</h1>/nowhere 127.0.0.1 ");
    assert!(reply.headers.contains_key("x-request-id"));
    let metrics = gateway.gateway().metrics();
    let failures = metrics.listeners[0].requests.failures.iter();
    let counted: Vec<_> = failures.filter(|(_, count)| *count > 0).collect();
    assert_eq!(counted, [&("no_route", 1)]);
}

#[tokio::test]
async fn they_open_no_circuit_and_get_what_answers_for_all() {
    let origin = Origin::echo().await;
    let breaker = CircuitBreaker::new().with_consecutive_errors(1.try_into().unwrap());
    let routing = serving(&shop(&origin, [Policy::CircuitBreaker(Arc::new(breaker))]));
    for (target, status) in [("/nowhere", 404), ("/nowhere", 404), ("/shop", 200)] {
        let (answered, _) = answered(&routing, get("a.test", target, &[])).await;
        assert_eq!(answered, status, "{target}");
    }

    let closed = Answer::new(503).unwrap().with_text("closed for today");
    let routing = serving(&shop(&origin, [Policy::DirectResponse(Arc::new(closed))]));
    for target in ["/nowhere", "/shop"] {
        let answer = answered(&routing, get("a.test", target, &[])).await;
        assert_eq!(answer, (503, "closed for today".to_owned()), "{target}");
    }
}

#[tokio::test]
async fn calls_are_told_so_in_the_words_of_grpc() {
    let origin = Origin::echo().await;
    let routing = serving(&shop(&origin, [a_minute(9)]));
    let call = Request::post("http://a.test/shelf.Books/List")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .body(Empty::<bytes::Bytes>::new())
        .unwrap();

    let Ok(response) = tower::ServiceExt::oneshot(routing, call).await;

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "12");
}
