use crate::api::HttpRoute;
use crate::testing::api_server::{Fault, Requests, Verb};

use super::*;

/// The plurals of all kinds that are watched.
const PLURALS: [&str; 17] = [
    "gatewayclasses",
    "gateways",
    "listenersets",
    "httproutes",
    "grpcroutes",
    "tlsroutes",
    "tcproutes",
    "udproutes",
    "referencegrants",
    "backendtlspolicies",
    "xbackends",
    "xbackendtrafficpolicies",
    "services",
    "endpointslices",
    "namespaces",
    "secrets",
    "configmaps",
];

/// A cluster with objects that has nothing more to tell, and what it told last.
async fn settled(server: &ApiServer) -> (Cluster, Reading) {
    populate(server);
    let (mut cluster, first) = follow(server).await;
    let told = told_within(&mut cluster, Duration::from_secs(5)).await;
    let last = told.last().cloned().unwrap_or(first);
    (cluster, last)
}

/// Waits until all is followed again, and checks that the world never had less.
async fn recovers(cluster: &mut Cluster, before: &Reading) -> Reading {
    let reading = until(cluster, |reading| {
        assert_eq!(
            size(&reading.world),
            size(&before.world),
            "something is missing"
        );
        reading.is_connected()
    })
    .await;
    assert!(
        reading.world.changes(&before.world) == Default::default(),
        "what did not change was read anew"
    );
    reading
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_not_there_yet_is_waited_for() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    server.go_away();
    let mut cluster = Cluster::new(server.client(), ClusterSettings::new());

    let early = timeout(Duration::from_secs(60), cluster.changed()).await;
    assert!(early.is_err(), "an empty world was told");
    server.heal();

    let reading = timeout(Duration::from_secs(5), cluster.changed()).await;
    assert_eq!(size(&reading.expect("is told soon").world), 12);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_goes_away_takes_nothing_with_it() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    server.go_away();
    let told = told_within(&mut cluster, Duration::from_secs(600)).await;
    assert!(
        told.iter()
            .all(|reading| reading.world.changes(&before.world) == Default::default())
    );
    assert!(!told.last().expect("that it is away").is_connected());
    server.heal();
    route(&server, "a", "other.example");

    let back = Instant::now();
    let changed = |reading: &Reading| !reading.world.http_routes.same(&before.world.http_routes);
    let reading = until(&mut cluster, changed).await;
    assert!(
        back.elapsed() <= Duration::from_secs(5),
        "{:?}",
        back.elapsed()
    );
    if !reading.is_connected() {
        until(&mut cluster, Reading::is_connected).await;
    }
    assert!(
        back.elapsed() <= Duration::from_secs(5),
        "{:?}",
        back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_back_but_not_ready_is_asked_again_soon() {
    let not_ready = [
        Fault::TooManyRequests { retry_after: 1 },
        Fault::Status(403),
        Fault::Status(404),
    ];
    for fault in not_ready {
        let server = ApiServer::with_gateway_api();
        let (mut cluster, _) = settled(&server).await;
        server.go_away();
        told_within(&mut cluster, Duration::from_secs(600)).await;
        server.heal();
        let watches = Requests::to("gateways").verb(Verb::Watch);
        server.fault_times(2, watches, fault.clone());

        let back = Instant::now();
        until(&mut cluster, Reading::is_connected).await;
        let took = back.elapsed();
        assert!(took <= Duration::from_secs(12), "{fault:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_may_come_back_without_a_memory() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    server.go_away();
    told_within(&mut cluster, Duration::from_secs(600)).await;
    server.forget_history();
    server.heal();

    let back = Instant::now();
    recovers(&mut cluster, &before).await;
    assert!(
        back.elapsed() <= Duration::from_secs(5),
        "{:?}",
        back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn watches_that_are_always_too_old_do_not_list_in_a_storm() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    server.fault(Requests::to("services").verb(Verb::Watch), Fault::Gone);
    server.clear_log();

    server.drop_watches("services");
    told_within(&mut cluster, Duration::from_secs(600)).await;

    assert!(server.count(&Requests::to("services").verb(Verb::List)) <= 25);
}

#[tokio::test(start_paused = true)]
async fn retrying_says_since_when_and_why() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    let began = Instant::now();

    server.go_away();
    let told = told_within(&mut cluster, Duration::from_secs(120)).await;

    let KindState::Retrying { since, error } = state_of::<HttpRoute>(told.last().expect("is told"))
    else {
        panic!("goes well");
    };
    assert!(
        *since - began < Duration::from_secs(3),
        "{:?}",
        *since - began
    );
    assert!(error.contains("connection refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn each_kind_in_turn_may_be_too_old() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    for plural in PLURALS {
        let lists = Requests::to(plural).verb(Verb::List);
        let listed = server.count(&lists);
        server.expire_watches(plural);
        until(&mut cluster, |reading| !reading.is_connected()).await;
        recovers(&mut cluster, &before).await;
        assert_eq!(server.count(&lists), listed + 1, "{plural}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_kinds_may_be_too_old_at_once() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    server.forget_history();
    until(&mut cluster, |reading| !reading.is_connected()).await;
    let after = recovers(&mut cluster, &before).await;

    assert_eq!(described(&after.world), described(&before.world));
    server.delete(&ObjectRef::new::<HttpRoute>("shop", "a"));
    until(&mut cluster, |reading| reading.world.http_routes.len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn what_vanished_while_nobody_watched_is_gone_after_the_list() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    server.go_away();
    server.delete(&ObjectRef::new::<HttpRoute>("shop", "a"));
    server.forget_history();
    server.heal();

    let reading = until(&mut cluster, |reading| reading.world.http_routes.len() == 1).await;
    assert!(
        reading
            .statuses
            .get(&ObjectRef::new::<HttpRoute>("shop", "a"))
            .is_none()
    );
    let kept = reading
        .world
        .http_routes
        .get("shop", "b")
        .expect("was kept");
    assert!(
        before
            .world
            .http_routes
            .get("shop", "b")
            .is_some_and(|before| before.same(kept))
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_refused_as_too_old_lists_again() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    let watches = Requests::to("httproutes").verb(Verb::Watch);
    server.fault_times(1, watches, Fault::GoneAtOnce);
    server.drop_watches("httproutes");

    until(&mut cluster, |reading| !reading.is_connected()).await;
    recovers(&mut cluster, &before).await;
    assert_eq!(
        server.count(&Requests::to("httproutes").verb(Verb::List)),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_may_be_too_old_in_the_middle() {
    let server = ApiServer::with_gateway_api();
    for index in 0..510 {
        route(&server, &format!("r{index}"), "a.example");
    }
    let pages = Requests::to("httproutes").continued();
    server.fault_times(1, pages.clone(), Fault::Gone);

    let (_cluster, reading) = follow(&server).await;

    assert_eq!(reading.world.http_routes.len(), 510);
    assert_eq!(server.count(&pages), 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_watch_goes_on_without_a_list() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    server.clear_log();

    for plural in PLURALS {
        server.drop_watches(plural);
        server.cut_watches(plural);
    }
    route(&server, "c", "c.example");

    until(&mut cluster, |reading| reading.world.http_routes.len() == 3).await;
    assert_eq!(server.count(&Requests::all().verb(Verb::List)), 0);
}

#[tokio::test(start_paused = true)]
async fn lines_that_mean_nothing_lose_nothing() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;

    for line in [
        "no json",
        r#"{"type":"FUTURE","object":{"metadata":{"resourceVersion":"7"}}}"#,
        r#"{"type":"MODIFIED","object":[]}"#,
        r#"{"type":"MODIFIED","object":{"metadata":{"name":7,"resourceVersion":"9"}}}"#,
        r#"{"type":"ERROR","object":{"kind":"Status","code":500,"message":"later"}}"#,
    ] {
        server.send_line("httproutes", line);
        let told = told_within(&mut cluster, Duration::from_secs(120)).await;
        assert!(
            told.iter()
                .all(|reading| size(&reading.world) == size(&before.world)),
            "{line}"
        );
    }
    route(&server, "c", "c.example");

    let reading = until(&mut cluster, |reading| reading.world.http_routes.len() == 3).await;
    assert!(reading.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_never_answered_is_given_up() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    server.fault_times(1, Requests::to("httproutes").verb(Verb::Watch), Fault::Hang);

    server.drop_watches("httproutes");
    route(&server, "c", "c.example");
    let began = Instant::now();

    until(&mut cluster, |reading| reading.world.http_routes.len() == 3).await;
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_falls_silent_is_asked_anew() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;

    server.mute_watches("httproutes");
    route(&server, "c", "c.example");
    let began = Instant::now();

    until(&mut cluster, |reading| reading.world.http_routes.len() == 3).await;
    assert!(
        began.elapsed() < Duration::from_secs(110),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn who_says_when_to_come_back_is_left_alone_until_then() {
    let server = ApiServer::with_gateway_api();
    populate(&server);
    let lists = Requests::to("httproutes").verb(Verb::List);
    let asks = Fault::TooManyRequests { retry_after: 8 };
    server.fault_times(1, lists.clone(), asks);

    follow(&server).await;

    let lists = server.log(&lists);
    assert_eq!(lists.len(), 2);
    assert!(lists[1].at - lists[0].at >= Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn lists_that_fail_are_not_repeated_in_a_storm() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    server.fault(Requests::all().verb(Verb::List), Fault::Status(500));
    server.forget_history();
    // It takes a minute until the time between two attempts is what it stays.
    told_within(&mut cluster, Duration::from_secs(90)).await;

    for _ in 0..10 {
        server.clear_log();
        told_within(&mut cluster, Duration::from_secs(60)).await;
        for plural in PLURALS {
            let lists = server.count(&Requests::to(plural).verb(Verb::List));
            assert!(lists <= 2, "{lists} lists of {plural}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_are_not_repeated_in_a_storm() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, _) = settled(&server).await;
    server.fault(Requests::to("services").verb(Verb::Watch), Fault::Truncate);
    server.clear_log();

    server.drop_watches("services");
    told_within(&mut cluster, Duration::from_secs(600)).await;

    assert!(server.count(&Requests::to("services")) <= 30);
}

/// Every fault for every kind: nothing is lost meanwhile, and nothing is wrong after.
#[tokio::test(start_paused = true)]
async fn every_kind_outlives_every_fault() {
    let server = ApiServer::with_gateway_api();
    let (mut cluster, before) = settled(&server).await;
    let faults = [
        Fault::Refuse,
        Fault::Hang,
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(500),
        Fault::Status(503),
        Fault::TooManyRequests { retry_after: 2 },
        Fault::Gone,
        Fault::GoneAtOnce,
        Fault::Truncate,
    ];

    for fault in faults {
        for plural in PLURALS {
            server.fault(Requests::to(plural), fault.clone());
            server.drop_watches(plural);
            let told = told_within(&mut cluster, Duration::from_secs(20)).await;
            assert!(
                told.iter()
                    .all(|reading| reading.world.changes(&before.world) == Default::default()),
                "{plural} {fault:?}"
            );
            server.heal();
        }
        told_within(&mut cluster, Duration::from_secs(120)).await;
        let name = format!("after-{}", server.count(&Requests::all()));
        route(&server, &name, "a.example");
        let reading = cluster.changed().await;
        assert!(reading.is_connected(), "{fault:?}: {:?}", reading.kinds);
        server.delete(&ObjectRef::new::<HttpRoute>("shop", &*name));
        until(&mut cluster, |reading| {
            size(&reading.world) == size(&before.world)
        })
        .await;
    }
}
