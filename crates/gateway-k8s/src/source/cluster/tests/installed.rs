use crate::api::{Gateway, GatewayClass, HttpRoute, ReferenceGrant, TcpRoute};
use crate::testing::api_server::{Fault, Requests, Verb};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_cluster_without_the_gateway_api_is_served_too() {
    let server = ApiServer::new();
    server.apply("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");

    let (_cluster, reading) = follow(&server).await;

    assert!(reading.is_complete() && reading.is_connected());
    assert_eq!(*state_of::<HttpRoute>(&reading), KindState::NotInstalled);
    assert!(reading.bundle_versions.is_empty());
    assert_eq!(size(&reading.world), 1);
}

#[tokio::test(start_paused = true)]
async fn kinds_are_followed_as_they_are_installed() {
    let server = ApiServer::new();
    let (mut cluster, _) = follow(&server).await;

    for round in 0..2 {
        match round {
            0 => server.install::<GatewayClass>(&["v1"]),
            _ => server.install::<HttpRoute>(&["v1", "v1beta1"]),
        }
        let installed = Instant::now();
        let is_watched = |reading: &Reading| match round {
            0 => *state_of::<GatewayClass>(reading) == KindState::Watching,
            _ => *state_of::<HttpRoute>(reading) == KindState::Watching,
        };
        until(&mut cluster, is_watched).await;
        assert!(installed.elapsed() < Duration::from_secs(1));
    }

    route(&server, "a", "a.example");
    let reading = until(&mut cluster, |reading| {
        !reading.world.http_routes.is_empty()
    })
    .await;
    assert_eq!(reading.bundle_versions, ["v1.7.0"]);
    assert_eq!(*state_of::<Gateway>(&reading), KindState::NotInstalled);
}

#[tokio::test(start_paused = true)]
async fn releases_that_do_not_agree_are_all_told() {
    let server = ApiServer::with_gateway_api();
    server.apply(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {\
         name: httproutes.gateway.networking.k8s.io, \
         annotations: {gateway.networking.k8s.io/bundle-version: v1.4.1}}}",
    );
    server.apply(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {\
         name: tcproutes.gateway.networking.k8s.io}}",
    );

    let (_cluster, reading) = follow(&server).await;

    assert_eq!(reading.bundle_versions, ["unknown", "v1.4.1", "v1.7.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_removed_loses_its_objects_and_no_others() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;

    server.uninstall::<TcpRoute>();
    let gone = |reading: &Reading| *state_of::<TcpRoute>(reading) == KindState::NotInstalled;
    let reading = until(&mut cluster, gone).await;

    let changes = reading.world.changes(&before.world);
    assert_eq!(changes.removed, [ObjectRef::new::<TcpRoute>("shop", "tcp")]);
    assert_eq!(changes.changed, []);
    assert!(reading.statuses.get(&changes.removed[0]).is_none());
    server.clear_log();
    told_within(&mut cluster, Duration::from_secs(600)).await;
    assert_eq!(server.count(&Requests::to("tcproutes")), 0);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_comes_back_is_followed_again() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = follow(&server).await;

    server.uninstall::<HttpRoute>();
    let gone = |reading: &Reading| *state_of::<HttpRoute>(reading) == KindState::NotInstalled;
    until(&mut cluster, gone).await;
    server.install::<HttpRoute>(&["v1"]);
    route(&server, "a", "a.example");

    until(&mut cluster, |reading| reading.world.http_routes.len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn discovery_that_fails_removes_nothing() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;
    server.fault(Requests::all().verb(Verb::Discover), Fault::Status(404));

    server.install::<HttpRoute>(&["v1"]);
    let told = told_within(&mut cluster, Duration::from_secs(300)).await;

    assert!(
        told.iter()
            .all(|reading| reading.world.changes(&before.world) == Default::default())
    );
}

#[tokio::test(start_paused = true)]
async fn each_kind_is_watched_in_the_best_version_there_is() {
    let server = ApiServer::new();
    server.install::<ReferenceGrant>(&["v1beta1"]);
    server.install::<TcpRoute>(&["v1alpha2"]);
    server.install::<HttpRoute>(&["v1beta1", "v1"]);
    server.install::<Gateway>(&["v9"]);
    server.apply("{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {namespace: shop, name: grant}, spec: {from: [], to: []}}");
    server.apply("{apiVersion: gateway.networking.k8s.io/v1alpha2, kind: TCPRoute, metadata: {namespace: shop, name: tcp}, spec: {rules: []}}");

    let (_cluster, reading) = follow(&server).await;

    assert_eq!(version_of::<ReferenceGrant>(&reading), Some("v1beta1"));
    assert_eq!(version_of::<TcpRoute>(&reading), Some("v1alpha2"));
    assert_eq!(version_of::<HttpRoute>(&reading), Some("v1"));
    assert_eq!(version_of::<Gateway>(&reading), None);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    assert_eq!(
        reading.world.reference_grants.len() + reading.world.tcp_routes.len(),
        2
    );
    let tcp = reading
        .statuses
        .get(&ObjectRef::new::<TcpRoute>("shop", "tcp"));
    assert_eq!(tcp.map(|seen| &*seen.version), Some("v1alpha2"));
}

#[tokio::test(start_paused = true)]
async fn a_better_version_is_taken_up_without_a_change_of_the_objects() {
    let server = ApiServer::new();
    server.install::<TcpRoute>(&["v1alpha2"]);
    server.apply("{apiVersion: gateway.networking.k8s.io/v1alpha2, kind: TCPRoute, metadata: {namespace: shop, name: tcp}, spec: {rules: []}}");
    let (mut cluster, before) = follow(&server).await;

    server.install::<TcpRoute>(&["v1", "v1alpha2"]);
    let name = ObjectRef::new::<TcpRoute>("shop", "tcp");
    let in_v1 = |reading: &Reading| {
        reading
            .statuses
            .get(&name)
            .is_some_and(|seen| &*seen.version == "v1")
    };
    let reading = until(&mut cluster, in_v1).await;

    assert_eq!(reading.world.changes(&before.world), Default::default());
}

#[tokio::test(start_paused = true)]
async fn where_definitions_are_hidden_it_is_asked_every_half_minute() {
    let server = ApiServer::new();
    server.fault(
        Requests::to("customresourcedefinitions"),
        Fault::Status(403),
    );
    let (mut cluster, _) = follow(&server).await;

    server.install::<HttpRoute>(&["v1"]);
    route(&server, "a", "a.example");
    let installed = Instant::now();
    until(&mut cluster, |reading| {
        !reading.world.http_routes.is_empty()
    })
    .await;

    assert!(
        installed.elapsed() <= Duration::from_secs(31),
        "{:?}",
        installed.elapsed()
    );
    server.uninstall::<HttpRoute>();
    let gone = |reading: &Reading| *state_of::<HttpRoute>(reading) == KindState::NotInstalled;
    until(&mut cluster, gone).await;
}

/// An API server that has just begun answers, and does not know all it serves.
#[tokio::test(start_paused = true)]
async fn an_answer_that_lacks_kinds_for_a_moment_removes_nothing() {
    let server = ApiServer::with_gateway_api();
    server.fault(
        Requests::to("customresourcedefinitions"),
        Fault::Status(403),
    );
    let (mut cluster, _) = follow(&server).await;

    server.uninstall::<HttpRoute>();
    let told = told_within(&mut cluster, Duration::from_secs(5)).await;
    server.install::<HttpRoute>(&["v1"]);
    let later = told_within(&mut cluster, Duration::from_secs(120)).await;

    let is_gone = |reading: &Reading| *state_of::<HttpRoute>(reading) == KindState::NotInstalled;
    assert!(!told.iter().chain(&later).any(is_gone));
    let last = later.last().expect("something was told");
    assert_eq!(*state_of::<HttpRoute>(last), KindState::Watching);
}
