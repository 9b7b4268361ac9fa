//! Bandwidth: AT-RL-BPS.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::Policy;
use gateway_filters::Bandwidth;
use gateway_tests::{Client, Incoming, Origin, Site, TestGateway, answer};
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::requests::rule;

/// 8 KiB at 16 KiB a second, of which the first quarter may go at once.
fn slow() -> Bandwidth {
    Bandwidth::new(16_384).unwrap().with_burst(2_048).unwrap()
}

const LEAST: Duration = Duration::from_millis(360);

async fn sized(policy: Option<Policy>) -> (TestGateway, Origin) {
    let origin = Origin::http1(|request: Request<Incoming>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        answer(200, vec![b'x'; 8_192 - body.len()])
    })
    .await;
    let rule = policy
        .into_iter()
        .fold(rule(), |rule, policy| rule.with_policy(policy));
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
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
    let reply = client.call(request).await;
    assert!(reply.complete);
    assert_eq!(reply.body.len(), 8_192 - upload);
    started.elapsed()
}

#[tokio::test]
async fn uploads_take_their_time() {
    let (slow, _origin) = sized(Some(Policy::RequestBandwidth(slow()))).await;

    assert!(takes(&slow, 8_192).await >= LEAST);
    assert!(takes(&slow, 0).await < LEAST);
}

#[tokio::test]
async fn downloads_take_their_time() {
    let (slow, _origin) = sized(Some(Policy::ResponseBandwidth(slow()))).await;

    assert!(takes(&slow, 0).await >= LEAST);
    assert!(takes(&slow, 8_192).await < LEAST);
}

#[tokio::test]
async fn without_a_limit_nothing_waits() {
    let (quick, _origin) = sized(None).await;

    assert!(takes(&quick, 4_096).await < LEAST);
}
