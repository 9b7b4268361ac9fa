//! Gateways with pods of their own.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::curl::curl;
use crate::deployment::{Deployment, log};
use crate::patience::{PATIENCE, secs, throughout, within};
use crate::pods::SYSTEM;
use crate::scene::{GATEWAY_API, Scene, condition};
use crate::secrets::put_certificate;
use crate::tidy::Applied;

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_dedicated_gateway_is_served_by_pods_of_its_own_and_goes_with_all_it_had() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let _roles = Applied::new(cluster, "deploy/dedicated.yaml");
    let scene = Scene::new(cluster, "dedicated");
    let deployment = Deployment::start(cluster, DEDICATED);
    put_certificate(&scene, "certificate", 0);
    for name in ["one", "two"] {
        gateway(&scene, name, &[80]);
    }
    let origins = ["one", "two"].map(|name| scene.backend(name));
    for name in ["one", "two"] {
        scene.route(name, name, name);
    }

    let addresses = ["one", "two"].map(|name| scene.address(name));

    for (index, name) in ["one", "two"].into_iter().enumerate() {
        let address = &addresses[index];
        scene.served(&format!("http://{address}/{name}"), &origins[index]);
        let resolve = format!("shop.example.com:443:{address}");
        let url = format!("https://shop.example.com/{name}");
        let answer = curl(cluster, &["--insecure", "--resolve", &resolve, &url]);
        assert!(answer.is(200, &origins[index]), "{answer:?}");
        let other = &addresses[1 - index];
        assert_eq!(scene.fetch(&format!("http://{other}/{name}")).status, 404);
        assert_carries_what_was_asked(&scene, name);
    }

    scene.delete("Gateway", "one");

    within(PATIENCE, "all goes with the Gateway", || {
        let mut kinds = MADE.into_iter();
        kinds
            .all(|kind| scene.get(kind, "one-gateway").is_none())
            .then_some(())?;
        (pods_of(&scene, "one").is_empty() && subjects(&scene) == ["two-gateway"]).then_some(())
    });
    scene.served(&format!("http://{}/two", addresses[1]), &origins[1]);
    for pod in pods_of(&scene, "two") {
        let log = log(cluster, &pod);
        assert!(
            !log.contains("forbidden"),
            "deploy/dedicated.yaml has too little: {log}"
        );
    }
    scene.delete("Gateway", "two");
    within(PATIENCE, "the last one leaves nothing", || {
        let binding = scene.get("RoleBinding", "gateway-dedicated");
        (binding.is_none() && subjects(&scene).is_empty()).then_some(())
    });
    deployment.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_dedicated_gateway_can_be_edited_and_scaled_and_its_deployment_is_kept_as_it_should_be() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let _roles = Applied::new(cluster, "deploy/dedicated.yaml");
    let scene = Scene::new(cluster, "edited");
    let deployment = Deployment::start(cluster, DEDICATED);
    put_certificate(&scene, "certificate", 0);
    gateway(&scene, "edge", &[80]);
    let origin = scene.backend("echo");
    scene.route("shop", "edge", "echo");
    let address = scene.address("edge");
    scene.served(&format!("http://{address}/shop"), &origin);

    let target = ["deployment/edge-gateway", "--namespace", &scene.namespace];
    cluster.kubectl(&[&["scale", "--replicas=2"][..], &target].concat());
    cluster.kubectl(&[&["set", "env"][..], &target, &["GATEWAY_LOG=text/error"]].concat());
    gateway(&scene, "edge", &[80, 8080]);

    scene.served(&format!("http://{address}:8080/shop"), &origin);
    within(secs(120), "the Deployment is as it should be again", || {
        let deployment = scene.get("Deployment", "edge-gateway")?;
        assert_eq!(deployment["spec"]["replicas"], 2);
        let containers = &deployment["spec"]["template"]["spec"]["containers"];
        let resources = &containers[0]["resources"];
        assert_eq!(resources["requests"]["cpu"], "50m");
        assert_eq!(resources["limits"]["memory"], "1Gi");
        let variables = containers[0]["env"].as_array()?;
        let log = variables.iter().find(|one| one["name"] == "GATEWAY_LOG")?;
        (log["value"] == "json/info").then_some(())
    });
    within(PATIENCE, "the pods that were asked for are ready", || {
        let deployment = scene.get("Deployment", "edge-gateway")?;
        (deployment["status"]["readyReplicas"] == 2).then_some(())
    });
    scene.served(&format!("http://{address}/shop"), &origin);

    let before = written(&scene);
    throughout(secs(60), "an idle cluster is not written to", || {
        written(&scene) == before
    });

    let system = ["deployment/gateway", "--namespace", SYSTEM];
    let services = ["GATEWAY_EXPOSURE=services"];
    cluster.kubectl(&[&["set", "env"][..], &system, &services].concat());
    within(secs(120), "nothing is left of what was dedicated", || {
        let mut kinds = MADE.into_iter().filter(|kind| *kind != "Service");
        let gone = kinds.all(|kind| scene.get(kind, "edge-gateway").is_none());
        let mut slices = scene.list("EndpointSlice");
        slices.retain(|one| {
            one["metadata"]["labels"]["kubernetes.io/service-name"] == "edge-gateway"
        });
        let names: Vec<_> = slices.iter().map(|one| &one["metadata"]["name"]).collect();
        let binding = scene.get("RoleBinding", "gateway-dedicated");
        (gone && binding.is_none() && names == ["edge-gateway-ipv4"]).then_some(())
    });
    scene.served(&format!("http://{address}:8080/shop"), &origin);
    let wait = ["rollout", "status", "--timeout=120s"];
    cluster.kubectl(&[&wait[..], &system].concat());
    scene.delete("Gateway", "edge");
    deployment.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_deployment_of_somebody_else_is_left_alone_and_the_gateway_says_so() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let _roles = Applied::new(cluster, "deploy/dedicated.yaml");
    let scene = Scene::new(cluster, "foreign");
    let labels = json!({"app": "other"});
    let other = scene.apply(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "edge-gateway"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "other"}]},
            },
        },
    }));
    let deployment = Deployment::start(cluster, DEDICATED);
    put_certificate(&scene, "certificate", 0);
    gateway(&scene, "edge", &[80]);

    within(PATIENCE, "the Gateway says what is wrong", || {
        let gateway = scene.get("Gateway", "edge")?;
        let condition = condition(&gateway, &gateway["status"], "Programmed")?;
        let message = condition["message"].as_str()?;
        (condition["reason"] == "NoResources").then_some(())?;
        message
            .contains("edge-gateway is not this Gateway's")
            .then_some(())
    });
    let now = scene.get("Deployment", "edge-gateway").expect("is there");
    assert_eq!(now["spec"], other["spec"]);

    scene.delete("Deployment", "edge-gateway");
    assert!(scene.address("edge").starts_with("10.97."));
    scene.delete("Gateway", "edge");
    deployment.finish();
}

/// A Gateway for HTTP on these ports, and for HTTPS.
fn gateway(scene: &Scene, name: &str, ports: &[u16]) {
    let http =
        |port: &u16| json!({"name": format!("http-{port}"), "port": port, "protocol": "HTTP"});
    let mut listeners: Vec<_> = ports.iter().map(http).collect();
    listeners.push(json!({
        "name": "https", "port": 443, "protocol": "HTTPS",
        "tls": {"certificateRefs": [{"name": "certificate"}]},
    }));
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway",
        "metadata": {"name": name, "annotations": {
            "gateway-rs.dev/cpu-request": "50m",
            // As an API server does not write it.
            "gateway-rs.dev/memory-limit": "1024Mi",
        }},
        "spec": {
            "gatewayClassName": "gateway",
            "listeners": listeners,
            "infrastructure": {
                "labels": {"example.com/team": "shop"},
                "annotations": {"example.com/cost": "low"},
            },
        },
    }));
}

fn assert_carries_what_was_asked(scene: &Scene, gateway: &str) {
    let name = format!("{gateway}-gateway");
    let objects = MADE.map(|kind| scene.get(kind, &name).expect(kind));
    let pods = pods_of(scene, gateway);
    assert_eq!(pods.len(), 1, "{pods:#?}");
    for object in objects.iter().chain(&pods) {
        let metadata = &object["metadata"];
        assert_eq!(metadata["labels"]["example.com/team"], "shop");
        assert_eq!(metadata["annotations"]["example.com/cost"], "low");
    }
}

fn pods_of(scene: &Scene, gateway: &str) -> Vec<Value> {
    let mut pods = scene.list("Pod");
    let label = "gateway.networking.k8s.io/gateway-name";
    pods.retain(|pod| pod["metadata"]["labels"][label] == gateway);
    pods
}

/// Who may read what routes are made of.
fn subjects(scene: &Scene) -> Vec<String> {
    let (version, kind) = ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding");
    let api = scene.cluster.api();
    let binding = api
        .get(version, kind, "", "gateway-dedicated")
        .expect("is there");
    let subjects = binding["subjects"].as_array().cloned().unwrap_or_default();
    let ours = subjects
        .iter()
        .filter(|one| one["namespace"] == scene.namespace.as_str());
    let names = ours.filter_map(|one| one["name"].as_str());
    names.map(str::to_owned).collect()
}

/// When what a Gateway has was last written to by the gateway.
fn written(scene: &Scene) -> Vec<Value> {
    let objects = MADE.map(|kind| scene.get(kind, "edge-gateway").expect(kind));
    let managers = objects
        .iter()
        .map(|one| one["metadata"]["managedFields"].as_array());
    let ours = managers
        .flat_map(|all| all.expect("is kept"))
        .filter(|one| one["manager"] == "gateway-rs.dev");
    let times: Vec<_> = ours.map(|one| one["time"].clone()).collect();
    assert_eq!(times.len(), MADE.len());
    times
}

/// What each Gateway has of its name.
const MADE: [&str; 4] = [
    "Deployment",
    "PodDisruptionBudget",
    "Service",
    "ServiceAccount",
];
/// One pod for each Gateway, since the node is small.
const DEDICATED: &[&str] = &["GATEWAY_EXPOSURE=dedicated", "GATEWAY_DEDICATED_REPLICAS=1"];
