//! HTTP/2 connections whose number is limited, and those who wait for them.

// Backends go on in tasks of their own, which the tests hold on to.
#![allow(clippy::async_yields_async)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::join;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::http2::{Accepted, accept, answer, echo};
use super::limits::{Most, apart, limit, limited, on_two_threads};
use super::origin::Origin;
use super::{TestBody, TestPool, get, pool, settle, text};
use crate::connections::{ConnectionLimit, ConnectionSettings};
use crate::pool::{Destination, Protocol, SendFuture, UpstreamErrorKind};

pub(super) fn send(pool: &TestPool, to: &Destination, path: &str) -> SendFuture<TestBody> {
    pool.send(to.clone(), Protocol::Http2, get(path))
}

/// One connection, and all that comes over it.
struct OneConnection {
    origin: Origin,
    pool: TestPool,
    to: Destination,
    accepted: UnboundedReceiver<Accepted>,
    backend: tokio::task::JoinHandle<()>,
}

impl OneConnection {
    /// It takes `streams` at a time, and has said so.
    async fn of(streams: u32, limit: ConnectionLimit) -> Self {
        let (origin, pool) = (Origin::bind().await, pool());
        let to = limited(origin.address(), limit);
        let (sender, accepted) = unbounded_channel();
        let (first, backend) = join!(send(&pool, &to, "/first"), async {
            let mut backend = accept(&origin, streams).await;
            let (_, mut respond) = backend.accept().await.expect("a request").expect("valid");
            answer(&mut respond, "first");
            tokio::spawn(async move {
                while let Some(Ok(next)) = backend.accept().await {
                    if sender.send(next).is_err() {
                        return;
                    }
                }
            })
        });
        text(first.expect("answered")).await;
        Self {
            origin,
            pool,
            to,
            accepted,
            backend,
        }
    }

    /// A request that is on its way.
    fn begin(&self, path: &str) -> SendFuture<TestBody> {
        let mut sending = send(&self.pool, &self.to, path);
        assert!((&mut sending).now_or_never().is_none());
        sending
    }

    /// The next that reaches the backend.
    async fn next(&mut self) -> Accepted {
        self.accepted.recv().await.expect("a request")
    }

    /// Whether nothing else has reached the backend.
    async fn is_left_alone(&mut self) -> bool {
        settle().await;
        self.accepted.try_recv().is_err() && self.origin.is_left_alone().await
    }
}

#[tokio::test]
async fn streams_beyond_those_that_the_backend_takes_wait_in_order() {
    let mut one = OneConnection::of(2, limit(1)).await;
    let under_way = [one.begin("/a"), one.begin("/b")];
    let mut respond = [one.next().await.1, one.next().await.1];
    let waiting = [one.begin("/c"), one.begin("/d"), one.begin("/e")];
    assert!(waiting.iter().all(|waiting| !waiting.awaits_endpoint()));
    assert!(one.is_left_alone().await);

    answer(&mut respond[0], "a");
    let [a, b] = under_way;
    assert_eq!(text(a.await.expect("answered")).await, "a");
    // It comes later than those who wait.
    let late = one.begin("/late");
    let mut backend = tokio::spawn(async move {
        answer(&mut respond[1], "b");
        let mut paths = Vec::new();
        for _ in 0..4 {
            let (request, mut respond) = one.next().await;
            paths.push(request.uri().path().to_owned());
            answer(&mut respond, "in turn");
        }
        (one, paths)
    });
    let [c, d, e] = waiting;
    let read = |sent: SendFuture<TestBody>| async { text(sent.await.expect("answered")).await };
    join_all([b, c, d, e, late].map(read)).await;

    let (one, paths) = (&mut backend).await.expect("no panic");
    assert_eq!(paths, ["/c", "/d", "/e", "/late"]);
    assert_eq!(one.pool.counts().opened, 1);
}

#[tokio::test]
async fn request_fails_at_once_if_as_many_wait_for_a_stream_as_may() {
    let mut one = OneConnection::of(1, limit(1).with_max_pending(1)).await;
    let first = one.begin("/first");
    let mut respond = one.next().await.1;
    let waits = one.begin("/waits");

    let refused = send(&one.pool, &one.to, "/").now_or_never();
    let error = refused.expect("at once").expect_err("one waits already");
    assert_eq!(error.kind(), UpstreamErrorKind::Overloaded);
    assert!(error.is_unsent());
    assert_eq!(one.pool.counts().overloaded, 1);

    // Whoever gives up makes room in the queue.
    drop(waits);
    let waits = one.begin("/instead");
    answer(&mut respond, "1");
    assert_eq!(text(first.await.expect("answered")).await, "1");
    let (second, path) = join!(waits, async {
        let (request, mut respond) = one.next().await;
        answer(&mut respond, "2");
        request.uri().path().to_owned()
    });
    assert_eq!(text(second.expect("answered")).await, "2");
    assert_eq!(path, "/instead");
}

#[tokio::test]
async fn request_waits_for_a_stream_no_longer_than_it_may() {
    let wait = Duration::from_millis(20);
    let mut one = OneConnection::of(1, limit(1).with_max_wait(wait)).await;
    let first = one.begin("/first");
    let mut respond = one.next().await.1;

    let error = one.begin("/").await.expect_err("it waits in vain");

    assert_eq!(error.kind(), UpstreamErrorKind::Overloaded);
    assert!(error.is_unsent());
    answer(&mut respond, "1");
    assert_eq!(text(first.await.expect("answered")).await, "1");
    assert!(one.is_left_alone().await);
}

#[tokio::test]
async fn response_that_is_dropped_gives_its_stream_to_the_next() {
    let mut one = OneConnection::of(1, limit(1)).await;
    let first = one.begin("/first");
    let mut respond = one.next().await.1;
    let mut stream = respond
        .send_response(http::Response::new(()), false)
        .expect("sent");
    stream.send_data("half".into(), false).expect("sent");
    let first = first.await.expect("answered");
    let waits = one.begin("/second");

    drop(first);

    let (second, ()) = join!(waits, async {
        answer(&mut one.next().await.1, "2");
    });
    assert_eq!(text(second.expect("answered")).await, "2");
}

#[tokio::test]
async fn turn_that_nobody_took_goes_to_the_next() {
    let mut one = OneConnection::of(1, limit(1)).await;
    let first = one.begin("/first");
    let _respond = one.next().await.1;
    let (second, third) = (one.begin("/second"), one.begin("/third"));

    // The second has its turn, and has not looked.
    drop(first);
    drop(second);

    let (third, ()) = join!(third, async {
        let (request, mut respond) = one.next().await;
        assert_eq!(request.uri().path(), "/third");
        answer(&mut respond, "3");
    });
    assert_eq!(text(third.expect("answered")).await, "3");
}

#[tokio::test]
async fn those_who_wait_for_a_stream_outlive_the_connection() {
    let mut one = OneConnection::of(1, limit(1)).await;
    let first = one.begin("/first");
    let _respond = one.next().await;
    let (second, third) = (one.begin("/second"), one.begin("/third"));

    one.backend.abort();
    let (first, second, third, ()) = join!(first, second, third, async {
        tokio::spawn(echo(accept(&one.origin, 1).await));
    });

    assert!(first.is_err());
    assert_eq!(text(second.expect("answered")).await, "/second");
    assert_eq!(text(third.expect("answered")).await, "/third");
    assert_eq!(one.pool.counts().opened, 2);
}

#[tokio::test]
async fn connection_serves_whoever_waited_for_it_and_nobody_beyond_its_requests() {
    let (origin, pool) = (Origin::bind().await, pool());
    // It is too old as soon as it is open.
    let aged = ConnectionSettings::new().with_max_age(Duration::ZERO);
    let once = ConnectionSettings::new().with_max_requests(NonZeroU32::MIN);
    for settings in [
        aged.clone(),
        once.clone(),
        aged.with_limit(limit(2)),
        once.with_limit(limit(2)),
    ] {
        let to = apart(origin.address(), settings);
        let served = Arc::new(AtomicUsize::new(0));
        let backends = async {
            loop {
                let (mut backend, served) = (accept(&origin, 100).await, Arc::clone(&served));
                tokio::spawn(async move {
                    let mut requests = 0;
                    while let Some(Ok((_, mut respond))) = backend.accept().await {
                        requests += 1;
                        served.fetch_add(1, Ordering::Relaxed);
                        answer(&mut respond, "yes");
                    }
                    assert_eq!(requests, 1);
                });
            }
        };
        let requests = async {
            for _ in 0..4 {
                let response = send(&pool, &to, "/").await.expect("answered");
                assert_eq!(text(response).await, "yes");
            }
        };
        tokio::select! {
            () = requests => {}
            () = backends => {}
        }
        assert_eq!(served.load(Ordering::Relaxed), 4);
    }
    assert_eq!(pool.counts().opened, 16);
}

/// Answers everybody a little later, on connections that take as many streams as is thought of
/// them before they say so.
async fn serve(origin: Origin, connections: Most, streams: Most) {
    loop {
        let mut backend = accept(&origin, 100).await;
        let (connections, streams) = (connections.clone(), streams.clone());
        connections.begin();
        tokio::spawn(async move {
            while let Some(Ok((_, mut respond))) = backend.accept().await {
                let streams = streams.clone();
                streams.begin();
                tokio::spawn(async move {
                    settle().await;
                    streams.end();
                    answer(&mut respond, "ok");
                });
            }
            connections.end();
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_exact_over_runtimes_and_no_request_is_lost() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(2));
    let (connections, streams) = (Most::default(), Most::default());
    let server = tokio::spawn(serve(origin, connections.clone(), streams.clone()));

    let answered = on_two_threads(&pool, &to, Protocol::Http2, 1500).await;

    server.abort();
    assert_eq!(answered, 3000);
    assert!(connections.get() <= 2, "{}", connections.get());
    assert!(streams.get() <= 200, "{}", streams.get());
}
