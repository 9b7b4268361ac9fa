//! The gateway on the network of nodes.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::deployment::{apply, log, print_logs};
use crate::patience::{PATIENCE, within};
use crate::pods::SYSTEM;
use crate::replica::assert_nothing_forbidden;
use crate::scene::Scene;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_node_that_is_labelled_for_it_serves_gateways_at_its_own_address() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let scene = Scene::new(cluster, "nodes");
    remove_balancers(cluster);
    let daemons = Daemons { cluster };
    apply(cluster, "deploy/daemonset.yaml");
    // Gateways of other tests want the same port of the same address.
    let only = format!("GATEWAY_NAMESPACES={}", scene.namespace);
    let target = ["daemonset/gateway", "--namespace", SYSTEM];
    cluster.kubectl(&[&["set", "env"][..], &target, &[&only]].concat());
    cluster.kubectl(&[
        "label",
        "node",
        "--all",
        "--overwrite",
        "gateway-rs.dev/edge=true",
    ]);
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

    cluster.kubectl(&["label", "node", "--all", "gateway-rs.dev/edge-"]);
    within(PATIENCE, "a node that is not labelled is left", || {
        daemons.pods().is_empty().then_some(())
    });
    drop(daemons);
}

/// Removes the load balancers that other tests have left: they have ports of the node.
fn remove_balancers(cluster: &Cluster) {
    for service in cluster.api().list("v1", "Service", "") {
        if service["spec"]["type"] == "LoadBalancer" {
            let metadata = &service["metadata"];
            eprintln!("removed: {}/{}", metadata["namespace"], metadata["name"]);
            cluster.api().delete(&json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"namespace": metadata["namespace"], "name": metadata["name"]},
            }));
        }
    }
}

/// What `deploy/daemonset.yaml` makes. Dropping it removes it.
struct Daemons {
    cluster: &'static Cluster,
}

impl Daemons {
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
        let mut command = self.cluster.script("kubectl");
        // Whatever it is worth, if the test has failed already.
        let _ = command.args(unlabel).output();
        self.cluster.api().delete(&json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"namespace": SYSTEM, "name": "gateway"},
        }));
    }
}
