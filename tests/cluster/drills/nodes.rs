//! The gateway on the network of nodes.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::deployment::{log, print_logs};
use crate::patience::{PATIENCE, within};
use crate::pods::SYSTEM;
use crate::replica::assert_nothing_forbidden;
use crate::scene::Scene;
use crate::tidy::{Applied, insist};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_node_that_is_labelled_for_it_serves_gateways_at_its_own_address() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let scene = Scene::new(cluster, "nodes");
    let daemons = Daemons::start(cluster);
    scene.gateway("edge");
    let origin = scene.backend("echo");
    scene.route("shop", "edge", "echo");

    let address = scene.address("edge");

    let node = cluster.api().list("v1", "Node", "").remove(0);
    assert_eq!(node["status"]["addresses"][0]["address"], address.as_str());
    scene.served(&format!("http://{address}/shop"), &origin);
    let pods = daemons.pods();
    assert_eq!(pods.len(), 1, "{pods:#?}");
    assert_nothing_forbidden(&log(cluster, &pods[0]));

    daemons.label("gateway-rs.dev/edge-");
    within(PATIENCE, "a node that is not labelled is left", || {
        daemons.pods().is_empty().then_some(())
    });
}

/// That of `deploy/daemonset.yaml`, on every node. Dropping it removes it.
#[derive(Debug)]
struct Daemons {
    cluster: &'static Cluster,
    _applied: Applied,
}

impl Daemons {
    fn start(cluster: &'static Cluster) -> Self {
        let this = Self {
            cluster,
            _applied: Applied::new(cluster, "deploy/daemonset.yaml"),
        };
        this.label("gateway-rs.dev/edge=true");
        this
    }

    fn label(&self, label: &str) {
        let all = ["label", "node", "--all", "--overwrite", label];
        self.cluster.kubectl(&all);
    }

    /// Its pods that are to stay.
    fn pods(&self) -> Vec<Value> {
        let mut pods = self.cluster.api().list("v1", "Pod", SYSTEM);
        pods.retain(|pod| {
            let metadata = &pod["metadata"];
            let owner = &metadata["ownerReferences"][0]["kind"];
            owner == "DaemonSet" && metadata["deletionTimestamp"].is_null()
        });
        pods
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(self.cluster);
        }
        let unlabel = ["label", "node", "--all", "gateway-rs.dev/edge-"];
        let output = self.cluster.script("kubectl").args(unlabel).output();
        let is_done = output.as_ref().is_ok_and(|one| one.status.success());
        insist(is_done, || format!("a label of the node: {output:?}"));
    }
}
