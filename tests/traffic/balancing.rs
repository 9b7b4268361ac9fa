//! Balancing: AT-LB-1 to AT-LB-4, and endpoints that come and go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::model::{Backend, Filter};
use gateway_filters::client_address::TrustedProxies;
use gateway_filters::{PathModifier, RetryPolicy, UrlRewrite};
use gateway_lb::balance::{Algorithm, HashKey, Maglev, RingHash};
use gateway_lb::{Endpoint, Percent, Zone};
use gateway_tests::{Client, Origin, Site, TestGateway, answer};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::requests::{get, rule, statuses};

async fn answering(status: u16) -> Origin {
    Origin::http1(move |_| async move { answer(status, "") }).await
}

fn site(backend: Backend) -> Site {
    Site::new().rule(rule()).backend_of("origin", backend)
}

/// What 50 clients get of 200 requests.
async fn spread(backend: Backend) -> BTreeMap<u16, usize> {
    let gateway = TestGateway::single(&site(backend));
    statuses(gateway.address(), 50, 200, || get("a.test", "/", &[])).await
}

/// AT-LB-1 to AT-LB-3.
#[tokio::test]
async fn each_algorithm_spreads_as_it_says() {
    let (one, two) = (answering(200).await, answering(201).await);
    let backend = || Backend::new([one.address(), two.address()]);

    let in_turn = spread(backend()).await;
    let hashed = spread(
        backend()
            .with_algorithm(Algorithm::Maglev(Maglev::new()))
            .with_hash_key(HashKey::SourceAddress),
    )
    .await;
    let least = spread(backend().with_algorithm(Algorithm::LeastRequest)).await;

    assert_eq!(in_turn, [(200, 100), (201, 100)].into());
    assert_eq!(hashed.values().collect::<Vec<_>>(), [&200]);
    assert!(
        least.values().all(|count| (50..=150).contains(count)),
        "{least:?}"
    );
}

/// AT-LB-3, ours: an endpoint that answers nothing until the other has answered sixty times.
#[tokio::test]
async fn slow_endpoint_gets_clearly_less() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Origin::http1({
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                answer(201, "")
            }
        }
    })
    .await;
    let quick = answering(200).await;
    let backend = Backend::new([quick.address(), slow.address()]);
    let backend = backend.with_algorithm(Algorithm::LeastRequest);
    let gateway = TestGateway::single(&site(backend));
    let address = gateway.address();

    let asking = statuses(address, 10, 200, || get("a.test", "/", &[]));
    let asking = tokio::spawn(asking);
    quick
        .until("sixty answers", |state| state.requests.len() >= 60)
        .await;
    let meanwhile = slow.count();
    gate.add_permits(200);

    // Of ten at a time, it has never more than the other one.
    assert!(meanwhile <= 6, "{meanwhile}");
    assert_eq!(asking.await.unwrap().values().sum::<usize>(), 200);
}

/// AT-LB-4: which endpoint each of 1,000 users gets, by the path that they ask for.
#[tokio::test]
async fn tenth_of_the_keys_moves_with_one_of_ten_endpoints() {
    let origins: Vec<_> = futures_util::future::join_all((0..10).map(|_| answering(200))).await;
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
        let got = origins
            .iter()
            .zip(before)
            .position(|(origin, before)| origin.count() > before);
        places.push(got.unwrap());
    }
    places
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_hashed_by_their_own_address() {
    let (one, two) = (answering(200).await, answering(201).await);
    let backend = Backend::new([one.address(), two.address()])
        .with_algorithm(Algorithm::Maglev(Maglev::new()))
        .with_hash_key(HashKey::SourceAddress);
    let site = site(backend);
    let listener = site
        .listener("web")
        .with_trusted_proxies(TrustedProxies::hops(1));
    let gateway = TestGateway::serve(
        gateway_core::Gateway::builder().workers(1),
        site.behind([listener]),
    );
    let mut client = Client::http1(gateway.address()).await;

    let mut seen = BTreeMap::<_, std::collections::BTreeSet<u16>>::new();
    for round in 0..60_u8 {
        let from = format!("203.0.113.{}", round % 20);
        let reply = client
            .call(get("a.test", "/", &[("x-forwarded-for", &from)]))
            .await;
        seen.entry(from).or_default().insert(reply.status.as_u16());
    }

    assert!(seen.values().all(|endpoints| endpoints.len() == 1));
    assert!(one.count() > 0 && two.count() > 0);
}

#[tokio::test]
async fn endpoints_nearby_come_first_and_backups_last() {
    let (near, far, backup) = (
        answering(200).await,
        answering(201).await,
        answering(202).await,
    );
    let endpoint = |origin: &Origin| Endpoint::new(origin.address());
    let near_at = endpoint(&near).with_zone(Zone::new("eu-1a"));
    let far_at = endpoint(&far).with_zone(Zone::new("eu-1b"));
    let backup_at = endpoint(&backup).as_backup();
    let serve = |endpoints: Vec<Endpoint>| {
        let backend =
            Backend::of(endpoints.into_iter().collect()).with_same_zone_preferred(Percent::new(50));
        let builder = gateway_core::Gateway::builder().workers(1).zone("eu-1a");
        TestGateway::serve(builder, site(backend).configuration())
    };
    let all = |gateway: TestGateway| async move {
        statuses(gateway.address(), 2, 20, || get("a.test", "/", &[])).await
    };

    let everyone = serve(vec![near_at, far_at.clone(), backup_at.clone()]);
    assert_eq!(all(everyone).await, [(200, 20)].into());
    let elsewhere = serve(vec![far_at, backup_at.clone()]);
    assert_eq!(all(elsewhere).await, [(201, 20)].into());
    assert_eq!(all(serve(vec![backup_at])).await, [(202, 20)].into());
}

/// A hundred endpoints, of which all but one come and go ten times a second.
#[tokio::test]
async fn no_request_is_lost_while_one_endpoint_is_up() {
    let origins: Vec<_> = futures_util::future::join_all((0..100).map(|_| answering(200))).await;
    let site = |keep: &dyn Fn(usize) -> bool| {
        let up = origins.iter().enumerate().filter(|(index, _)| keep(*index));
        site(Backend::new(up.map(|(_, origin)| origin.address())))
    };
    let gateway = TestGateway::start(&site(&|_| true));
    let address = gateway.address();
    let done = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut counts = BTreeMap::<u16, usize>::new();
            while !done.load(Ordering::Relaxed) {
                for (status, count) in statuses(address, 8, 80, || get("a.test", "/", &[])).await {
                    *counts.entry(status).or_default() += count;
                }
            }
            counts
        }
    });

    for round in 0..20_usize {
        gateway.update(site(&|index| index == 0 || (index * 7 + round) % 3 == 0).configuration());
        sleep(Duration::from_millis(100)).await;
        gateway.update(site(&|index| index == 0).configuration());
    }
    done.store(true, Ordering::Relaxed);
    let counts = load.await.unwrap();

    assert_eq!(counts.keys().collect::<Vec<_>>(), [&200], "{counts:?}");
}

#[tokio::test]
async fn endpoint_that_is_removed_finishes_what_it_has_begun() {
    let gate = Arc::new(Semaphore::new(0));
    let slow = Origin::http1({
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                answer(200, "finished")
            }
        }
    })
    .await;
    let other = answering(201).await;
    let gateway = TestGateway::start(&site(Backend::new([slow.address()])));
    let address = gateway.address();
    let begun = tokio::spawn(async move { Client::http1(address).await.get("/").await });
    slow.until("a request", |state| state.requests.len() == 1)
        .await;

    gateway.update(site(Backend::new([other.address()])).configuration());
    assert_eq!(Client::http1(address).await.get("/").await.status, 201);
    gate.add_permits(1);

    assert_eq!(begun.await.unwrap().text(), "finished");
    assert_eq!(slow.count(), 1);
}

/// AT-RETRY-3: a retry avoids the endpoint that failed.
#[tokio::test]
async fn retry_goes_to_another_endpoint() {
    let asked = Arc::new(AtomicUsize::new(0));
    let ill = Origin::http1({
        let asked = Arc::clone(&asked);
        move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            async { answer(503, "") }
        }
    })
    .await;
    let well = answering(200).await;
    let retry = RetryPolicy::new()
        .with_attempts(1)
        .with_backoff(Duration::ZERO)
        .with_codes([http::StatusCode::SERVICE_UNAVAILABLE])
        .unwrap();
    let backend = Backend::new([ill.address(), well.address()]).with_algorithm(Algorithm::Random);
    let site = Site::new()
        .rule(rule().with_retry(retry))
        .backend_of("origin", backend);
    let gateway = TestGateway::start(&site);

    let counts = statuses(gateway.address(), 4, 200, || get("a.test", "/", &[])).await;

    assert_eq!(counts, [(200, 200)].into());
    assert!(asked.load(Ordering::Relaxed) > 0);
}
