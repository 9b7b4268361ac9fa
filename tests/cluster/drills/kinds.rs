//! Kinds that are removed and installed while the gateway runs.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::patience::{PATIENCE, within};
use crate::replica::Replica;
use crate::scene::{GATEWAY_API, Scene};
use crate::tidy::insist;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn kinds_that_are_installed_later_are_followed_from_then_on() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let scene = Scene::new(cluster, "kinds");
    let replica = Replica::of(&scene);
    let origin = scene.backend("echo");
    gateway(&scene);
    let address = scene.address("edge");
    for (kind, ask) in [("TCPRoute", ask_tcp as Ask), ("UDPRoute", ask_udp as Ask)] {
        let url = if kind == "TCPRoute" { 9000 } else { 9001 };
        let answered = |expected: &str| {
            within(PATIENCE, &format!("an answer by the {kind}"), || {
                ask(&scene, &address, url).contains(expected).then_some(())
            });
        };
        route(&scene, kind);
        scene.accepted(kind, "stream");
        answered(&origin);

        let removed = Removed::new(cluster, kind);
        within(PATIENCE, "nothing is served without the kind", || {
            (!ask(&scene, &address, url).contains(&origin)).then_some(())
        });

        drop(removed);
        within(PATIENCE, "the kind can be written", || {
            let path = format!("/apis/{GATEWAY_API}/{}s", kind.to_lowercase());
            (cluster.api().call("GET", &path, "", "")?.0 == 200).then_some(())
        });
        route(&scene, kind);
        scene.accepted(kind, "stream");
        answered(&origin);
        let connected = replica.metric("gateway_watch_connected", kind);
        assert_eq!(connected, 1.0, "{kind}");
    }
}

type Ask = fn(&Scene, &str, u16) -> String;

fn gateway(scene: &Scene) {
    let all = json!({"namespaces": {"from": "Same"}});
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": "edge"},
        "spec": {
            "gatewayClassName": "gateway",
            "listeners": [
                {"name": "tcp", "port": 9000, "protocol": "TCP", "allowedRoutes": all},
                {"name": "udp", "port": 9001, "protocol": "UDP", "allowedRoutes": all},
            ],
        },
    }));
}

fn route(scene: &Scene, kind: &str) {
    let section = if kind == "TCPRoute" { "tcp" } else { "udp" };
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": kind, "metadata": {"name": "stream"},
        "spec": {
            "parentRefs": [{"name": "edge", "sectionName": section}],
            "rules": [{"name": "all", "backendRefs": [{"name": "echo", "port": 80}]}],
        },
    }));
}

fn ask_tcp(scene: &Scene, address: &str, port: u16) -> String {
    scene.fetch(&format!("http://{address}:{port}/")).body
}

fn ask_udp(scene: &Scene, address: &str, port: u16) -> String {
    let mut command = scene.cluster.enter("python3");
    command.args(["-c", DATAGRAM, address, &port.to_string()]);
    let output = command.output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A definition that was removed, with all objects of its kind. Dropping it brings it back.
struct Removed {
    cluster: &'static Cluster,
    definition: Value,
}

impl Removed {
    fn new(cluster: &'static Cluster, kind: &str) -> Self {
        let name = format!("{}s.gateway.networking.k8s.io", kind.to_lowercase());
        let get = || {
            cluster
                .api()
                .get(DEFINITIONS, "CustomResourceDefinition", "", &name)
        };
        let there = get().expect("is installed");
        let annotations = &there["metadata"]["annotations"];
        let this = Self {
            cluster,
            definition: json!({
                "apiVersion": DEFINITIONS, "kind": "CustomResourceDefinition",
                "metadata": {"name": name, "annotations": annotations},
                "spec": there["spec"],
            }),
        };
        cluster.api().delete(&there);
        within(PATIENCE, "the definition is gone", || {
            get().is_none().then_some(())
        });
        this
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        let is_back = self.cluster.api().try_apply(&self.definition);
        insist(is_back, || "a kind without a definition".to_owned());
    }
}

const DEFINITIONS: &str = "apiextensions.k8s.io/v1";
const DATAGRAM: &str = r#"
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(1)
sock.connect((sys.argv[1], int(sys.argv[2])))
try:
    sock.send(b"ask")
    print(sock.recv(100).decode())
except OSError as error:
    print(error)
"#;
