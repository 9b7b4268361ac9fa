use std::time::Duration;

use futures_util::FutureExt;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Instant, advance, sleep, timeout};

use super::super::call::call;
use super::super::double::{Double, Fate};
use super::*;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/edge/leases/gateway";

fn candidate(server: &Double, host: &str) -> Leader {
    let settings = LeaseSettings::new("edge", "gateway", host);
    Leader::new(server.client(), settings)
}

/// Waits until somebody leads, or does not any more. Returns how long it took.
async fn until(leader: &Leader, leads: bool) -> Duration {
    let began = Instant::now();
    let mut leading = leader.leading();
    let waited = timeout(secs(600), leading.wait_for(|leading| *leading == leads)).await;
    waited.expect("in ten minutes").expect("the task runs");
    began.elapsed()
}

fn leads(leader: &Leader) -> bool {
    *leader.leading().borrow()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fails(status: u16) -> Fate {
    Fate {
        status: Some(status),
        ..Fate::default()
    }
}

/// A Lease of somebody who is not there, renewed at a time by their clock.
fn lease(holder: &str, renewed: &str, transitions: i32) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": "gateway", "namespace": "edge" },
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 15,
            "leaseTransitions": transitions,
            "renewTime": renewed,
        },
    })
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_leads_at_once_and_goes_on() {
    let server = Double::new();
    let one = candidate(&server, "one");

    assert!(until(&one, true).await < secs(1));
    let other = candidate(&server, "other");
    for _ in 0..600 {
        sleep(secs(1)).await;
        assert!(leads(&one) && !leads(&other));
    }

    let spec = server.get(PATH).unwrap()["spec"].clone();
    assert!(spec["holderIdentity"].as_str().unwrap().starts_with("one_"));
    assert_eq!(spec["leaseTransitions"], 0);
    assert_eq!(spec["leaseDurationSeconds"], 15);
}

#[tokio::test(start_paused = true)]
async fn another_leads_within_twenty_seconds_of_a_crash() {
    let server = Double::new();
    for at in 0..10 {
        let one = candidate(&server, "one");
        until(&one, true).await;
        let other = candidate(&server, "other");
        sleep(secs(7) + Duration::from_millis(377 * at)).await;

        let mut flag = one.leading();
        drop(one);
        let waited = until(&other, true).await;

        assert!(!*flag.borrow_and_update());
        assert!(waited < secs(20), "{waited:?}");
        assert!(waited > secs(10), "{waited:?}");
        other.release().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_leads_soon_after_a_release() {
    let server = Double::new();
    let one = candidate(&server, "one");
    until(&one, true).await;
    let other = candidate(&server, "other");
    sleep(secs(5)).await;

    one.release().await;
    let spec = server.get(PATH).unwrap()["spec"].clone();
    let waited = until(&other, true).await;

    assert_eq!(spec["holderIdentity"], Value::Null);
    assert!(waited < secs(3), "{waited:?}");
    let spec = server.get(PATH).unwrap()["spec"].clone();
    assert_eq!(spec["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn the_clocks_of_others_are_not_believed() {
    for renewed in ["2000-01-01T00:00:00.000000Z", "2100-01-01T00:00:00.000000Z"] {
        let server = Double::new();
        server.put(PATH, lease("gone", renewed, 7));

        let one = candidate(&server, "one");
        let waited = until(&one, true).await;

        assert!((secs(15)..secs(18)).contains(&waited), "{waited:?}");
        let spec = server.get(PATH).unwrap()["spec"].clone();
        assert_eq!(spec["leaseTransitions"], 8);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_nobody_holds_is_taken_at_once() {
    let server = Double::new();
    server.put(PATH, lease("", "2100-01-01T00:00:00.000000Z", 7));

    let one = candidate(&server, "one");

    assert!(until(&one, true).await < secs(1));
}

#[tokio::test(start_paused = true)]
async fn without_permission_nobody_leads() {
    let server = Double::new();
    server.script(|_, _| fails(403));
    let one = candidate(&server, "one");

    sleep(secs(300)).await;
    assert!(!leads(&one));
    let tries = server.count(&Method::GET, "leases");
    assert!((5..20).contains(&tries), "{tries}");

    server.script(|_, _| Fate::default());
    assert!(until(&one, true).await < secs(40));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_know_its_roles_yet_is_asked_again_soon() {
    let server = Double::new();
    server.script(|_, _| fails(403));
    let one = candidate(&server, "one");
    sleep(secs(3)).await;
    assert!(!leads(&one));

    server.script(|_, _| Fate::default());
    assert!(until(&one, true).await < secs(4));
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_long_before_the_lease_runs_out() {
    for hangs in [false, true] {
        let server = Double::new();
        let one = candidate(&server, "one");
        until(&one, true).await;
        sleep(secs(33)).await;

        server.script(move |_, _| Fate {
            is_lost: hangs,
            ..fails(503)
        });
        let renewed = server.times(&Method::PUT, "leases").pop().unwrap();
        until(&one, false).await;
        let after = Instant::now() - renewed;
        assert!((secs(9)..=secs(10)).contains(&after), "{after:?}");

        server.script(|_, _| Fate::default());
        assert!(until(&one, true).await < secs(10));
    }
}

#[tokio::test(start_paused = true)]
async fn one_call_that_hangs_costs_no_lead() {
    let server = Double::new();
    let one = candidate(&server, "one");
    until(&one, true).await;
    let mut calls = 0;
    server.script(move |_, _| {
        calls += 1;
        Fate {
            is_lost: calls % 4 == 0,
            ..Fate::default()
        }
    });

    for _ in 0..600 {
        sleep(secs(1)).await;
        assert!(leads(&one));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_to_another_is_given_up() {
    let server = Double::new();
    let one = candidate(&server, "one");
    until(&one, true).await;

    server.put(PATH, lease("other", "2026-01-01T00:00:00.000000Z", 3));

    assert!(until(&one, false).await < secs(3));
    assert!(until(&one, true).await > secs(12));
}

#[tokio::test(start_paused = true)]
async fn a_release_by_who_does_not_lead_touches_nothing() {
    let server = Double::new();
    let one = candidate(&server, "one");
    until(&one, true).await;
    let other = candidate(&server, "other");
    sleep(secs(5)).await;

    other.release().await;
    sleep(secs(60)).await;

    assert!(leads(&one));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 16,
        ..ProptestConfig::default()
    })]

    /// However long calls take, and whatever becomes of them: two never lead at once.
    /// Once all goes well again, one does.
    #[test]
    fn two_never_lead_at_once(
        fates in proptest::collection::vec((0_u64..12_000, 0_u64..12_000, 0_usize..8), 1..120),
        crashes in proptest::collection::vec((0_usize..2, 0_u64..40_000, any::<bool>()), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(two_candidates(fates, crashes));
    }
}

async fn two_candidates(fates: Vec<(u64, u64, usize)>, crashes: Vec<(usize, u64, bool)>) {
    let server = Double::new();
    server.outlives_callers();
    let mut fates = fates.into_iter();
    server.script(move |_, _| {
        let Some((before, after, kind)) = fates.next() else {
            return Fate::default();
        };
        // Most calls are quick, or nobody would ever lead.
        let slow = if kind < 4 { 100 } else { 1 };
        Fate {
            before: Duration::from_millis(before / slow),
            after: Duration::from_millis(after / slow),
            status: (kind == 5).then_some(503),
            is_lost: kind == 6,
        }
    });
    let mut candidates = [candidate(&server, "a"), candidate(&server, "b")];

    for (which, millis, graceful) in crashes {
        watch(&candidates, Duration::from_millis(millis)).await;
        let next = candidate(&server, "next");
        let last = std::mem::replace(&mut candidates[which], next);
        if graceful {
            last.release().await;
        }
    }
    watch(&candidates, secs(600)).await;

    assert!(candidates.iter().any(leads));
}

/// Looks whenever one begins or ends to lead.
async fn watch(candidates: &[Leader; 2], time: Duration) {
    let end = sleep(time);
    tokio::pin!(end);
    let [mut one, mut other] = [candidates[0].leading(), candidates[1].leading()];
    loop {
        assert!(!(*one.borrow_and_update() && *other.borrow_and_update()));
        tokio::select! {
            _ = one.changed() => {}
            _ = other.changed() => {}
            () = &mut end => return,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_leads_no_more_changes_nothing_even_before_it_knows() {
    let server = Double::new();
    let path = "/api/v1/namespaces/edge/configmaps/it";
    server.put(path, json!({ "metadata": { "name": "it" } }));
    let write = async |client: &Client, data: &str| {
        call(client, Method::PATCH, path, Some(&json!({ "data": data }))).await
    };
    let (one, other) = (candidate(&server, "one"), candidate(&server, "other"));
    until(&one, true).await;
    let [client, others] = [&one, &other].map(|each| each.confine(server.client()));

    assert!(write(&client, "in time").await.is_ok());
    // As in a process that is stopped: the clock goes on, and nobody runs.
    assert_eq!(advance(secs(60)).now_or_never(), None);
    assert!(leads(&one) && !leads(&other));

    assert!(write(&client, "too late").await.is_err());
    assert_eq!(server.get(path).unwrap()["data"], "in time");
    // Looking is free.
    assert!(call(&others, Method::GET, path, None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_never_led_changes_nothing() {
    let server = Double::new();
    let path = "/api/v1/namespaces/edge/configmaps";
    let (one, other) = (candidate(&server, "one"), candidate(&server, "other"));
    until(&one, true).await;
    let body = json!({ "metadata": { "name": "it" } });

    let client = other.confine(server.client());
    assert!(
        call(&client, Method::POST, path, Some(&body))
            .await
            .is_err()
    );
    let client = one.confine(server.client());
    assert!(call(&client, Method::POST, path, Some(&body)).await.is_ok());
}
