//! Requests that are sent to others too.

use futures_util::stream::{self, StreamExt};
use gateway_tests::patiently;

use crate::cluster::INFRA;
use crate::exchange::{Exchange, V1, V2, V3, get};
use crate::suite::Suite;

/// A request whose headers are modified on the way.
fn modified(target: &str) -> Exchange {
    get(target)
        .header("X-Header-Remove", "remove-val")
        .header("X-Header-Add-Append", "append-val-1")
}

/// What becomes of its headers.
fn arrives(exchange: Exchange) -> Exchange {
    exchange
        .reaches(V1)
        .with(&[
            ("X-Header-Add", "header-val-1"),
            ("X-Header-Add-Append", "append-val-1,header-val-2"),
            ("X-Header-Set", "set-overwrites-values"),
        ])
        .without(&["X-Header-Remove"])
}

fn with_id(exchange: Exchange, id: usize) -> Exchange {
    exchange.parameter("gateway-api-conformance-request-id", &id.to_string())
}

/// How often the pods of a Deployment were asked for `target`.
fn count(suite: &Suite, deployment: &str, target: &str) -> usize {
    let pods = suite.pods(INFRA, deployment);
    let asked = |request: &gateway_tests::Seen| request.target == target;
    let counts = pods.iter().map(|pod| {
        let requests = pod.origin().requests();
        requests.iter().filter(|request| asked(request)).count()
    });
    counts.sum()
}

/// Waits until one of the pods of a Deployment was asked for `target`.
async fn mirrored(suite: &Suite, deployment: &str, target: &str) {
    let pods = suite.pods(INFRA, deployment);
    let each = pods.iter().map(|pod| {
        Box::pin(pod.origin().until("a mirrored request", |state| {
            let mut requests = state.requests.iter();
            requests.any(|request| request.target == target)
        }))
    });
    patiently("a mirrored request", futures_util::future::select_all(each)).await;
}

async fn check(manifest: &str, route: &str, targets: [&str; 2], mirrors: &[&str]) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &[route]);
    let plain = with_id(get(targets[0]), 1).reaches(V1);
    let changed = arrives(with_id(modified(targets[1]), 2));
    for exchange in [plain, changed] {
        let target = exchange.target().to_owned();
        suite.expect(address, [exchange]).await;
        for mirror in mirrors {
            mirrored(&suite, mirror, &target).await;
        }
    }
}

#[tokio::test]
async fn httproute_request_mirror() {
    let targets = ["/mirror", "/mirror-and-modify-headers"];
    check("httproute-request-mirror", "request-mirror", targets, &[V2]).await;
}

#[tokio::test]
async fn httproute_request_multiple_mirrors() {
    let targets = ["/multi-mirror", "/multi-mirror-and-modify-request-headers"];
    let manifest = "httproute-request-multiple-mirrors";
    check(manifest, "request-multiple-mirrors", targets, &[V2, V3]).await;
}

#[tokio::test]
async fn httproute_request_percentage_mirror() {
    const REQUESTS: usize = 500;
    let Some(suite) = Suite::start(&["httproute-request-percentage-mirror"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["request-percentage-mirror"]);
    suite.resolved("same-namespace", "request-percentage-mirror");
    let plain = |target: &str| get(target).reaches(V1);
    let exchanges = [
        (plain("/percent-mirror"), 0.20),
        (plain("/percent-mirror-fraction"), 0.50),
        (
            arrives(modified("/percent-mirror-and-modify-headers")),
            0.35,
        ),
    ];

    for (exchange, share) in exchanges {
        suite.expect(address, [exchange.clone()]).await;
        let mean = REQUESTS as f64 * share;
        let margin = 3.0 * (mean * (1.0 - share)).sqrt();
        let mut counts = Vec::new();
        // As often as in the suite: three deviations are exceeded now and then.
        for round in 0..5 {
            let exchange = with_id(exchange.clone(), round);
            let one = || exchange.expect(address, 1);
            let all = stream::iter(0..REQUESTS).map(|_| one());
            all.buffer_unordered(10).collect::<Vec<()>>().await;
            counts.push(count(&suite, V2, exchange.target()));
            if (counts[round] as f64 - mean).abs() <= margin {
                break;
            }
        }
        let last = counts.last().copied().unwrap_or_default();
        let is_right = (last as f64 - mean).abs() <= margin;
        assert!(is_right, "expected {mean}, counted {counts:?}");
    }
}
