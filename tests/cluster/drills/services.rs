//! Gateways behind load balancers.

use serde_json::{Value, json};

use crate::cluster::{Cluster, root};
use crate::curl::curl;
use crate::patience::{PATIENCE, within};
use crate::pods::SYSTEM;
use crate::replica::assert_nothing_forbidden;
use crate::scene::{GATEWAY_API, Scene};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn each_gateway_has_a_load_balancer_of_its_own() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    assert_each_has_its_own(&Scene::of_the_gateway(cluster));
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn load_balancers_lead_to_the_gateway_from_other_namespaces_too() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    assert_each_has_its_own(&Scene::new(cluster, "balanced"));
}

fn assert_each_has_its_own(scene: &Scene) {
    let cluster = scene.cluster;
    let deployment = Deployment::start(cluster);
    for name in ["one", "two"] {
        gateway(scene, name);
    }
    let origins = ["one", "two"].map(|name| scene.backend(name));
    for name in ["one", "two"] {
        scene.route(name, name, name);
        redirect(scene, name);
    }

    let addresses = ["one", "two"].map(|name| scene.address(name));

    assert_ne!(addresses[0], addresses[1]);
    for (index, name) in ["one", "two"].into_iter().enumerate() {
        let address = &addresses[index];
        assert!(address.starts_with("10.97."), "{address}");
        scene.served(&format!("http://{address}/{name}"), &origins[index]);
        let other = &addresses[1 - index];
        assert_eq!(scene.fetch(&format!("http://{other}/{name}")).status, 404);
        let moved = scene.fetch(&format!("http://{address}/moved-{name}/"));
        assert_eq!(moved.status, 302);
        // The port that clients see, and not that of the pods.
        assert_eq!(moved.location, format!("http://{address}/elsewhere"));
        assert_is_published(scene, name, address);
    }

    scene.delete("Gateway", "one");

    within(PATIENCE, "the Service is removed with its Gateway", || {
        service_of(cluster, scene, "one").is_none().then_some(())
    });
    within(PATIENCE, "its address answers no more", || {
        let url = format!("http://{}/one", addresses[0]);
        (curl(cluster, &["--max-time", "1", &url]).status == 0).then_some(())
    });
    scene.served(&format!("http://{}/two", addresses[1]), &origins[1]);
    deployment.finish();
}

/// The Service of a Gateway, in whatever namespace and of whatever name.
fn service_of(cluster: &Cluster, scene: &Scene, gateway: &str) -> Option<Value> {
    let services = cluster.api().list("v1", "Service", "");
    services.into_iter().find(|service| {
        let labels = &service["metadata"]["labels"];
        labels["gateway.networking.k8s.io/gateway-name"] == gateway
            && labels["drills/scene"] == scene.namespace.as_str()
    })
}

fn assert_is_published(scene: &Scene, gateway: &str, address: &str) {
    let service = service_of(scene.cluster, scene, gateway).expect("is labelled");
    let metadata = &service["metadata"];
    assert_eq!(service["spec"]["type"], "LoadBalancer");
    assert_eq!(metadata["annotations"]["example.com/scheme"], "internal");
    let ingress = &service["status"]["loadBalancer"]["ingress"][0];
    assert_eq!(ingress["ip"], address);
    assert_eq!(service["spec"]["ports"][0]["port"], 80);
}

fn gateway(scene: &Scene, name: &str) {
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": name},
        "spec": {
            "gatewayClassName": "gateway",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
            "infrastructure": {
                "labels": {"drills/scene": scene.namespace},
                "annotations": {"example.com/scheme": "internal"},
            },
        },
    }));
}

fn redirect(scene: &Scene, gateway: &str) {
    let name = format!("moved-{gateway}");
    let path = json!({"type": "ReplaceFullPath", "replaceFullPath": "/elsewhere"});
    scene.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "HTTPRoute", "metadata": {"name": name},
        "spec": {
            "parentRefs": [{"name": gateway}],
            "rules": [{
                "matches": [{"path": {"value": format!("/{name}")}}],
                "filters": [{
                    "type": "RequestRedirect",
                    "requestRedirect": {"path": path, "statusCode": 302},
                }],
            }],
        },
    }));
}

/// That of `deploy/deployment.yaml`.
struct Deployment {
    cluster: &'static Cluster,
}

impl Deployment {
    fn start(cluster: &'static Cluster) -> Self {
        let file = root().join("deploy/deployment.yaml").display().to_string();
        cluster.kubectl(&["apply", "--filename", &file]);
        let quickly = ["GATEWAY_LAME_DUCK=0s", "GATEWAY_DRAIN_TIMEOUT=1s"];
        let target = ["deployment/gateway", "--namespace", SYSTEM];
        let set = [&["set", "env"][..], &target, &quickly].concat();
        cluster.kubectl(&set);
        let wait = ["rollout", "status", "--timeout=120s"];
        cluster.kubectl(&[&wait[..], &target].concat());
        Self { cluster }
    }

    /// What its pods have said, for whoever looks why a test has failed.
    fn print_logs(&self) {
        for pod in self.cluster.api().list("v1", "Pod", SYSTEM) {
            let name = pod["metadata"]["name"].as_str().expect("has a name");
            let log = ["logs", "--namespace", SYSTEM, name];
            let log = self.cluster.script("kubectl").args(log).output();
            let log = log.expect("bash is there").stdout;
            eprintln!("{name}: {}", pod["status"]);
            eprintln!("{}", String::from_utf8_lossy(&log));
        }
    }

    fn finish(self) {
        let mut pods = self.cluster.api().list("v1", "Pod", SYSTEM);
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        assert_eq!(pods.len(), 2, "{pods:#?}");
        for pod in pods {
            let name = pod["metadata"]["name"].as_str().expect("has a name");
            let log = self.cluster.kubectl(&["logs", "--namespace", SYSTEM, name]);
            assert_nothing_forbidden(&log);
        }
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print_logs();
        }
        self.cluster.api().delete(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": SYSTEM, "name": "gateway"},
        }));
    }
}
