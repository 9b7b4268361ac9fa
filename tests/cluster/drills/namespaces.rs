//! Namespaces that are deleted with all that is in them.

use serde_json::json;

use crate::cluster::Cluster;
use crate::load::Load;
use crate::patience::{secs, within};
use crate::replica::Replica;
use crate::scene::{GATEWAY_API, Scene};
use crate::secrets::put_certificate;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_namespace_is_deleted_whole_while_others_are_served() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let living = Scene::new(cluster, "living");
    let replica = Replica::of_all(&living, &[]);
    let doomed = Scene::new(cluster, "doomed");
    for scene in [&living, &doomed] {
        let origin = scene.backend("echo");
        put_certificate(scene, "certificate", 1);
        gateway(scene);
        scene.route("shop", "edge", "echo");
        scene.apply(json!({
            "apiVersion": GATEWAY_API, "kind": "ReferenceGrant", "metadata": {"name": "all"},
            "spec": {
                "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "living"}],
                "to": [{"group": "", "kind": "Service"}],
            },
        }));
        scene.served(&format!("http://{}/shop", scene.address("edge")), &origin);
    }
    let gone = doomed.address("edge");
    let load = Load::start(
        cluster,
        &[&format!("http://{}/shop", living.address("edge"))],
    );
    let before = replica.log().len();

    cluster.api().delete(&json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": doomed.namespace},
    }));

    within(secs(30), "the namespace is gone", || {
        let api = cluster.api();
        let namespace = api.get("v1", "Namespace", "", &doomed.namespace);
        namespace.is_none().then_some(())
    });
    within(secs(5), "its Gateway is not served any more", || {
        let answer = doomed.fetch(&format!("http://{gone}/shop"));
        (answer.status == 0).then_some(())
    });
    load.more(20);
    let (count, failed) = load.stop();
    assert_eq!(failed, Vec::<String>::new(), "of {count}");
    let log = replica.log();
    let loud: Vec<_> = log[before..]
        .lines()
        .filter(|line| line.contains(" ERROR ") || line.contains(" WARN "))
        .filter(|line| !line.contains(" for Gateway "))
        .collect();
    // Its parts go one after the other, and each may be missed once.
    assert!(loud.len() <= 6, "{loud:#?}");
}

fn gateway(scene: &Scene) {
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": "edge"},
        "spec": {
            "gatewayClassName": "gateway",
            "listeners": [
                {"name": "http", "port": 80, "protocol": "HTTP"},
                {"name": "https", "port": 443, "protocol": "HTTPS",
                 "tls": {"certificateRefs": [{"name": "certificate"}]}},
            ],
        },
    }));
}
