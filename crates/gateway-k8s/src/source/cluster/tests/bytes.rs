//! Answers that come in another shape than they were written in.

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;
use crate::testing::api_server::{Fault, Requests};

/// Pieces end within names, within characters and within lines.
#[tokio::test(start_paused = true)]
async fn bytes_that_come_slowly_are_put_together() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let slow = Fault::Drip {
        bytes: 7,
        pause: Duration::from_millis(20),
    };
    server.fault(Requests::all(), slow);

    let (mut cluster, reading) = follow(&server).await;
    assert!(reading.is_connected(), "{:?}", reading.kinds);
    assert_eq!(reading.world.http_routes.len(), 2);

    // A watch is told as slowly as it was listed.
    server.apply(
        "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: edge, name: ca}, \
         data: {ca.crt: größer}}",
    );
    route(&server, "c", "c.example");
    let reading = until(&mut cluster, |reading| reading.world.http_routes.len() == 3).await;
    let reading = match text_of(&reading) {
        Some("größer") => reading,
        _ => until(&mut cluster, |reading| text_of(reading) == Some("größer")).await,
    };
    assert!(reading.is_connected(), "{:?}", reading.kinds);
}

/// As big as an API server takes them: in a list, and in a line of a watch.
#[tokio::test(start_paused = true)]
async fn objects_may_be_as_big_as_the_api_takes_them() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let big = |letter: &str| {
        let text = letter.repeat(1_400_000);
        server.apply(&format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{namespace: edge, name: ca}}, \
             data: {{ca.crt: {text}}}}}"
        ));
        text
    };
    let first = big("a");

    let (mut cluster, reading) = follow(&server).await;
    assert_eq!(text_of(&reading), Some(&*first));

    let second = big("b");
    let reading = until(&mut cluster, |reading| text_of(reading) == Some(&*second)).await;
    assert_eq!(reading.world.http_routes.len(), 2);
}

fn text_of(reading: &Reading) -> Option<&str> {
    let map = reading.world.config_maps.get("edge", "ca")?;
    let map: &ConfigMap = map;
    Some(map.data.as_ref()?.get("ca.crt")?)
}
