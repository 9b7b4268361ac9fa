//! Which pods of which Services get a request.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use crate::cluster::INFRA;
use crate::exchange::{V1, V2, V3, echo, get};
use crate::pod::Pod;
use crate::suite::Suite;

#[tokio::test]
async fn httproute_weight() {
    const REQUESTS: u32 = 500;
    let Some(suite) = Suite::start(&["httproute-weight"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["weighted-backends"]);
    suite.resolved("same-namespace", "weighted-backends");
    let exchange = get("/").reaches("");
    suite.expect(address, [exchange.clone()]).await;

    let all = stream::iter(0..REQUESTS).map(|_| exchange.try_once(address));
    let replies: Vec<_> = all.buffer_unordered(10).collect().await;
    let mut counts = BTreeMap::new();
    for reply in replies {
        let echo = echo(&reply.unwrap()).unwrap();
        let pod = echo["pod"].as_str().unwrap();
        let deployment = pod.rsplitn(3, '-').last().unwrap().to_owned();
        *counts.entry(deployment).or_default() += 1;
    }

    let share = |name: &str| f64::from(counts.get(name).copied().unwrap_or(0_u32)) / 500.0;
    assert!((share(V1) - 0.7).abs() <= 0.05, "{counts:?}");
    assert!((share(V2) - 0.3).abs() <= 0.05, "{counts:?}");
    assert!(!counts.contains_key(V3), "{counts:?}");
}

#[tokio::test]
async fn httproute_service_types() {
    let Some(mut suite) = Suite::start(&["httproute-service-types"]).await else {
        return;
    };
    let address = suite.accepted("same-namespace", &["service-types"]);
    suite.resolved("same-namespace", "service-types");
    let pods = suite.pods(INFRA, V1);
    let endpoints: Value = pods.into_iter().map(Pod::endpoint).collect();
    for slice in [
        "manual-endpointslices-ip4",
        "headless-manual-endpointslices-ip4",
    ] {
        suite.change("EndpointSlice", slice, |slice| {
            slice["endpoints"] = endpoints.clone();
        });
    }

    let exchanges = [
        get("/manual-endpointslices").reaches(V1),
        get("/headless-manual-endpointslices").reaches(V1),
        get("/headless").reaches(V1),
    ];
    suite.expect(address, exchanges).await;
}
