//! Endpoints that come and go faster than anybody can follow.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, ORIGINS};
use crate::load::Load;
use crate::patience::{paced, secs};
use crate::replica::Replica;
use crate::scene::Scene;
use crate::tidy::insist;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_hundred_endpoints_that_flap_lose_no_request_while_one_is_up() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "flapping");
    let _addresses = Addresses::new(cluster);
    let _replica = Replica::of(&scene);
    scene.gateway("edge");
    scene.backend("flock");
    slice(&scene, |_| true);
    scene.route("shop", "edge", "flock");
    let url = format!("http://{}/shop", scene.address("edge"));
    scene.served(&url, "origin");
    let loads: Vec<Load> = (0..3).map(|_| Load::start(cluster, &[&url])).collect();

    let flips = paced(LASTING, TICK, |flip| {
        slice(&scene, |endpoint| is_up(flip, endpoint));
    });

    let ended: Vec<_> = loads.into_iter().map(Load::stop).collect();
    let count: usize = ended.iter().map(|(count, _)| count).sum();
    let failed: Vec<_> = ended.into_iter().flat_map(|(_, failed)| failed).collect();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
    eprintln!("{count} requests while {ENDPOINTS} endpoints changed {flips} times");
}

/// Those of the endpoints: all are the node itself. Dropping it takes them away.
struct Addresses(&'static Cluster);

impl Addresses {
    fn new(cluster: &'static Cluster) -> Self {
        let this = Self(cluster);
        Cluster::output(this.route("replace"));
        this
    }

    fn route(&self, verb: &str) -> Command {
        let mut route = self.0.enter("ip");
        route.args(["route", verb, "local", ADDRESSES, "dev", "lo"]);
        route
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        let output = self.route("delete").output();
        let is_gone = output.as_ref().is_ok_and(|one| one.status.success());
        insist(is_gone, || format!("{ADDRESSES}: {output:?}"));
    }
}

/// Every other one is up, then the others, and at times a single one.
fn is_up(flip: u32, endpoint: u32) -> bool {
    match flip % 5 {
        4 => endpoint == flip % ENDPOINTS,
        _ => endpoint % 2 == flip % 2,
    }
}

/// Says which endpoints are ready. All are there to be asked, as pods are for as long as others
/// have not heard that they end.
fn slice(scene: &Scene, is_ready: impl Fn(u32) -> bool) {
    let endpoints: Vec<Value> = (0..ENDPOINTS)
        .map(|one| {
            json!({"addresses": [format!("10.243.0.{}", one + 1)], "conditions": {"ready": is_ready(one)}})
        })
        .collect();
    let (port, _) = ORIGINS.split_once('-').expect("is a range");
    let port: u16 = port.parse().expect("is a port");
    scene.apply(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "flock", "labels": {"kubernetes.io/service-name": "flock"}},
        "addressType": "IPv4",
        "ports": [{"name": "main", "port": port}],
        "endpoints": endpoints,
    }));
}

const ENDPOINTS: u32 = 100;
const ADDRESSES: &str = "10.243.0.0/24";
const TICK: Duration = Duration::from_millis(100);
const LASTING: Duration = secs(15);
