//! Gateways with addresses of their own.

use crate::cluster::Cluster;
use crate::patience::{PATIENCE, within};
use crate::replica::Replica;
use crate::scene::{Scene, condition};

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_gateway_has_a_headless_service_with_its_address() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "headless");
    let _replica = Replica::of(&scene);
    scene.gateway("edge");
    let address = scene.address("edge");

    let slice = within(PATIENCE, "the EndpointSlice", || {
        scene.get("EndpointSlice", "edge-gateway-ipv4")
    });
    let service = scene.get("Service", "edge-gateway").expect("is there");
    assert_eq!(service["spec"]["clusterIP"], "None");
    assert_eq!(service["spec"]["ports"][0]["port"], 80);
    assert_eq!(service["metadata"]["ownerReferences"][0]["name"], "edge");
    assert_eq!(slice["endpoints"][0]["addresses"][0], address);
    let labels = &slice["metadata"]["labels"];
    assert_eq!(labels["kubernetes.io/service-name"], "edge-gateway");

    scene.delete("Gateway", "edge");

    within(PATIENCE, "both are removed with it", || {
        let is_gone = |kind: &str, name: &str| scene.get(kind, name).is_none();
        (is_gone("Service", "edge-gateway") && is_gone("EndpointSlice", "edge-gateway-ipv4"))
            .then_some(())
    });
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn addresses_stay_when_the_gateway_starts_again() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "restarted");
    let mut replica = Replica::of(&scene);
    // The second comes first by name, and would get the first address afresh.
    scene.gateway("b");
    let second = scene.address("b");
    scene.gateway("a");
    let first = scene.address("a");
    assert_ne!(first, second);
    replica.terminate();
    replica.ended();

    let _replica = Replica::of(&scene);

    let origin = scene.backend("echo");
    for (gateway, address) in [("a", &first), ("b", &second)] {
        scene.route(gateway, gateway, "echo");
        scene.accepted("HTTPRoute", gateway);
        assert_eq!(&scene.address(gateway), address);
        scene.served(&format!("http://{address}/{gateway}"), &origin);
    }
}

#[test]
#[ignore = "needs root and a Kubernetes cluster; .ci/run runs it"]
fn a_gateway_that_gets_no_address_is_told_and_gets_the_next_that_is_free() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let scene = Scene::new(cluster, "exhausted");
    let only = format!("{}7", scene.addresses());
    let _replica = Replica::with(&scene, &["--address-pool", &format!("{only}/32")]);
    scene.gateway("first");
    assert_eq!(scene.address("first"), only);
    scene.gateway("second");

    let message = within(PATIENCE, "the second is told", || {
        let gateway = scene.get("Gateway", "second")?;
        let found = condition(&gateway, &gateway["status"], "Programmed")?;
        (found["reason"] == "AddressNotAssigned").then_some(())?;
        assert_eq!(found["status"], "False");
        Some(found["message"].to_string())
    });
    assert!(message.contains("address"), "{message}");
    assert_eq!(scene.address("first"), only);

    scene.delete("Gateway", "first");

    assert_eq!(scene.address("second"), only);
    let origin = scene.backend("echo");
    scene.route("shop", "second", "echo");
    scene.served(&format!("http://{only}/shop"), &origin);
}
