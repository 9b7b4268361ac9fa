//! Gateways behind load balancers.

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::curl::curl;
use crate::deployment::Deployment;
use crate::patience::{PATIENCE, within};
use crate::scene::{GATEWAY_API, Scene, condition};

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
    let deployment = Deployment::start(cluster, &[]);
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

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_service_of_somebody_else_is_left_alone_and_the_gateway_says_so() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let scene = Scene::new(cluster, "taken");
    let taken = scene.apply(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "one-gateway"},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "main", "port": 80}]},
    }));
    let deployment = Deployment::start(cluster, &[]);
    gateway(&scene, "one");

    within(PATIENCE, "the Gateway says what is wrong", || {
        let gateway = scene.get("Gateway", "one")?;
        let condition = condition(&gateway, &gateway["status"], "Programmed")?;
        (condition["reason"] == "NoResources").then_some(())?;
        let message = condition["message"].as_str()?;
        message
            .contains("one-gateway is not this Gateway's")
            .then_some(())
    });
    let now = scene.get("Service", "one-gateway").expect("is there");
    assert_eq!(now["spec"]["ports"], taken["spec"]["ports"]);
    assert!(now["metadata"]["ownerReferences"].is_null());

    scene.delete("Service", "one-gateway");
    assert!(scene.address("one").starts_with("10.97."));
    deployment.finish();
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_load_balancer_is_asked_for_the_address_that_the_gateway_names() {
    let Some((cluster, _turn)) = Cluster::alone() else {
        return;
    };
    let scene = Scene::new(cluster, "asked");
    let deployment = Deployment::start(cluster, &[]);
    let named = |address: &str| {
        scene.apply(json!({
            "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": "one"},
            "spec": {
                "gatewayClassName": "gateway",
                "addresses": [{"type": "IPAddress", "value": address}],
                "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
            },
        }));
    };
    let origin = scene.backend("echo");
    scene.route("shop", "one", "echo");

    named("10.97.7.7");
    assert_eq!(scene.address("one"), "10.97.7.7");
    scene.served("http://10.97.7.7/shop", &origin);

    // Of nobody's range.
    named("192.0.2.7");
    within(PATIENCE, "the Gateway says that it has not got it", || {
        let gateway = scene.get("Gateway", "one")?;
        let condition = condition(&gateway, &gateway["status"], "Programmed")?;
        (condition["reason"] == "AddressNotUsable").then_some(())
    });

    named("10.97.7.8");
    within(PATIENCE, "it has the next one", || {
        (scene.address("one") == "10.97.7.8").then_some(())
    });
    scene.served("http://10.97.7.8/shop", &origin);
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
