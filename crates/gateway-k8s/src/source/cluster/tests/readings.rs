use crate::api::HttpRoute;
use crate::testing::api_server::{Fault, Requests, Verb};

use super::*;

#[tokio::test(start_paused = true)]
async fn the_first_reading_has_everything() {
    let server = ApiServer::with_gateway_api();
    populate(&server);

    let (_cluster, reading) = follow(&server).await;

    assert!(reading.is_complete() && reading.is_connected());
    assert_eq!(size(&reading.world), 12);
    assert_eq!(reading.bundle_versions, ["v1.7.0"]);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    assert!(
        reading
            .kinds
            .iter()
            .all(|kind| kind.state == KindState::Watching),
        "{:?}",
        reading.kinds
    );
}

#[tokio::test(start_paused = true)]
async fn one_change_is_told_at_once() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = follow(&server).await;
    told_within(&mut cluster, Duration::from_secs(5)).await;
    let before = Instant::now();

    route(&server, "a", "a.example");
    let reading = cluster.changed().await;

    assert!(before.elapsed() <= Duration::from_millis(1));
    assert!(reading.world.http_routes.get("shop", "a").is_some());
}

/// How many readings tell of a route a millisecond, 300 times, to somebody who is busy
/// with each for so long.
async fn readings_of_a_storm(busy: Duration) -> usize {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = follow(&server).await;
    told_within(&mut cluster, Duration::from_secs(5)).await;

    let storm = tokio::spawn({
        let server = server.clone();
        async move {
            for index in 0..300 {
                route(&server, &format!("r{index}"), "a.example");
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let (mut readings, mut routes) = (0, 0);
    while routes < 300 {
        let reading = timeout(Duration::from_secs(1), cluster.changed()).await;
        routes = reading.expect("all are told").world.http_routes.len();
        readings += 1;
        sleep(busy).await;
    }

    storm.await.expect("ends");
    readings
}

#[tokio::test(start_paused = true)]
async fn a_storm_is_told_in_steps_as_long_as_they_are_dear() {
    let cheap = readings_of_a_storm(Duration::ZERO).await;
    let dear = readings_of_a_storm(Duration::from_millis(1)).await;
    let dearer = readings_of_a_storm(Duration::from_millis(8)).await;

    assert!((150..=301).contains(&cheap), "{cheap}");
    assert!((120..=160).contains(&dear), "{dear}");
    assert!((20..=40).contains(&dearer), "{dearer}");
}

#[tokio::test(start_paused = true)]
async fn statuses_keep_no_object_waiting() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = follow(&server).await;
    let mut object = route(&server, "a", "a.example");
    let with_route = cluster.changed().await.world;
    told_within(&mut cluster, Duration::from_secs(5)).await;
    let before = Instant::now();

    object["status"] = serde_json::json!({"parents": []});
    server.apply_value(object.clone());
    assert!(cluster.changed().await.world.same(&with_route));
    sleep(BUSY).await;
    object["status"] = serde_json::json!({"parents": [{"controllerName": "a.example/b"}]});
    server.apply_value(object);
    // That one waits by now, and the object passes it by.
    let nothing = timeout(Duration::from_millis(1), cluster.changed()).await;
    assert!(nothing.is_err());
    route(&server, "b", "b.example");
    let reading = cluster.changed().await;

    assert!(reading.world.http_routes.get("shop", "b").is_some());
    assert!(
        before.elapsed() <= BUSY + Duration::from_millis(3),
        "{:?}",
        before.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn giving_up_waiting_loses_nothing() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = follow(&server).await;
    told_within(&mut cluster, Duration::from_secs(5)).await;
    route(&server, "a", "a.example");
    cluster.changed().await;
    sleep(BUSY).await;
    route(&server, "b", "b.example");

    // In the pause between two readings.
    let early = timeout(Duration::from_millis(3), cluster.changed()).await;
    assert!(early.is_err());

    let reading = timeout(Duration::from_secs(1), cluster.changed()).await;
    assert!(
        reading
            .expect("is told")
            .world
            .http_routes
            .get("shop", "b")
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn idle_means_silence() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let (mut cluster, _) = follow(&server).await;
    told_within(&mut cluster, Duration::from_secs(5)).await;
    server.clear_log();

    let told = told_within(&mut cluster, Duration::from_secs(600)).await;

    assert_eq!(told.len(), 0);
    assert_eq!(server.count(&Requests::all().verb(Verb::List)), 0);
    // Each of 17 kinds and the definitions, every four minutes or so.
    assert!(server.count(&Requests::all()) <= 18 * 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_while_a_kind_is_unknown() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    server.fault(Requests::to("services").verb(Verb::List), Fault::Hang);
    let mut cluster = Cluster::new(server.client(), ClusterSettings::new());

    let early = timeout(Duration::from_secs(25), cluster.changed()).await;
    assert!(early.is_err());
    server.heal();

    let reading = timeout(Duration::from_secs(10), cluster.changed()).await;
    assert!(
        reading
            .expect("is told")
            .world
            .services
            .get("shop", "cart")
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_permitted_is_done_without() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    server.fault(Requests::to("secrets"), Fault::Status(403));
    let began = Instant::now();

    let (_cluster, reading) = follow(&server).await;

    let waited = began.elapsed();
    assert!((10..12).contains(&waited.as_secs()), "{waited:?}");
    assert!(reading.is_complete() && !reading.is_connected());
    assert!(is_retrying(state_of::<k8s_openapi::api::core::v1::Secret>(
        &reading
    )));
    assert!(reading.is_whole());
    assert_eq!(size(&reading.world), 11);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_be_listed_now_is_waited_for_longer_and_missed() {
    for status in [429, 500, 503] {
        let server = ApiServer::with_gateway_api();
        populate(&server);
        let services = Requests::to("services").verb(Verb::List);
        server.fault(services, Fault::Status(status));
        let began = Instant::now();

        let (mut cluster, reading) = follow(&server).await;

        let waited = began.elapsed();
        assert!((60..62).contains(&waited.as_secs()), "{waited:?}");
        assert!(reading.is_complete() && !reading.is_whole());
        server.heal();
        let reading = until(&mut cluster, Reading::is_whole).await;
        assert!(reading.world.services.get("shop", "cart").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn namespaces_can_be_restricted() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let settings = ClusterSettings::new().with_namespaces(["shop", "other"]);
    let mut cluster = Cluster::new(server.client(), settings);

    let world = cluster.changed().await.world;

    assert_eq!(world.http_routes.len(), 2);
    assert_eq!(
        (world.gateway_classes.len(), world.namespaces.len()),
        (1, 1)
    );
    assert_eq!((world.gateways.len(), world.secrets.len()), (0, 0));
    let lists = server.log(&Requests::to("httproutes"));
    assert!(
        lists
            .iter()
            .all(|one| ["shop", "other"].contains(&&*one.namespace))
    );

    server.delete(&ObjectRef::new::<HttpRoute>("shop", "a"));
    let reading = until(&mut cluster, |reading| reading.world.http_routes.len() == 1).await;
    assert!(reading.is_connected());
}

#[tokio::test(start_paused = true)]
async fn secrets_can_be_restricted_further() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let settings = ClusterSettings::new().with_secrets_of(["elsewhere"]);
    let mut cluster = Cluster::new(server.client(), settings);

    let world = cluster.changed().await.world;

    assert_eq!((world.gateways.len(), world.secrets.len()), (1, 0));
    let asked = server.log(&Requests::to("secrets"));
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|one| one.namespace == "elsewhere"));
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_the_pods_are_looked_at_wherever_they_are() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let settings = ClusterSettings::new()
        .with_namespaces(["edge"])
        .with_endpoints_of(["shop", "edge"]);
    let mut cluster = Cluster::new(server.client(), settings);

    let world = cluster.changed().await.world;

    assert_eq!((world.endpoint_slices.len(), world.services.len()), (1, 0));
    let asked = server.log(&Requests::to("endpointslices").verb(Verb::List));
    let asked: Vec<_> = asked.iter().map(|one| &*one.namespace).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_it_ends_all_watches() {
    let server = ApiServer::with_gateway_api();
    let (cluster, _) = follow(&server).await;

    drop(cluster);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.clear_log();
    server.go_away();
    server.heal();
    tokio::time::sleep(Duration::from_secs(600)).await;

    assert_eq!(server.count(&Requests::all()), 0);
}

/// Half of the longest pause.
const BUSY: Duration = Duration::from_millis(5);
