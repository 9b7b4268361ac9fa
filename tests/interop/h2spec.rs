//! HTTP/2 as the RFCs have it, asked by h2spec.

use std::net::SocketAddr;

use gateway_tests::{Origin, Site, TestGateway};

use crate::tool::{finish, tool};

/// The origin reads requests to their end before it answers: an answer may come
/// before, and then nobody cares any more what else the client says.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_in_strict_mode() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));

    h2spec(gateway.address(), &[]).await;
}

async fn h2spec(gateway: SocketAddr, more: &[&str]) {
    let mut h2spec = tool("h2spec").await;
    let port = gateway.port().to_string();
    h2spec.args([
        "--strict",
        "--timeout",
        "5",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
    ]);
    let output = finish(h2spec.args(more)).await;

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains(" 0 failed"), "{said}");
    assert!(said.contains(" 0 skipped"), "{said}");
}
