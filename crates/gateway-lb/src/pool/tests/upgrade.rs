//! Switching protocols.

use http::StatusCode;
use http_body::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;

use super::origin::Origin;
use super::{TestBody, get, pool, send};
use crate::pool::{UpgradedUpstream, UpstreamErrorKind};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    connection: upgrade\r\nupgrade: echo\r\n\r\n";

fn upgrade() -> http::Request<TestBody> {
    let mut request = get("/socket");
    let headers = request.headers_mut();
    headers.insert("connection", "upgrade".parse().expect("a value"));
    headers.insert("upgrade", "echo".parse().expect("a value"));
    request
}

#[tokio::test]
async fn upgraded_transport_has_the_bytes_behind_the_head() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (response, mut conversation) = join!(send(&pool, origin.address(), upgrade()), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation.say(format!("{SWITCH}hello")).await;
        conversation
    });

    let response = response.expect("switched");
    let upgraded = response
        .extensions()
        .get::<UpgradedUpstream>()
        .expect("an extension");
    let mut transport = upgraded.clone().take().expect("the first to take");

    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert!(response.body().is_end_stream());
    assert_eq!(transport.read_ahead, "hello");
    assert!(upgraded.take().is_none());

    conversation.say("back").await;
    let mut bytes = [0; 4];
    transport.stream.read_exact(&mut bytes).await.expect("more");
    assert_eq!(&bytes, b"back");

    transport.stream.write_all(b"forth").await.expect("sent");
    assert_eq!(conversation.exactly(5).await, b"forth");
}

#[tokio::test]
async fn upgraded_connection_closes_if_nobody_takes_it() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (response, mut conversation) = join!(send(&pool, origin.address(), upgrade()), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation.say(SWITCH).await;
        conversation
    });
    assert_eq!(pool.idle_connections(), 0);

    drop(response.expect("switched"));

    assert!(conversation.closed().await.is_empty());
}

#[tokio::test]
async fn refused_upgrade_is_an_ordinary_response() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, _conversation) = join!(send(&pool, origin.address(), upgrade()), async {
        let mut conversation = origin.accept().await;
        conversation.answer("no").await;
        conversation
    });

    let response = response.expect("answered");
    assert!(response.extensions().get::<UpgradedUpstream>().is_none());
    assert_eq!(super::text(response).await, "no");
    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn unasked_upgrade_is_an_error() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, mut conversation) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation.say(SWITCH).await;
        conversation
    });

    let error = response.expect_err("not asked for");
    assert_eq!(error.kind(), UpstreamErrorKind::InvalidResponse);
    assert!(conversation.closed().await.is_empty());
}
