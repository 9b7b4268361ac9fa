use std::time::Duration;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::tests::{blueprint, needed};
use super::super::{Exposure, Needed};
use super::*;
use crate::testing::Manifests;
use crate::testing::api_server::{ApiServer, Fault, Record, Requests, Verb};
use crate::world::ObjectRef;

struct Scene {
    server: ApiServer,
    provisioner: Provisioner,
}

impl Scene {
    fn new(server: &ApiServer, exposure: Exposure) -> Self {
        Self {
            server: server.clone(),
            provisioner: Provisioner::new(server.client(), blueprint(exposure), Vec::new()),
        }
    }

    async fn settle(&self, needed: &[Needed]) {
        self.provisioner.update(needed.into(), with_pods());
        sleep(Duration::from_secs(2)).await;
    }

    /// What is in the way of Gateway `a`.
    fn hindrance(&self) -> String {
        let told = self.provisioner.hindrances();
        let told = told.borrow();
        let gateway = ObjectName::new("edge", "a");
        told.get(&gateway)
            .map(Problem::to_string)
            .unwrap_or_default()
    }

    fn object(&self, group: &str, kind: &str, name: &str) -> Option<Value> {
        self.server.object(&reference(group, kind, "edge", name))
    }

    fn writes(&self) -> usize {
        let log = self.server.log(&Requests::all());
        let writes = log.iter().filter(|record| record.verb.is_write());
        // A question, though it is put like an object.
        let asks = |record: &&Record| record.resource == "selfsubjectaccessreviews";
        writes.filter(|record| !asks(record)).count()
    }
}

/// What is known of a cluster in which a pod of this gateway is ready.
fn with_pods() -> World {
    let slice = "{metadata: {namespace: gateway-system, name: a, \
         labels: {kubernetes.io/service-name: gateway}}, addressType: IPv4, \
         endpoints: [{addresses: [10.0.1.2]}]}";
    Manifests::new()
        .yaml::<EndpointSlice>(slice)
        .world()
        .clone()
}

fn reference(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        group: group.to_owned().into(),
        kind: kind.to_owned().into(),
        namespace: namespace.to_owned().into(),
        name: name.to_owned().into(),
    }
}

/// With what `deploy/dedicated.yaml` has.
fn server() -> ApiServer {
    let server = ApiServer::new();
    server.apply(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, \
         metadata: {name: gateway-dedicated}, \
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gateway-dedicated}}",
    );
    server
}

fn web() -> Vec<Needed> {
    vec![needed("a", &[(80, false)])]
}

fn slice_of_pods(name: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, \
         metadata: {{namespace: edge, name: {name}, labels: {{\
         app.kubernetes.io/managed-by: gateway-rs.dev, \
         kubernetes.io/service-name: a-gateway, \
         endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io}}}}}}"
    )
}

fn readers(server: &ApiServer) -> Value {
    let binding = reference(
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "",
        "gateway-dedicated",
    );
    server.object(&binding).unwrap()["subjects"].clone()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_touched_before_it_is_known_what_gateways_there_are() {
    let server = server();
    let before = Scene::new(&server, Exposure::Services);
    before.provisioner.lead(true);
    before.settle(&web()).await;
    drop(before);
    server.clear_log();

    let scene = Scene::new(&server, Exposure::Services);
    scene.provisioner.lead(true);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(scene.writes(), 0);

    scene.settle(&web()).await;
    assert_eq!(scene.writes(), 0, "{:?}", server.log(&Requests::all()));
}

#[tokio::test(start_paused = true)]
async fn a_dedicated_gateway_gets_all_it_needs_and_an_idle_cluster_gets_no_write() {
    let scene = Scene::new(&server(), Exposure::Dedicated);
    scene.settle(&web()).await;
    assert_eq!(scene.writes(), 0, "it does not lead");

    scene.provisioner.lead(true);
    scene.settle(&web()).await;

    for (group, kind) in [
        ("", "Service"),
        ("", "ServiceAccount"),
        ("policy", "PodDisruptionBudget"),
        ("apps", "Deployment"),
    ] {
        assert!(scene.object(group, kind, "a-gateway").is_some(), "{kind}");
    }
    assert_eq!(readers(&scene.server)[0]["name"], "a-gateway");
    assert_eq!(scene.hindrance(), "");
    scene.server.clear_log();
    for _ in 0..10 {
        scene.settle(&web()).await;
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(scene.writes(), 0);

    scene.settle(&[]).await;
    assert_eq!(scene.object("apps", "Deployment", "a-gateway"), None);
    assert_eq!(readers(&scene.server), json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_others_change_or_remove_is_made_again() {
    for is_busy in [false, true] {
        let scene = Scene::new(&server(), Exposure::Dedicated);
        scene.provisioner.lead(true);
        scene.settle(&web()).await;

        scene
            .server
            .delete(&reference("", "ServiceAccount", "edge", "a-gateway"));
        let mut deployment = scene.object("apps", "Deployment", "a-gateway").unwrap();
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other");
        scene.server.apply_value(deployment);
        for _ in 0..30 {
            if is_busy {
                // Something else of the cluster changes.
                scene.settle(&web()).await;
            } else {
                sleep(Duration::from_secs(2)).await;
            }
        }

        assert!(scene.object("", "ServiceAccount", "a-gateway").is_some());
        let deployment = scene.object("apps", "Deployment", "a-gateway").unwrap();
        let containers = &deployment["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers[0]["image"], "example.com/gateway:7", "{is_busy}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_exposure_leaves_nothing_behind() {
    let server = server();
    for exposure in [
        Exposure::Dedicated,
        Exposure::Direct,
        Exposure::Services,
        Exposure::Dedicated,
        Exposure::Services,
    ] {
        let scene = Scene::new(&server, exposure);
        scene.provisioner.lead(true);
        scene.settle(&web()).await;

        // As the cluster's controllers do for a Service that selects pods.
        let slice = "edge-gateway-x7";
        let of_pods = server.object(&reference(
            "discovery.k8s.io",
            "EndpointSlice",
            "edge",
            slice,
        ));
        let is_dedicated = exposure == Exposure::Dedicated;
        assert!(of_pods.is_none(), "{exposure:?}");
        if is_dedicated {
            server.apply(&slice_of_pods(slice));
            sleep(Duration::from_secs(60)).await;
            let of_pods = scene.object("discovery.k8s.io", "EndpointSlice", slice);
            assert!(of_pods.is_some());
        }
        let has = |group, kind, name| scene.object(group, kind, name).is_some();
        assert!(has("", "Service", "a-gateway"), "{exposure:?}");
        for (group, kind) in [
            ("", "ServiceAccount"),
            ("policy", "PodDisruptionBudget"),
            ("apps", "Deployment"),
        ] {
            assert_eq!(has(group, kind, "a-gateway"), is_dedicated, "{kind}");
        }
        let rbac = "rbac.authorization.k8s.io";
        assert_eq!(has(rbac, "RoleBinding", "gateway-dedicated"), is_dedicated);
        let readers = readers(&server).as_array().map_or(0, Vec::len);
        assert_eq!(readers, usize::from(is_dedicated));
        let slice = has("discovery.k8s.io", "EndpointSlice", "a-gateway-ipv4");
        assert_eq!(slice, !is_dedicated, "{exposure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_made_is_left_alone_and_told() {
    let server = server();
    let foreign = server.apply(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: edge, name: a-gateway}}",
    );
    let scene = Scene::new(&server, Exposure::Dedicated);
    scene.provisioner.lead(true);
    scene.settle(&web()).await;

    let expected = "Deployment edge/a-gateway is not this Gateway's, and is left alone";
    assert_eq!(scene.hindrance(), expected);
    assert_eq!(
        scene.object("apps", "Deployment", "a-gateway"),
        Some(foreign)
    );
    assert!(scene.object("", "Service", "a-gateway").is_some());

    scene
        .server
        .delete(&reference("apps", "Deployment", "edge", "a-gateway"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(scene.hindrance(), "");
    assert!(scene.object("apps", "Deployment", "a-gateway").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_one_gateway_stops_no_other() {
    let server = server();
    server.fault(
        Requests::to("deployments")
            .verb(Verb::Patch)
            .object("edge", "a-gateway"),
        Fault::Status(403),
    );
    let scene = Scene::new(&server, Exposure::Dedicated);
    scene.provisioner.lead(true);
    let both = [needed("a", &[(80, false)]), needed("b", &[(80, false)])];
    scene.settle(&both).await;

    assert!(
        scene.hindrance().contains("cannot be made"),
        "{}",
        scene.hindrance()
    );
    assert!(scene.object("apps", "Deployment", "b-gateway").is_some());

    server.heal();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(scene.hindrance(), "");
}

#[tokio::test(start_paused = true)]
async fn without_its_roles_a_dedicated_gateway_says_what_to_apply() {
    let scene = Scene::new(&ApiServer::new(), Exposure::Dedicated);
    scene.provisioner.lead(true);
    scene.settle(&web()).await;

    let told = scene.provisioner.hindrances().borrow().clone();
    let problem = told.values().next().unwrap();
    assert_eq!(
        problem.remedy.as_deref(),
        Some("apply deploy/dedicated.yaml")
    );
}

#[tokio::test(start_paused = true)]
async fn other_exposures_need_no_more_permissions_and_do_not_ask_in_vain() {
    let server = ApiServer::new();
    let dedicated = [
        "deployments",
        "poddisruptionbudgets",
        "serviceaccounts",
        "rolebindings",
        "clusterrolebindings",
    ];
    server.forbid(&dedicated);
    let scene = Scene::new(&server, Exposure::Services);
    scene.provisioner.lead(true);
    scene.settle(&web()).await;

    assert_eq!(scene.hindrance(), "");
    assert!(scene.object("", "Service", "a-gateway").is_some());
    for plural in dedicated {
        assert_eq!(server.count(&Requests::to(plural)), 0, "{plural}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_leads_to_no_pod_is_told_as_long_as_it_is_so() {
    let scene = Scene::new(&server(), Exposure::Services);
    scene.provisioner.lead(true);
    scene.provisioner.update(web().into(), World::default());
    sleep(Duration::from_secs(2)).await;
    assert!(scene.hindrance().contains("leads nowhere"));

    scene.settle(&web()).await;
    assert_eq!(scene.hindrance(), "");
}
