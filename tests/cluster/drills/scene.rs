//! What a test has for itself.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::cluster::{Cluster, ORIGINS};
use crate::curl::{Answer, curl};
use crate::patience::{PATIENCE, eventually, within};
use crate::pods::SYSTEM;
use crate::tidy::{LONG, insist, reference, remove};

/// A namespace, and a range of addresses for its Gateways.
///
/// Dropping it removes the namespace, and what was applied outside of it. Whoever runs for it
/// has to be dropped before.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: String,
    number: u16,
    /// What does not go with the namespace.
    made: RefCell<Vec<Value>>,
}

impl Scene {
    pub(crate) fn new(cluster: &'static Cluster, name: &str) -> Self {
        let number = cluster.number();
        let scene = Self {
            cluster,
            namespace: format!("{name}-{number}"),
            number,
            made: RefCell::default(),
        };
        scene.apply(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scene.namespace},
        }));
        scene.allow_lease();
        scene
    }

    /// The namespace that the gateway itself is in.
    pub(crate) fn of_the_gateway(cluster: &'static Cluster) -> Self {
        Self {
            cluster,
            namespace: SYSTEM.to_owned(),
            number: cluster.number(),
            made: RefCell::default(),
        }
    }

    /// Lets gateways hold a Lease in this namespace, as `deploy/rbac.yaml` does for its
    /// own.
    fn allow_lease(&self) {
        let group = "rbac.authorization.k8s.io";
        self.apply(json!({
            "apiVersion": format!("{group}/v1"), "kind": "Role",
            "metadata": {"name": "gateway-leader"},
            "rules": [
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                 "resourceNames": ["gateway-rs.dev"], "verbs": ["get", "update", "patch"]},
            ],
        }));
        self.apply(json!({
            "apiVersion": format!("{group}/v1"), "kind": "RoleBinding",
            "metadata": {"name": "gateway-leader"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "gateway-leader"},
            "subjects": [
                {"kind": "ServiceAccount", "name": "gateway", "namespace": "gateway-system"},
            ],
        }));
    }

    /// The addresses of its Gateways: the beginning of each.
    pub(crate) fn addresses(&self) -> String {
        format!("10.96.{}.", self.number)
    }

    pub(crate) fn pool(&self) -> String {
        format!("{}0/24", self.addresses())
    }

    /// Makes an object, in this namespace if it names none.
    #[track_caller]
    pub(crate) fn apply(&self, mut object: Value) -> Value {
        let kind = object["kind"].as_str().unwrap_or_default();
        let is_global = matches!(
            kind,
            "Namespace" | "GatewayClass" | "ClusterRole" | "ClusterRoleBinding"
        );
        if !is_global && object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(self.namespace);
        }
        if !self.is_own() || object["metadata"]["namespace"] != *self.namespace {
            self.made.borrow_mut().push(reference(&object));
        }
        self.cluster.api().apply(&object)
    }

    /// Whether the namespace is this scene's.
    fn is_own(&self) -> bool {
        self.namespace != SYSTEM
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let api = self.cluster.api();
        api.get(version(kind), kind, &self.namespace, name)
    }

    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        let api = self.cluster.api();
        api.list(version(kind), kind, &self.namespace)
    }

    #[track_caller]
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        self.cluster.api().delete(&json!({
            "apiVersion": version(kind), "kind": kind,
            "metadata": {"namespace": self.namespace, "name": name},
        }));
    }

    /// A Service with a backend, which answers with what is returned.
    #[track_caller]
    pub(crate) fn backend(&self, name: &str) -> String {
        self.apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": "main", "port": 80}, {"name": "udp", "port": 80, "protocol": "UDP"}]},
        }));
        self.point(name)
    }

    /// Has the Service lead to another backend, which answers with what is returned.
    #[track_caller]
    pub(crate) fn point(&self, name: &str) -> String {
        let (first, last) = ORIGINS.split_once('-').expect("is a range");
        let first: u16 = first.parse().expect("is a port");
        let last: u16 = last.parse().expect("is a port");
        let port = first + self.cluster.number() % (last - first + 1);
        self.apply(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "ports": [{"name": "main", "port": port}, {"name": "udp", "port": port, "protocol": "UDP"}],
            "endpoints": [{"addresses": ["10.244.0.1"], "conditions": {"ready": true}}],
        }));
        format!("origin {port}")
    }

    /// A Gateway that listens for HTTP on port 80.
    #[track_caller]
    pub(crate) fn gateway(&self, name: &str) -> Value {
        self.apply(json!({
            "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": name},
            "spec": {
                "gatewayClassName": "gateway",
                "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
            },
        }))
    }

    /// A route of this name, for the paths below it.
    #[track_caller]
    pub(crate) fn route(&self, name: &str, gateway: &str, service: &str) -> Value {
        self.apply(json!({
            "apiVersion": GATEWAY_API, "kind": "HTTPRoute", "metadata": {"name": name},
            "spec": {
                "parentRefs": [{"name": gateway}],
                "rules": [{
                    "matches": [{"path": {"value": format!("/{name}")}}],
                    "backendRefs": [{"name": service, "port": 80}],
                }],
            },
        }))
    }

    /// The address of a Gateway, once it is programmed.
    #[track_caller]
    pub(crate) fn address(&self, gateway: &str) -> String {
        within(
            PATIENCE,
            &format!("Gateway {gateway} is programmed"),
            || {
                let gateway = self.get("Gateway", gateway)?;
                is_so(&gateway, &gateway["status"], "Programmed", "True").then_some(())?;
                let address = gateway["status"]["addresses"][0]["value"].as_str()?;
                Some(address.to_owned())
            },
        )
    }

    /// Waits until a route is accepted, as it is now.
    #[track_caller]
    pub(crate) fn accepted(&self, kind: &str, name: &str) {
        within(PATIENCE, &format!("{kind} {name} is accepted"), || {
            let route = self.get(kind, name)?;
            is_so(&route, &route["status"]["parents"][0], "Accepted", "True").then_some(())
        });
    }

    pub(crate) fn fetch(&self, url: &str) -> Answer {
        curl(self.cluster, &[url])
    }

    /// Waits for an answer that is 200 and has `part`.
    #[track_caller]
    pub(crate) fn served(&self, url: &str, part: &str) {
        within(PATIENCE, &format!("{url} answers {part}"), || {
            self.fetch(url).is(200, part).then_some(())
        });
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        remove(self.cluster.api(), self.made.take());
        // What was made for Gateways goes with them, a little later.
        let made_for_gateways = || {
            let services = self.list("Service").into_iter();
            let ours = services.filter(|one| {
                one["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "gateway-rs.dev"
            });
            ours.map(|one| reference(&one)).collect::<Vec<_>>()
        };
        let are_gone = eventually(LONG, || made_for_gateways().is_empty());
        insist(are_gone, || format!("{:?}", made_for_gateways()));
    }
}

/// A condition below `place`, and whether it is about the present object.
pub(crate) fn condition(object: &Value, place: &Value, name: &str) -> Option<Value> {
    let all = place["conditions"].as_array()?;
    let found = all.iter().find(|one| one["type"] == name)?;
    (found["observedGeneration"] == object["metadata"]["generation"]).then(|| found.clone())
}

/// Whether a condition is about the present object, and has this status.
pub(crate) fn is_so(object: &Value, place: &Value, name: &str, status: &str) -> bool {
    condition(object, place, name).is_some_and(|found| found["status"] == status)
}

/// The group and the version of a kind.
fn version(kind: &str) -> &'static str {
    match kind {
        "Namespace" | "Service" | "ServiceAccount" | "Secret" | "Pod" => "v1",
        "EndpointSlice" => "discovery.k8s.io/v1",
        "Lease" => "coordination.k8s.io/v1",
        "Event" => "events.k8s.io/v1",
        "Deployment" | "DaemonSet" => "apps/v1",
        "PodDisruptionBudget" => "policy/v1",
        "RoleBinding" => "rbac.authorization.k8s.io/v1",
        "ReferenceGrant" | "Gateway" | "GatewayClass" | "HTTPRoute" | "TCPRoute" | "UDPRoute" => {
            GATEWAY_API
        }
        other => panic!("of which version is {other}?"),
    }
}

pub(crate) const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
