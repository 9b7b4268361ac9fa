//! `check` and `explain`, for which reading is enough.

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use crate::cluster::{Cluster, gateway_binary};
use crate::scene::{GATEWAY_API, Scene};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn check_and_explain_need_no_more_than_to_read() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "read");
    let kubeconfig = reader(&scene);
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": "edge"},
        "spec": {
            "gatewayClassName": "gateway",
            "addresses": [{"type": "IPAddress", "value": format!("{}1", scene.addresses())}],
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
        },
    }));
    scene.backend("echo");
    scene.route("shop", "edge", "echo");
    let gateway = |command: &str, arguments: &[&str]| {
        let mut gateway = cluster.enter(gateway_binary().expect("there was one"));
        gateway
            .args([command, "--kubernetes", "--namespace", &scene.namespace])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(arguments);
        gateway.output().expect("runs")
    };

    let checked = gateway("check", &["--output", "json"]);
    assert!(checked.status.success(), "{}", text(&checked));
    let url = format!("http://{}1/shop", scene.addresses());
    let explained = gateway("explain", &[&url]);
    assert!(explained.status.success(), "{}", text(&explained));
    let answer = text(&explained);
    assert!(
        answer.contains("shop") && answer.contains("echo"),
        "{answer}"
    );

    scene.route("shop", "edge", "missing");

    let checked = gateway("check", &["--output", "json"]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
    let found: Value = serde_json::from_slice(&checked.stdout).expect("is JSON");
    assert!(found["problems"].to_string().contains("missing"), "{found}");
    let nowhere = gateway("explain", &[&url.replace("/shop", "/nowhere")]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", text(&nowhere));
}

/// The credentials of somebody who may read what `deploy/rbac.yaml` lets the gateway
/// read, and change nothing.
fn reader(scene: &Scene) -> PathBuf {
    let (cluster, group) = (scene.cluster, "rbac.authorization.k8s.io");
    let api = format!("{group}/v1");
    let mut role = cluster
        .api()
        .get(&api, "ClusterRole", "", "gateway")
        .expect("is installed");
    let reads = |rule: &Value| {
        let verbs = rule["verbs"].as_array();
        verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"))
    };
    let mut rules = role["rules"].take();
    rules.as_array_mut().expect("is a list").retain(reads);
    let name = format!("reader-{}", scene.namespace);
    let metadata = json!({"name": name});
    let objects = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "reader", "namespace": scene.namespace}}),
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": metadata, "rules": rules}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": scene.namespace}]}),
    ];
    for object in objects {
        scene.apply(object);
    }
    let mut command = cluster.script("kubeconfig-for");
    command.args([&scene.namespace, "reader"]);
    cluster.file(&format!("{name}.kubeconfig"), &Cluster::output(command))
}

fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
