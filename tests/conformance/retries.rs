//! Time limits and further tries.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;

use crate::exchange::{Exchange, V3, get};
use crate::suite::{Suite, check};

#[tokio::test]
async fn httproute_timeout_request() {
    check(
        "httproute-timeout-request",
        "same-namespace",
        &["request-timeout"],
        [
            get("/request-timeout").reaches(""),
            get("/request-timeout?delay=1s").is(504),
            get("/disable-request-timeout?delay=1s").reaches(""),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_timeout_backend_request() {
    check(
        "httproute-timeout-backend-request",
        "same-namespace",
        &["backend-request-timeout"],
        [
            get("/backend-timeout").reaches(""),
            get("/backend-timeout?delay=1s").is(504),
            get("/disable-backend-timeout?delay=1s").reaches(""),
        ],
    )
    .await;
}

/// A client of the retry simulator.
#[derive(Clone, Copy)]
struct Try {
    path: &'static str,
    query: &'static str,
    status: u16,
}

fn fails(path: &'static str, query: &'static str, status: u16) -> Try {
    Try {
        path,
        query,
        status,
    }
}

impl Try {
    /// Three clients in a row, none of which was there before.
    async fn expect(self, address: SocketAddr) {
        for _ in 0..3 {
            self.exchange().expect(address, 1).await;
        }
    }

    fn exchange(self) -> Exchange {
        static CLIENTS: AtomicU32 = AtomicU32::new(0);
        let client = CLIENTS.fetch_add(1, Ordering::Relaxed).to_string();
        let exchange = get(&format!("/retry/{}?{}", self.path, self.query));
        let exchange = exchange.parameter("uuid", &client);
        // The gateway's own answer comes from no pod.
        if self.status == 504 && self.query.contains("delay") {
            exchange.is(504)
        } else {
            exchange.reaches(V3).is(self.status)
        }
    }
}

async fn retried<const N: usize>(manifest: &str, route: &str, tries: [Try; N]) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &[route]);
    suite.resolved("same-namespace", route);
    join_all(tries.map(|one| one.expect(address))).await;
}

#[tokio::test]
async fn httproute_retry() {
    let (three, all, zero) = (
        "code-500-attempts-3",
        "code-all-attempts-2",
        "code-all-attempts-0",
    );
    retried(
        "httproute-retry",
        "retries",
        [
            fails(three, "responseCode=500&succeedAfter=2", 200),
            fails(three, "responseCode=500&succeedAfter=4", 500),
            fails(three, "responseCode=503&succeedAfter=2", 503),
            fails(all, "responseCode=500&succeedAfter=1", 200),
            fails(all, "responseCode=500&succeedAfter=3", 500),
            fails(all, "responseCode=502&succeedAfter=1", 200),
            fails(all, "responseCode=502&succeedAfter=3", 502),
            fails(all, "responseCode=503&succeedAfter=1", 200),
            fails(all, "responseCode=503&succeedAfter=3", 503),
            fails(all, "responseCode=504&succeedAfter=1", 200),
            fails(all, "responseCode=504&succeedAfter=3", 504),
            fails(zero, "responseCode=500&succeedAfter=1", 500),
            fails(zero, "responseCode=502&succeedAfter=1", 502),
            fails(zero, "responseCode=503&succeedAfter=1", 503),
            fails(zero, "responseCode=504&succeedAfter=1", 504),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_retry_with_request_timeout() {
    let path = "request-timeout-500ms";
    retried(
        "httproute-retry-with-timeouts",
        "retries-with-timeouts",
        [
            fails(path, "responseCode=500&succeedAfter=1", 200),
            fails(
                path,
                "responseCode=500&succeedAfter=2&delayRetry=300ms",
                504,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_retry_with_backend_timeout() {
    let slow = "responseCode=500&succeedAfter=2&delayRetry=100ms&delay=100ms";
    let slower = "responseCode=500&succeedAfter=2&delayRetry=1s&delay=1s";
    retried(
        "httproute-retry-with-timeouts",
        "retries-with-timeouts",
        [
            fails("backend-timeout-500ms", slow, 200),
            fails("request-timeout-500ms", slower, 504),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_retry_connection_error() {
    let Some(suite) = Suite::start(&["httproute-retry-connection-error"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["retries-connection-error"]);
    suite.resolved("same-namespace", "retries-connection-error");
    let healthy = "infra-backend-connection-error-healthy";
    let exchange = get("/retry-on-connection-errors").reaches(healthy);
    exchange.expect(address, 10).await;
}
