//! Bandwidth: AT-RL-BPS, over sockets and eight times as fast; `demos` has its own figures.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::Policy;
use gateway_filters::Bandwidth;
use gateway_tests::{Client, Incoming, Origin, Site, TestGateway, answer, patiently};
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::requests::rule;

/// 8 KiB at 16 KiB a second, of which the first quarter may go at once.
fn slow() -> Bandwidth {
    Bandwidth::new(16_384).unwrap().with_burst(2_048).unwrap()
}

/// Such that nobody would wait for 8 KiB.
fn crawling() -> Bandwidth {
    Bandwidth::new(16).unwrap()
}

const LEAST: Duration = Duration::from_millis(360);

async fn sized(policy: Policy) -> (TestGateway, Origin) {
    let origin = Origin::http1(|request: Request<Incoming>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        answer(200, vec![b'x'; 8_192 - body.len()])
    })
    .await;
    let site = Site::new()
        .rule(rule().with_policy(policy))
        .backend("origin", [origin.address()]);
    (TestGateway::start(&site), origin)
}

async fn takes(gateway: &TestGateway, upload: usize) -> Duration {
    let mut client = Client::http1(gateway.address()).await;
    let body = Full::new(Bytes::from(vec![b'x'; upload]));
    let request = Request::post("/")
        .header("host", "a.test")
        .body(body)
        .unwrap();
    let started = Instant::now();
    let reply = patiently("all of it", client.call(request)).await;
    assert!(reply.complete);
    assert_eq!(reply.body.len(), 8_192 - upload);
    started.elapsed()
}

#[tokio::test]
async fn uploads_take_their_time() {
    let (slow, _origin) = sized(Policy::RequestBandwidth(slow())).await;
    assert!(takes(&slow, 8_192).await >= LEAST);

    let (others, _origin) = sized(Policy::ResponseBandwidth(crawling())).await;
    takes(&others, 8_192).await;
}

#[tokio::test]
async fn downloads_take_their_time() {
    let (slow, _origin) = sized(Policy::ResponseBandwidth(slow())).await;
    assert!(takes(&slow, 0).await >= LEAST);

    let (others, _origin) = sized(Policy::RequestBandwidth(crawling())).await;
    takes(&others, 0).await;
}
