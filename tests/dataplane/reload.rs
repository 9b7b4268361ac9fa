//! Configurations that change under load.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gateway_core::Gateway;
use gateway_core::model::{
    Backend, BackendRef, Configuration, Filter, Gateway as Edge, Listener, Route, Rule, Timeouts,
};
use gateway_filters::{HeaderModifier, RetryPolicy};
use gateway_tests::{Client, Origin, Site, TestGateway, Wire, patiently, prefix};
use http::StatusCode;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Serves `/` somehow, in a way that differs from one version to the next.
fn version(number: usize, origins: &[SocketAddr]) -> Configuration {
    let backend = BackendRef::new("origin".into());
    let mark = HeaderModifier::new()
        .set("x-version", &number.to_string())
        .unwrap();
    let mark = Filter::ResponseHeaderModifier(Arc::new(mark));
    let rule = match number % 5 {
        0 => Rule::new().with_backend(backend),
        1 => Rule::new().with_filter(mark).with_backend(backend),
        2 => Rule::new().with_backend(backend.with_filter(mark)),
        3 => Rule::new()
            .with_retry(RetryPolicy::new())
            .with_backend(backend),
        _ => Rule::new()
            .with_timeouts(Timeouts {
                request: Some(std::time::Duration::from_secs(60)),
                ..Timeouts::default()
            })
            .with_backend(backend.with_weight(7)),
    };
    // Other rules come and go, and endpoints change their number.
    let others = (0..number % 7).map(|other| {
        Rule::new()
            .with_match(prefix(&format!("/other/{other}")))
            .with_backend(BackendRef::invalid("nothing there"))
    });
    let endpoints = &origins[..1 + number % origins.len()];
    others
        .fold(Site::new().rule(rule), Site::rule)
        .backend("origin", endpoints.iter().copied())
        .configuration()
}

/// What a client of the storm has to say.
struct Storm {
    address: SocketAddr,
    failed: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

impl Storm {
    async fn run(self, http2: bool, requests: usize) {
        let mut client = if http2 {
            Client::http2(self.address).await
        } else {
            Client::http1(self.address).await
        };
        for _ in 0..requests {
            // One connection for all: a connection that is lost fails, too.
            let is_well = match client.send(Client::request("/")).await {
                Ok(response) => {
                    let is_ok = response.status() == StatusCode::OK;
                    is_ok && gateway_tests::Reply::read(response).await.complete
                }
                Err(_) => false,
            };
            self.answered.fetch_add(1, Ordering::Relaxed);
            if !is_well {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_over_a_hundred_reloads() {
    const CLIENTS: usize = 10;
    const REQUESTS: usize = 2_000;
    const RELOADS: usize = 100;

    let plain = || Origin::http1(|_| async { gateway_tests::answer(200, "ok") });
    let origins = [plain().await, plain().await, plain().await];
    let addresses: Vec<_> = origins.iter().map(Origin::address).collect();
    let gateway = TestGateway::serve(Gateway::builder().workers(2), version(0, &addresses));
    let (failed, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let storm = Storm {
            address: gateway.address(),
            failed: Arc::clone(&failed),
            answered: Arc::clone(&answered),
        };
        clients.spawn(storm.run(number % 2 == 0, REQUESTS));
    }
    // Spread over the storm, by what is answered and not by time.
    for reload in 1..=RELOADS {
        let due = reload * CLIENTS * REQUESTS / (RELOADS + 2);
        while answered.load(Ordering::Relaxed) < due {
            tokio::task::yield_now().await;
        }
        assert!(
            gateway
                .update(version(reload, &addresses))
                .failed
                .is_empty()
        );
    }
    while clients.join_next().await.is_some() {}

    assert_eq!(answered.load(Ordering::Relaxed), CLIENTS * REQUESTS);
    assert_eq!(failed.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn request_in_flight_finishes_as_it_began() {
    let origin = gateway_tests::RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.update(Site::new().configuration());
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;

    assert_eq!(client.response().await.unwrap().text(), "ok");
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(client.response().await.unwrap().status, 404);
}

fn edge(last: u8, port: u16) -> Edge {
    let rule = Rule::new().with_backend(BackendRef::new("origin".into()));
    Edge::new("edge")
        .with_address(Ipv4Addr::new(127, 0, 0, last).into())
        .with_listener(Listener::http("web", port).with_route(Route::new("all").with_rule(rule)))
}

async fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_err()
}

#[tokio::test]
async fn listener_that_is_removed_closes_its_socket_and_one_that_is_added_opens_it() {
    let origin = Origin::echo().await;
    let backend = Backend::new([origin.address()]);
    let with = |edges: &[Edge]| {
        let edges = edges.iter().cloned();
        edges.fold(
            Configuration::new().with_backend("origin", backend.clone()),
            Configuration::with_gateway,
        )
    };
    let gateway = TestGateway::serve(Gateway::builder().workers(2), with(&[edge(1, 0)]));
    let first = gateway.address();
    let mut kept = Client::http1(first).await;
    assert_eq!(kept.get("/").await.status, StatusCode::OK);

    // Added: served at once.
    let update = gateway.update(with(&[edge(1, 0), edge(2, 0)]));
    let second = *update
        .listening
        .iter()
        .find(|address| **address != first)
        .unwrap();
    assert_eq!(
        Client::http1(second).await.get("/").await.status,
        StatusCode::OK
    );

    // Removed: nobody gets in any more, and the other one is as before.
    let mut inside = Client::http1(second).await;
    gateway.update(with(&[edge(1, 0)]));
    patiently("the socket to close", async {
        while !refuses(second).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(inside.get("/").await.status, StatusCode::NOT_FOUND);
    assert_eq!(kept.get("/").await.status, StatusCode::OK);

    // And added again, on the very port.
    let update = gateway.update(with(&[edge(1, 0), edge(2, second.port())]));
    assert!(update.failed.is_empty(), "{:?}", update.failed);
    assert_eq!(
        Client::http1(second).await.get("/").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn port_in_use_is_told_and_hurts_nobody_until_it_is_free() {
    let origin = Origin::echo().await;
    let somebody = tokio::net::TcpListener::bind((Ipv4Addr::new(127, 0, 0, 3), 0))
        .await
        .unwrap();
    let taken = somebody.local_addr().unwrap();
    let both = Configuration::new()
        .with_backend("origin", Backend::new([origin.address()]))
        .with_gateway(edge(1, 0))
        .with_gateway(edge(3, taken.port()));
    let gateway = TestGateway::start(&Site::new());

    let update = gateway.update(both.clone());
    let failed: Vec<_> = update.failed.iter().map(|error| error.address).collect();
    assert_eq!(failed, [taken]);
    assert_eq!(update.listening.len(), 1);
    assert_eq!(
        Client::http1(gateway.address()).await.get("/").await.status,
        StatusCode::OK
    );

    drop(somebody);
    let update = gateway.update(both);
    assert!(update.failed.is_empty());
    assert_eq!(
        Client::http1(taken).await.get("/").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn failed_bind_is_tried_again_without_an_update() {
    let somebody = tokio::net::TcpListener::bind((Ipv4Addr::new(127, 0, 0, 4), 0))
        .await
        .unwrap();
    let taken = somebody.local_addr().unwrap();
    let gateway = TestGateway::start(&Site::new());
    let update = gateway.update(Configuration::new().with_gateway(edge(4, taken.port())));
    assert_eq!(update.failed.len(), 1);

    drop(somebody);

    patiently("the port to be bound", async {
        while refuses(taken).await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn threads_that_update_at_the_same_time_do_not_mix() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    let stop = Arc::new(AtomicBool::new(false));
    let updating: Vec<_> = (0..2)
        .map(|odd| {
            let (gateway, stop) = (gateway.gateway().clone(), Arc::clone(&stop));
            let address = origin.address();
            std::thread::spawn(move || {
                let mut number = odd;
                while !stop.load(Ordering::Relaxed) {
                    gateway.update(version(number, &[address]));
                    number += 2;
                }
            })
        })
        .collect();

    let mut client = Client::http1(gateway.address()).await;
    for _ in 0..300 {
        assert_eq!(client.get("/").await.status, StatusCode::OK);
    }

    stop.store(true, Ordering::Relaxed);
    for thread in updating {
        thread.join().unwrap();
    }
}
