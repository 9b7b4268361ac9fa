//! What a cluster makes of manifests before a gateway sees them.

use gateway_k8s::resolve::CONTROLLER_NAME;
use serde_json::{Value, json};

use crate::block::Block;
use crate::keys::KEYS;
use crate::pod::Pod;
use crate::upstream;

/// The namespace of Gateways and of most routes.
pub(crate) const INFRA: &str = "gateway-conformance-infra";
/// A namespace of applications.
pub(crate) const APP: &str = "gateway-conformance-app-backend";
/// Another.
pub(crate) const WEB: &str = "gateway-conformance-web-backend";

/// Every object of the base manifest and of `names`, our class, and the suite's keys.
pub(crate) fn objects(names: &[&str], block: &Block) -> Vec<Value> {
    let mut texts = vec![upstream::manifest("base/manifests")];
    texts.extend(
        names
            .iter()
            .map(|name| upstream::manifest(&format!("tests/{name}"))),
    );
    let mut objects = vec![json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": CONTROLLER_NAME},
    })];

    for text in texts {
        let text = text
            .replace("{GATEWAY_CLASS_NAME}", CLASS)
            .replace("PLACEHOLDER_UNUSABLE_ADDRS", UNUSABLE)
            .replace("PLACEHOLDER_USABLE_ADDRS", &block.usable().to_string());
        let read: Vec<Value> = serde_saphyr::from_multiple(&text).expect("manifests");
        objects.extend(read.into_iter().filter(|object| !object.is_null()));
    }
    objects.extend(KEYS.objects());
    objects
}

/// Runs the pods of all Deployments, and takes the Deployments out, which are not for
/// gateways to read.
pub(crate) async fn run(objects: &mut Vec<Value>, block: &Block) -> Vec<Pod> {
    let mut pods: Vec<Pod> = Vec::new();
    for deployment in objects.iter().filter(|one| one["kind"] == "Deployment") {
        let replicas = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
        for replica in 0..replicas {
            let address = block.pod(pods.len());
            pods.push(Pod::start(deployment, replica, address).await);
        }
    }
    objects.retain(|object| object["kind"] != "Deployment");
    pods
}

/// Adds the EndpointSlices of Services with a selector.
pub(crate) fn find_endpoints(objects: &mut Vec<Value>, pods: &[Pod]) {
    let services = objects.iter().filter(|one| one["kind"] == "Service");
    let slices: Vec<_> = services
        .filter_map(|service| slice_of(service, pods))
        .collect();
    objects.extend(slices);
}

fn slice_of(service: &Value, pods: &[Pod]) -> Option<Value> {
    let selector = service["spec"]["selector"].as_object()?;
    let name = service["metadata"]["name"].as_str()?;
    let namespace = service["metadata"]["namespace"].as_str()?;
    let chosen = pods.iter().filter(|pod| pod.is_chosen(namespace, selector));
    let ports = service["spec"]["ports"].as_array()?.iter().map(|port| {
        json!({
            "name": port["name"].as_str().unwrap_or_default(),
            "protocol": port["protocol"],
            "port": port["targetPort"],
            "appProtocol": port["appProtocol"],
        })
    });
    Some(json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{name}-auto"),
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": ports.collect::<Vec<_>>(),
        "endpoints": chosen.map(Pod::endpoint).collect::<Vec<_>>(),
    }))
}

const CLASS: &str = "gateway-conformance";
/// Of a network for documentation, which no machine has.
const UNUSABLE: &str = "192.0.2.1";
