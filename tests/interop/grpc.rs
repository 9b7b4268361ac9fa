//! gRPC's own interop cases: grpc-go's client, the gateway, grpc-go's server.

use std::net::SocketAddr;
use std::time::Duration;

use gateway_tests::{Site, TestGateway, patiently};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::tool::{finish, tool};

const CASES: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_case_passes_in_the_clear() {
    let server = Server::start().await;
    let gateway = TestGateway::start(&Site::to_h2c(server.address));

    for case in CASES {
        interop(case, gateway.address(), &[]).await;
    }
}

async fn interop(case: &str, gateway: SocketAddr, more: &[&str]) {
    let mut client = tool("grpc-interop-client").await;
    let (port, case) = (gateway.port().to_string(), format!("--test_case={case}"));
    client.args(["--server_host=127.0.0.1", "--server_port", &port, &case]);
    let output = finish(client.args(more)).await;

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{case}: {said}");
}

/// grpc-go's server, on a free port.
struct Server {
    address: SocketAddr,
    _process: Child,
}

impl Server {
    async fn start() -> Self {
        let address = free();
        let mut server = tool("grpc-interop-server").await;
        let port = address.port().to_string();
        let process = server.args(["--port", &port]).spawn().unwrap();
        patiently("grpc-go's server", async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;

        Self {
            address,
            _process: process,
        }
    }
}

/// A port that nobody listens on at the moment: the server cannot choose its own.
fn free() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
