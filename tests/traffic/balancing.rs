//! Balancing: AT-LB-1 to AT-LB-4, and endpoints that come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use gateway_core::Gateway;
use gateway_core::model::{Backend, Filter};
use gateway_filters::client_address::TrustedProxies;
use gateway_filters::{PathModifier, UrlRewrite};
use gateway_lb::balance::{Algorithm, HashKey, Maglev, RingHash};
use gateway_lb::{Endpoint, Percent, Zone};
use gateway_tests::{Client, Origin, Site, TestGateway, answer, patiently};
use http::Request;
use http_body_util::Empty;
use tokio::sync::{Barrier, Semaphore, watch};

use crate::requests::{answering, gated, get, rule, statuses, to};

fn plain() -> Request<Empty<bytes::Bytes>> {
    get("a.test", "/", &[])
}

async fn two() -> (Origin, Origin) {
    (answering(200, "").await, answering(201, "").await)
}

fn hashed(backend: Backend) -> Backend {
    let backend = backend.with_algorithm(Algorithm::Maglev(Maglev::new()));
    backend.with_hash_key(HashKey::SourceAddress)
}

/// What 50 clients get of 200 requests.
async fn spread(backend: Backend) -> Vec<(u16, usize)> {
    let gateway = TestGateway::single(&to(backend));
    let counts = statuses(gateway.address(), 50, 200, plain).await;
    counts.into_iter().collect()
}

/// AT-LB-1: a hundred each. AT-LB-2: all go to one, whichever that is.
#[tokio::test]
async fn requests_take_turns_or_stay_with_their_client() {
    let (one, other) = two().await;
    let backend = || Backend::new([one.address(), other.address()]);

    let in_turn = spread(backend()).await;
    let by_client = spread(hashed(backend())).await;

    assert_eq!(in_turn, [(200, 100), (201, 100)]);
    assert!(matches!(by_client[..], [(200 | 201, 200)]), "{by_client:?}");
}

/// AT-LB-3: of fifty at a time, each endpoint has one half.
#[tokio::test]
async fn least_requests_are_even() {
    let everyone = Arc::new(Barrier::new(50));
    let together = |status| {
        let everyone = Arc::clone(&everyone);
        Origin::http1(move |_| {
            let everyone = Arc::clone(&everyone);
            async move {
                everyone.wait().await;
                answer(status, "")
            }
        })
    };
    let (one, other) = (together(200).await, together(201).await);
    let backend = Backend::new([one.address(), other.address()]);

    let counts = spread(backend.with_algorithm(Algorithm::LeastRequest)).await;

    assert_eq!(counts, [(200, 100), (201, 100)]);
}

/// AT-LB-3, ours: an endpoint that answers nothing until the other has answered sixty times.
#[tokio::test]
async fn slow_endpoint_gets_clearly_less() {
    let gate = Arc::new(Semaphore::new(0));
    let (quick, slow) = (answering(200, "").await, gated(&gate, 201, "").await);
    let backend = Backend::new([quick.address(), slow.address()]);
    let gateway = TestGateway::single(&to(backend.with_algorithm(Algorithm::LeastRequest)));

    let asking = tokio::spawn(statuses(gateway.address(), 10, 200, plain));
    quick
        .until("sixty answers", |state| state.requests.len() >= 60)
        .await;
    let meanwhile = slow.count();
    gate.add_permits(200);

    // Of ten at a time, it has never more than the other one.
    assert!(meanwhile <= 6, "{meanwhile}");
    assert_eq!(asking.await.unwrap().values().sum::<usize>(), 200);
}

/// AT-LB-4: which endpoint each of 200 users gets, by the path that they ask for.
#[tokio::test]
async fn tenth_of_the_keys_moves_with_one_of_ten_endpoints() {
    let origins: Vec<_> = join_all((0..10).map(|_| answering(200, ""))).await;
    let addresses: Vec<_> = origins.iter().map(Origin::address).collect();
    // The backend sees another path than it is chosen by.
    let rewrite = UrlRewrite::new().with_path(PathModifier::replace_full_path("/all").unwrap());
    let site = |addresses: &[SocketAddr]| {
        let backend = Backend::new(addresses.iter().copied())
            .with_algorithm(Algorithm::RingHash(RingHash::new()))
            .with_hash_key(HashKey::Path);
        let rewritten = rule().with_filter(Filter::UrlRewrite(Arc::new(rewrite.clone())));
        Site::new().rule(rewritten).backend_of("origin", backend)
    };
    let gateway = TestGateway::start(&site(&addresses));
    let mut client = Client::http1(gateway.address()).await;

    let before = places(&mut client, &origins).await;
    assert_eq!(places(&mut client, &origins).await, before);
    gateway.update(site(&addresses[1..]).configuration());
    let after = places(&mut client, &origins).await;

    assert_eq!(origins[3].last().target, "/all");
    let moved: Vec<_> = (0..KEYS)
        .filter(|key| before[*key] != after[*key])
        .collect();
    assert!(moved.iter().all(|key| before[*key] == 0), "others moved");
    let share = before.iter().filter(|place| **place == 0).count();
    assert_eq!(moved.len(), share);
    assert!((KEYS / 25..=KEYS / 4).contains(&share), "{share}");
}

const KEYS: usize = 200;

/// Which of `origins` gets each key.
async fn places(client: &mut Client, origins: &[Origin]) -> Vec<usize> {
    let mut places = Vec::new();
    for key in 0..KEYS {
        let before: Vec<_> = origins.iter().map(Origin::count).collect();
        client.get(&format!("/user/{key}")).await;
        let mut counts = origins.iter().zip(before);
        let got = counts.position(|(origin, before)| origin.count() > before);
        places.push(got.unwrap());
    }
    places
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_hashed_by_their_own_address() {
    let (one, other) = two().await;
    let site = to(hashed(Backend::new([one.address(), other.address()])));
    let listener = site.listener("web");
    let listener = listener.with_trusted_proxies(TrustedProxies::hops(1));
    let gateway = TestGateway::serve(Gateway::builder().workers(1), site.behind([listener]));
    let mut client = Client::http1(gateway.address()).await;

    let mut seen = BTreeMap::<_, BTreeSet<u16>>::new();
    for round in 0..60_u8 {
        let from = format!("203.0.113.{}", round % 20);
        let request = get("a.test", "/", &[("x-forwarded-for", &from)]);
        let reply = client.call(request).await;
        seen.entry(from).or_default().insert(reply.status.as_u16());
    }

    assert!(seen.values().all(|endpoints| endpoints.len() == 1));
    assert!(one.count() > 0 && other.count() > 0);
}

#[tokio::test]
async fn endpoints_nearby_come_first_and_backups_last() {
    let ((near, far), backup) = (two().await, answering(202, "").await);
    let near = Endpoint::new(near.address()).with_zone(Zone::new("eu-1a"));
    let far = Endpoint::new(far.address()).with_zone(Zone::new("eu-1b"));
    let backup = Endpoint::new(backup.address()).as_backup();

    for (endpoints, status) in [
        (vec![near, far.clone(), backup.clone()], 200),
        (vec![far, backup.clone()], 201),
        (vec![backup], 202),
    ] {
        let backend = Backend::of(endpoints.into_iter().collect());
        let site = to(backend.with_same_zone_preferred(Percent::new(50)));
        let builder = Gateway::builder().workers(1).zone("eu-1a");
        let gateway = TestGateway::serve(builder, site.configuration());
        let counts = statuses(gateway.address(), 2, 20, plain).await;
        assert_eq!(counts, [(status, 20)].into());
    }
}

/// A hundred endpoints, of which all but one come and go, with each forty answers.
#[tokio::test]
async fn no_request_is_lost_while_one_endpoint_is_up() {
    let origins: Vec<_> = join_all((0..100).map(|_| answering(200, ""))).await;
    let site = |keep: &dyn Fn(usize) -> bool| {
        let up = origins.iter().enumerate().filter(|(index, _)| keep(*index));
        to(Backend::new(up.map(|(_, origin)| origin.address())))
    };
    let gateway = TestGateway::start(&site(&|_| true));
    let address = gateway.address();
    let (sender, mut answered) = watch::channel(0);
    let load = (0..8).map(|_| {
        let sender = sender.clone();
        tokio::spawn(async move {
            let mut client = Client::http1(address).await;
            let mut statuses = BTreeSet::new();
            while !sender.is_closed() {
                statuses.insert(client.get("/").await.status.as_u16());
                sender.send_modify(|answered| *answered += 1);
            }
            statuses
        })
    });
    let load: Vec<_> = load.collect();

    for round in 0..40_usize {
        let some = |index| index == 0 || (round % 2 == 0 && (index * 7 + round) % 3 == 0);
        gateway.update(site(&some).configuration());
        let goal = *answered.borrow() + 40;
        let reached = answered.wait_for(|answered| *answered >= goal);
        patiently("answers", reached).await.unwrap();
    }
    drop(answered);

    for statuses in load {
        assert_eq!(statuses.await.unwrap(), [200].into());
    }
}

#[tokio::test]
async fn endpoint_that_is_removed_finishes_what_it_has_begun() {
    let gate = Arc::new(Semaphore::new(0));
    let (slow, other) = (
        gated(&gate, 200, "finished").await,
        answering(201, "").await,
    );
    let gateway = TestGateway::start(&to(Backend::new([slow.address()])));
    let address = gateway.address();
    let begun = tokio::spawn(async move { Client::http1(address).await.get("/").await });
    slow.until("a request", |state| state.requests.len() == 1)
        .await;

    gateway.update(to(Backend::new([other.address()])).configuration());
    assert_eq!(Client::http1(address).await.get("/").await.status, 201);
    gate.add_permits(1);

    assert_eq!(begun.await.unwrap().text(), "finished");
    assert_eq!(slow.count(), 1);
}
