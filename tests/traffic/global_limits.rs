//! What a rate limit service may say besides yes and no; `tests/interop` has Envoy's own.

mod proto;

use std::sync::{Arc, Mutex};

use gateway_core::model::{Asked, Backend, BackendProtocol, BackendTarget, Policy};
use gateway_filters::global_rate_limit::Descriptor;
use gateway_filters::inquiry::OnFailure;
use gateway_filters::{Answer, GlobalRateLimit};
use gateway_tests::{Client, Origin, PATIENCE, Site, TestGateway};

use self::proto::{HeaderValue, RateLimitRequest, RateLimitResponse};
use crate::calls::unary;
use crate::requests::{get, host};

const METHOD: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

/// Room for everybody but those whose name is `greedy`.
fn decide(question: &RateLimitRequest) -> RateLimitResponse {
    let entries = question.descriptors.iter().flat_map(|one| &one.entries);
    let greedy = entries.clone().any(|entry| entry.value == "greedy");
    RateLimitResponse {
        overall_code: if greedy { 2 } else { 1 },
        response_headers_to_add: vec![header("x-limited-by", "tonic")],
        request_headers_to_add: vec![header("x-counted", "yes"), header("host", "evil.test")],
        raw_body: if greedy {
            b"slow down".to_vec()
        } else {
            Vec::new()
        },
    }
}

#[tokio::test]
async fn service_is_told_what_is_configured_and_edits_requests_and_responses() {
    let asked = Arc::<Mutex<Vec<RateLimitRequest>>>::default();
    let noted = Arc::clone(&asked);
    let service = unary(METHOD, move |question: RateLimitRequest| {
        let answer = decide(&question);
        noted.lock().unwrap().push(question);
        std::future::ready(Ok(answer))
    })
    .await;
    let origin = Origin::echo().await;
    let described = Descriptor::new()
        .with_entry("client", "%CLIENT_IP%")
        .and_then(|entries| entries.with_entry("user", "%REQ(x-user)%"))
        .and_then(|entries| entries.with_entry("route", "%ROUTE_NAME%"));
    let closed = OnFailure::Deny(Answer::new(503).unwrap());
    let settings = GlobalRateLimit::new("http://limits.test".parse().unwrap(), "edge", closed)
        .with_timeout(PATIENCE)
        .with_descriptor(described.unwrap());
    let limited = Policy::GlobalRateLimit(Arc::new(Asked {
        settings,
        backend: BackendTarget::Backend("limits".into()),
    }));
    let backend = Backend::new([service.address()]).with_protocol(BackendProtocol::H2c);
    let site = Site::new()
        .route(host("a.test", [limited]))
        .route(host("free.test", []))
        .backend("origin", [origin.address()])
        .backend_of("limits", backend);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let passed = client.call(get("a.test", "/", &[("x-user", "ann")])).await;
    assert_eq!(passed.status, 200);
    assert_eq!(passed.headers["x-limited-by"], "tonic");
    assert_eq!(origin.last().header("x-counted"), Some("yes"));
    assert_eq!(origin.last().host.as_deref(), Some("a.test"));
    let question = asked.lock().unwrap()[0].clone();
    assert_eq!(question.domain, "edge");
    let entries = question.descriptors[0].entries.iter();
    let entries: Vec<_> = entries.map(|one| (&*one.key, &*one.value)).collect();
    let expected = [
        ("client", "127.0.0.1"),
        ("user", "ann"),
        ("route", "default/a.test"),
    ];
    assert_eq!(entries, expected);

    let refused = client
        .call(get("a.test", "/", &[("x-user", "greedy")]))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.text()),
        (429, "slow down")
    );
    assert_eq!(refused.headers["x-limited-by"], "tonic");
    assert_eq!(origin.count(), 1);

    // Nothing to count it by, and nobody who counts.
    assert_eq!(client.call(get("a.test", "/", &[])).await.status, 200);
    assert_eq!(client.call(get("free.test", "/", &[])).await.status, 200);
    assert_eq!(asked.lock().unwrap().len(), 2);
}
