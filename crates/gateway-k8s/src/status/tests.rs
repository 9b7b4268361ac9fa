//! Everything together, on a cluster.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::{EventSettings, Events, Leader, LeaseSettings, StatusWriter, WriterSettings};
use crate::api::{Gateway, GatewayClass, HttpRoute};
use crate::resolve::{CONTROLLER_NAME, Settings, resolve};
use crate::source::cluster::{Cluster, ClusterSettings};
use crate::testing::api_server::{ApiServer, Requests, Verb};
use crate::world::{Kind, ObjectRef};

/// A controller, as far as the cluster sees it.
struct Controller {
    cluster: Cluster,
    leader: Leader,
    writer: StatusWriter,
    events: Events,
}

impl Controller {
    fn new(server: &ApiServer, host: &str) -> Self {
        let settings = LeaseSettings::new("edge", "gateway", host);
        Self {
            cluster: Cluster::new(server.client(), ClusterSettings::new()),
            events: Events::new(
                server.client(),
                EventSettings::new(CONTROLLER_NAME, settings.identity()),
            ),
            leader: Leader::new(server.client(), settings),
            writer: StatusWriter::new(server.client(), WriterSettings::default()),
        }
    }

    /// Does its work for a while.
    async fn run(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let mut leading = self.leader.leading();
        loop {
            tokio::select! {
                _ = leading.changed() => {
                    let leading = *leading.borrow_and_update();
                    self.writer.lead(leading);
                    self.events.lead(leading);
                }
                read = timeout_at(end, self.cluster.changed()) => {
                    let Ok(reading) = read else { return };
                    let mut verdicts = resolve(&reading.world, &Settings::cluster()).verdicts;
                    verdicts.programmed(&[]);
                    self.writer.update(verdicts.clone(), reading.statuses.clone());
                    self.events
                        .update(verdicts, reading.statuses, &reading.problems);
                }
            }
        }
    }
}

fn cluster() -> ApiServer {
    let server = ApiServer::with_gateway_api();
    server.apply(&format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {{name: ours}},
        spec: {{controllerName: {CONTROLLER_NAME}}}}}"
    ));
    server.apply(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway,
        metadata: {namespace: edge, name: web}, spec: {gatewayClassName: ours, listeners: [
            {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}}",
    );
    server.apply(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute,
        metadata: {namespace: shop, name: cart}, spec: {
            parentRefs: [{namespace: edge, name: web}],
            rules: [{backendRefs: [{name: missing, port: 80}]}]}}",
    );
    server
}

fn status<T: Kind>(server: &ApiServer, namespace: &str, name: &str) -> Value {
    let object = ObjectRef::new::<T>(namespace, name);
    server.object(&object).expect("it was applied")["status"].clone()
}

fn condition<'a>(conditions: &'a Value, kind: &str) -> &'a Value {
    let conditions = conditions.as_array().expect("a list of conditions");
    let found = conditions.iter().find(|one| one["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {conditions:?}"))
}

fn status_writes() -> Requests {
    Requests::all().writes().subresource("status")
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_told_what_was_decided_and_then_left_alone() {
    let server = cluster();
    let mut controller = Controller::new(&server, "one");
    controller.run(secs(5)).await;

    let class = status::<GatewayClass>(&server, "", "ours");
    let gateway = status::<Gateway>(&server, "edge", "web");
    let route = status::<HttpRoute>(&server, "shop", "cart");
    assert_eq!(
        condition(&class["conditions"], "Accepted")["status"],
        "True"
    );
    assert_eq!(
        condition(&gateway["conditions"], "Programmed")["status"],
        "True"
    );
    assert_eq!(gateway["listeners"][0]["attachedRoutes"], 1);
    let refs = condition(&route["parents"][0]["conditions"], "ResolvedRefs");
    assert_eq!(refs["reason"], "BackendNotFound");
    assert_eq!(refs["observedGeneration"], 1);

    server.clear_log();
    controller.run(secs(600)).await;
    assert_eq!(server.count(&status_writes()), 0);
    assert_eq!(server.count(&Requests::to("events").writes()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_an_event_beside_its_object() {
    let server = cluster();
    let mut controller = Controller::new(&server, "one");
    controller.run(secs(5)).await;

    let created = server.log(&Requests::to("events").verb(Verb::Create));

    assert_eq!(created.len(), 1);
    assert_eq!(created[0].namespace, "shop");
    assert_eq!(created[0].status, Some(201));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_writes_and_the_other_goes_on_where_it_ended() {
    let server = cluster();
    let (mut one, mut other) = (
        Controller::new(&server, "one"),
        Controller::new(&server, "other"),
    );
    tokio::join!(one.run(secs(30)), other.run(secs(30)));
    assert_eq!(server.count(&status_writes()), 3);
    let first = one.writer.metrics().written;
    assert!(first == 3 || other.writer.metrics().written == 3);
    let (leader, mut follower) = if first == 3 {
        (one, other)
    } else {
        (other, one)
    };

    drop(leader);
    server.clear_log();
    let edited = server.object(&ObjectRef::new::<HttpRoute>("shop", "cart"));
    let mut edited = edited.expect("it was applied");
    edited["spec"]["hostnames"] = json!(["shop.example.com"]);
    server.apply_value(edited);
    follower.run(secs(20)).await;

    let route = status::<HttpRoute>(&server, "shop", "cart");
    let accepted = condition(&route["parents"][0]["conditions"], "Accepted");
    assert_eq!(accepted["observedGeneration"], 2);
    assert_eq!(server.count(&status_writes()), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_namespace_loses_in_any_order_is_no_trouble() {
    let server = cluster();
    let mut controller = Controller::new(&server, "one");
    controller.run(secs(5)).await;
    server.clear_log();

    for object in [
        ObjectRef::new::<Gateway>("edge", "web"),
        ObjectRef::new::<HttpRoute>("shop", "cart"),
    ] {
        server.delete(&object);
    }
    controller.run(secs(600)).await;
    sleep(secs(1)).await;

    assert!(server.count(&status_writes()) <= 1);
    assert_eq!(controller.writer.metrics().pending, 0);
}
