//! The situations a cluster may be in, with a server that brings them about.

mod bytes;
mod faults;
mod installed;
mod objects;
mod order;
mod readings;

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::*;
use crate::testing::api_server::ApiServer;
use crate::world::{Kind, ObjectRef, World};

/// The cluster of a server, and its first reading.
async fn follow(server: &ApiServer) -> (Cluster, Reading) {
    let mut cluster = Cluster::new(server.client(), ClusterSettings::new());
    let reading = cluster.changed().await;
    (cluster, reading)
}

/// The first reading that is as wanted.
async fn until(cluster: &mut Cluster, wanted: impl Fn(&Reading) -> bool) -> Reading {
    loop {
        let reading = timeout(LONG, cluster.changed())
            .await
            .expect("nothing changes");
        if wanted(&reading) {
            return reading;
        }
    }
}

/// What is told within some time.
async fn told_within(cluster: &mut Cluster, time: Duration) -> Vec<Reading> {
    let end = Instant::now() + time;
    let mut told = Vec::new();
    while let Ok(reading) = tokio::time::timeout_at(end, cluster.changed()).await {
        told.push(reading);
    }
    told
}

fn state_of<T: Kind>(reading: &Reading) -> &KindState {
    let is_meant = |one: &&WatchedKind| one.group == T::group(&()) && one.kind == T::kind(&());
    let found = reading.kinds.iter().find(is_meant);
    &found.expect("the kind is watched").state
}

fn version_of<T: Kind>(reading: &Reading) -> Option<&str> {
    let is_meant = |one: &&WatchedKind| one.group == T::group(&()) && one.kind == T::kind(&());
    let found = reading.kinds.iter().find(is_meant);
    found.expect("the kind is watched").version.as_deref()
}

fn is_retrying(state: &KindState) -> bool {
    matches!(state, KindState::Retrying { .. })
}

/// Everything in a world, to be compared.
fn described(world: &World) -> String {
    format!("{world:?}")
}

fn route(server: &ApiServer, name: &str, host: &str) -> Value {
    server.apply(&format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, \
         metadata: {{namespace: shop, name: {name}}}, spec: {{hostnames: [{host}]}}}}"
    ))
}

/// An object of each of many kinds.
fn populate(server: &ApiServer) {
    for object in [
        "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: ours}, spec: {controllerName: a.example/b}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: edge, name: web}, spec: {gatewayClassName: ours, listeners: [{name: http, port: 80, protocol: HTTP}]}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: GRPCRoute, metadata: {namespace: shop, name: rpc}, spec: {}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: TCPRoute, metadata: {namespace: shop, name: tcp}, spec: {rules: []}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {namespace: shop, name: grant}, spec: {from: [], to: []}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}",
        "{apiVersion: v1, kind: Service, metadata: {namespace: shop, name: cart}, spec: {ports: [{port: 80}]}}",
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: shop, name: cart-1, labels: {kubernetes.io/service-name: cart}}, addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{port: 3000}]}",
        "{apiVersion: v1, kind: Secret, metadata: {namespace: edge, name: cert}, type: kubernetes.io/tls, data: {tls.crt: YQ==, tls.key: Yg==}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: edge, name: ca}, data: {ca.crt: text}}",
    ] {
        server.apply(object);
    }
    route(server, "a", "a.example");
    route(server, "b", "b.example");
}

/// How many objects there are, of all kinds.
fn size(world: &World) -> usize {
    world.changes(&World::default()).added.len()
}

const LONG: Duration = Duration::from_secs(3_600);
