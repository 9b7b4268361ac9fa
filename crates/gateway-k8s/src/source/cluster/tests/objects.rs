use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::json;

use crate::api::{Gateway, HttpRoute};
use crate::testing::api_server::{Requests, Verb};

use super::*;

fn route_ref(name: &str) -> ObjectRef {
    ObjectRef::new::<HttpRoute>("shop", name)
}

/// A route that is not of the form of its kind.
fn bad_route(server: &ApiServer, name: &str) {
    server.apply(&format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, \
         metadata: {{namespace: shop, name: {name}}}, spec: {{hostnames: 7}}}}"
    ));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_hurts_nobody_else() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    bad_route(&server, "bad");

    let (mut cluster, reading) = follow(&server).await;

    assert_eq!(size(&reading.world), 12);
    let [problem] = &*reading.problems else {
        panic!("{:?}", reading.problems);
    };
    assert_eq!(
        (&problem.object, problem.field.as_deref()),
        (&route_ref("bad"), Some("spec.hostnames"))
    );
    route(&server, "bad", "good.example");
    let reading = until(&mut cluster, |reading| reading.problems.is_empty()).await;
    assert_eq!(size(&reading.world), 13);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_any_more_stays_as_it_was() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;

    bad_route(&server, "a");
    let reading = until(&mut cluster, |reading| !reading.problems.is_empty()).await;

    assert_eq!(reading.world.changes(&before.world), Default::default());
    // Also over a list.
    server.expire_watches("httproutes");
    let told = told_within(&mut cluster, Duration::from_secs(60)).await;
    assert!(
        told.iter()
            .all(|reading| reading.world.changes(&before.world) == Default::default())
    );
    server.delete(&route_ref("a"));
    let reading = until(&mut cluster, |reading| reading.problems.is_empty()).await;
    assert!(reading.world.http_routes.get("shop", "a").is_none());
}

#[tokio::test(start_paused = true)]
async fn another_object_of_the_same_name_does_not_inherit() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, _) = follow(&server).await;

    server.go_away();
    server.delete(&route_ref("a"));
    bad_route(&server, "a");
    server.forget_history();
    server.heal();

    let reading = until(&mut cluster, |reading| !reading.problems.is_empty()).await;
    assert!(reading.world.http_routes.get("shop", "a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_object_of_the_same_name_is_a_change() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;

    server.delete(&route_ref("a"));
    route(&server, "a", "a.example");
    until(&mut cluster, |reading| {
        let now = reading.world.http_routes.get("shop", "a");
        let before = before.world.http_routes.get("shop", "a");
        now.is_some_and(|now| before.is_some_and(|before| now.metadata.uid != before.metadata.uid))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_changes_nothing_but_the_statuses() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;

    let mut object = server.object(&route_ref("a")).expect("is there");
    object["status"] = json!({ "parents": [] });
    let object = server.apply_value(object);
    let has_status = |reading: &Reading| {
        let seen = reading.statuses.get(&route_ref("a"));
        seen.is_some_and(|seen| seen.status.is_some())
    };
    let reading = until(&mut cluster, has_status).await;

    assert!(reading.world.http_routes.same(&before.world.http_routes));
    let seen = reading.statuses.get(&route_ref("a")).expect("was seen");
    assert_eq!(seen.status.as_deref(), Some(r#"{"parents":[]}"#));
    assert_eq!(
        *seen.resource_version,
        *object["metadata"]["resourceVersion"]
            .as_str()
            .expect("has one")
    );
    assert_eq!(
        *seen.uid,
        *object["metadata"]["uid"].as_str().expect("has one")
    );
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_a_gateway_are_looked_at_and_the_rest_of_its_status_is_not() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;
    let gateway = ObjectRef::new::<Gateway>("edge", "web");
    let mut object = server.object(&gateway).expect("is there");

    object["status"] = json!({ "conditions": [], "listeners": [{ "bad": 1 }] });
    server.apply_value(object.clone());
    let reading = until(&mut cluster, |reading| {
        reading
            .statuses
            .get(&gateway)
            .is_some_and(|seen| seen.status.is_some())
    })
    .await;
    assert_eq!(reading.world.changes(&before.world), Default::default());
    assert_eq!(reading.problems, []);

    object["status"]["addresses"] =
        json!([{ "type": "IPAddress", "value": "10.0.0.9" }, { "odd": 1 }]);
    server.apply_value(object);
    let reading = until(&mut cluster, |reading| {
        !reading.world.gateways.same(&before.world.gateways)
    })
    .await;
    let web = reading.world.gateways.get("edge", "web").expect("is there");
    let addresses = web
        .status
        .as_ref()
        .and_then(|status| status.addresses.as_ref());
    assert_eq!(addresses.map(|all| all[0].value.as_str()), Some("10.0.0.9"));
    assert_eq!(reading.problems, []);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_reads_wakes_nobody() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;
    told_within(&mut cluster, Duration::from_secs(5)).await;

    for object in [
        "{apiVersion: v1, kind: Service, metadata: {namespace: shop, name: cart, annotations: {a: b}, labels: {c: d}, managedFields: [{manager: x}]}, spec: {ports: [{port: 80, nodePort: 30000}], selector: {e: f}}}",
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: shop, name: cart-1, annotations: {a: b}, labels: {kubernetes.io/service-name: cart, g: h}}, addressType: IPv4, endpoints: [{addresses: [10.0.0.1], nodeName: n, targetRef: {kind: Pod}}], ports: [{port: 3000}]}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: edge, name: ca}, data: {ca.crt: text, other: much}}",
        "{apiVersion: v1, kind: Secret, metadata: {namespace: edge, name: cert}, type: kubernetes.io/tls, data: {tls.crt: YQ==, tls.key: Yg==, password: Yw==}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}, annotations: {a: b}}, status: {phase: Active}}",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {namespace: shop, name: grant, annotations: {a: b}}, spec: {from: [], to: []}}",
    ] {
        server.apply(object);
    }

    let told = told_within(&mut cluster, Duration::from_secs(60)).await;
    assert!(
        told.is_empty(),
        "{:?}",
        told.iter()
            .map(|one| one.world.changes(&before.world))
            .collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_read_is_kept() {
    let server = ApiServer::with_gateway_api();
    populate(&server);

    let (_cluster, Reading { world, .. }) = follow(&server).await;

    let slice = world
        .objects::<EndpointSlice>()
        .owned_by("shop", "cart")
        .next()
        .expect("is owned");
    assert_eq!(slice.endpoints[0].addresses, ["10.0.0.1"]);
    let service = world
        .objects::<Service>()
        .get("shop", "cart")
        .expect("is there");
    assert_eq!(
        service
            .spec
            .as_ref()
            .and_then(|spec| spec.ports.as_ref())
            .map(|ports| ports[0].port),
        Some(80)
    );
    let map = world
        .objects::<ConfigMap>()
        .get("edge", "ca")
        .expect("is there");
    assert!(
        map.data
            .as_ref()
            .is_some_and(|data| data.contains_key("ca.crt"))
    );
    let secret = world
        .objects::<Secret>()
        .get("edge", "cert")
        .expect("is there");
    assert_eq!(
        secret.data.as_ref().map(std::collections::BTreeMap::len),
        Some(2)
    );
    let namespace = world.namespaces.get("", "shop").expect("is there");
    assert!(
        namespace
            .metadata
            .labels
            .as_ref()
            .is_some_and(|labels| labels["team"] == "a")
    );
    let route = world.http_routes.get("shop", "a").expect("is there");
    assert_eq!(route.metadata.generation, Some(1));
    assert!(
        route.metadata.creation_timestamp.is_some() && route.metadata.resource_version.is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn settings_of_ours_are_kept_and_what_others_note_changes_nothing() {
    let server = ApiServer::with_gateway_api();
    let gateway = |others: &str| {
        server.apply(&format!(
            "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, \
             metadata: {{namespace: edge, name: web, annotations: {{\
             gateway-rs.dev/max-connections: '7', http.gateway-rs.dev/udp-idle-timeout: 10s, \
             example.com/note: {others}}}}}, spec: {{gatewayClassName: ours, listeners: []}}}}"
        ))
    };
    gateway("one");

    let (mut cluster, reading) = follow(&server).await;

    let kept = reading.world.gateways.get("edge", "web").expect("is there");
    let kept = kept.metadata.annotations.as_ref().expect("are kept").keys();
    let kept: Vec<_> = kept.collect();
    let ours = [
        "gateway-rs.dev/max-connections",
        "http.gateway-rs.dev/udp-idle-timeout",
    ];
    assert_eq!(kept, ours);
    gateway("two");
    // Statuses are told of, since there is another version of the object.
    for later in told_within(&mut cluster, Duration::from_secs(60)).await {
        let changes = later.world.changes(&reading.world);
        assert_eq!(changes, Default::default());
    }
}

#[tokio::test(start_paused = true)]
async fn of_owners_of_a_service_the_gateways_are_kept() {
    let server = ApiServer::with_gateway_api();
    server.apply(
        "{apiVersion: v1, kind: Service, metadata: {namespace: edge, name: web, ownerReferences: [\
         {apiVersion: v1, kind: Other, name: a, uid: one}, \
         {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, name: web, uid: two}]}, \
         spec: {type: LoadBalancer, ports: []}}",
    );

    let (_cluster, reading) = follow(&server).await;

    let service = reading.world.services.get("edge", "web").expect("is there");
    let owners = service.metadata.owner_references.iter().flatten();
    let owners: Vec<_> = owners.map(|owner| owner.uid.as_str()).collect();
    assert_eq!(owners, ["two"]);
}

#[tokio::test(start_paused = true)]
async fn secrets_of_other_types_are_not_asked_for() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    server.apply("{apiVersion: v1, kind: Secret, metadata: {namespace: edge, name: password}, type: Opaque, data: {tls.crt: YQ==}}");

    let (_cluster, reading) = follow(&server).await;

    assert!(reading.world.secrets.get("edge", "password").is_none());
    let asked = server.log(&Requests::to("secrets"));
    assert!(
        asked
            .iter()
            .all(|one| one.query.contains("fieldSelector=type=kubernetes.io/tls")),
        "{asked:?}"
    );
    assert!(asked.iter().any(|one| one.verb == Verb::Watch));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_not_told() {
    let server = ApiServer::with_gateway_api();
    server.apply("{apiVersion: v1, kind: Secret, metadata: {namespace: edge, name: cert}, type: kubernetes.io/tls, data: {tls.key: '%canary%'}}");

    let (_cluster, reading) = follow(&server).await;

    assert_eq!(reading.problems.len(), 1);
    assert!(!format!("{:?}", reading).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_what_is_deleted_is_forgotten() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, before) = follow(&server).await;
    assert!(before.statuses.get(&route_ref("a")).is_some());

    server.delete(&route_ref("a"));

    until(&mut cluster, |reading| {
        reading.statuses.get(&route_ref("a")).is_none()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_namespaces_and_definitions_nothing_but_metadata_is_asked_for() {
    let server = ApiServer::with_gateway_api();
    follow(&server).await;

    let asked = server.log(&Requests::all());
    let objects = asked.iter().filter(|one| one.verb != Verb::Discover);
    for one in objects {
        let is_lean = ["namespaces", "customresourcedefinitions"].contains(&&*one.resource);
        assert_eq!(one.metadata_only, is_lean, "{one:?}");
    }
}
