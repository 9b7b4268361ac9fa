//! How many connections there are, and how long they are used.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use super::origin::{Nobody, Origin};
use super::{Received, TestPool, get, pool, request, settle, text};
use crate::connections::{ConnectionLimit, ConnectionSettings};
use crate::pool::{
    Connections, Destination, Pool, PoolSettings, Protocol, SendFuture, UpgradedUpstream,
    UpstreamErrorKind,
};

pub(super) fn limit(connections: usize) -> ConnectionLimit {
    ConnectionLimit::new(NonZeroUsize::new(connections).unwrap())
}

/// `address`, with connections of its own.
pub(super) fn apart(address: SocketAddr, settings: ConnectionSettings) -> Destination {
    Destination::from(address).with_connections(Connections::new(settings))
}

pub(super) fn limited(address: SocketAddr, limit: ConnectionLimit) -> Destination {
    apart(address, ConnectionSettings::new().with_limit(limit))
}

fn send(pool: &TestPool, to: &Destination, path: &str) -> SendFuture<super::TestBody> {
    pool.send(to.clone(), Protocol::Http1, get(path))
}

#[tokio::test]
async fn request_waits_for_the_only_connection() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(1));
    let first = send(&pool, &to, "/one");
    let second = send(&pool, &to, "/two");

    let (first, second, ()) = join!(
        async { text(first.await.expect("answered")).await },
        async { text(second.await.expect("answered")).await },
        async {
            let mut conversation = origin.accept().await;
            assert!(conversation.answer("one").await.starts_with("get /one "));
            assert!(conversation.answer("two").await.starts_with("get /two "));
        }
    );

    assert_eq!((&*first, &*second), ("one", "two"));
    assert!(origin.is_left_alone().await);
    assert_eq!(pool.counts().opened, 1);
}

#[tokio::test]
async fn request_fails_at_once_if_nobody_may_wait() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(1).with_max_pending(0));
    let under_way = send(&pool, &to, "/");

    let refused = send(&pool, &to, "/").now_or_never().expect("at once");

    let error = refused.expect_err("there is one already");
    assert_eq!(error.kind(), UpstreamErrorKind::Overloaded);
    assert!(error.is_unsent());
    assert_eq!(pool.counts().overloaded, 1);
    drop(under_way);
}

#[tokio::test]
async fn request_waits_no_longer_than_it_may() {
    let (origin, pool) = (Origin::bind().await, pool());
    let wait = Duration::from_millis(20);
    let to = limited(origin.address(), limit(1).with_max_wait(wait));
    let _under_way = send(&pool, &to, "/");

    let error = send(&pool, &to, "/").await.expect_err("it waits in vain");

    assert_eq!(error.kind(), UpstreamErrorKind::Overloaded);
}

#[tokio::test]
async fn body_keeps_the_connection_until_it_is_dropped() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(1));
    let (first, conversation) = join!(send(&pool, &to, "/"), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbeg";
        conversation.say(head).await;
        conversation
    });
    let mut second = send(&pool, &to, "/");
    assert!((&mut second).now_or_never().is_none());

    drop(first);

    let (second, _) = join!(second, async { origin.accept().await.answer("2").await });
    assert_eq!(text(second.expect("answered")).await, "2");
    drop(conversation);
}

#[tokio::test]
async fn dial_that_fails_lets_the_next_try() {
    let (nobody, pool) = (Nobody::bind(), pool());
    let to = limited(nobody.address(), limit(1));

    let failures = join_all((0..5).map(|_| send(&pool, &to, "/"))).await;

    let kinds = failures
        .into_iter()
        .map(|failure| failure.unwrap_err().kind());
    assert!(
        kinds
            .into_iter()
            .all(|kind| kind == UpstreamErrorKind::Dial)
    );
    assert_eq!(pool.counts().failed, 5);
}

#[tokio::test]
async fn connection_that_was_closed_while_idle_keeps_its_place_for_the_request() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(1).with_max_pending(0));
    let (first, conversation) = join!(send(&pool, &to, "/"), async {
        let mut conversation = origin.accept().await;
        conversation.answer("1").await;
        conversation
    });
    text(first.expect("answered")).await;
    drop(conversation);
    settle().await;

    let (second, _) = join!(send(&pool, &to, "/"), async {
        origin.accept().await.answer("2").await
    });

    assert_eq!(text(second.expect("answered")).await, "2");
}

#[tokio::test]
async fn upgraded_connection_counts_until_it_ends() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = limited(origin.address(), limit(1).with_max_pending(0));
    let mut asks = request("GET", "/", super::empty());
    let headers = asks.headers_mut();
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("upgrade", "chat".parse().unwrap());
    let (response, _conversation) = join!(pool.send(to.clone(), Protocol::Http1, asks), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        let switched =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n";
        conversation.say(switched).await;
        conversation
    });
    let mut response = response.expect("switched");
    let upgraded = response.extensions_mut().remove::<UpgradedUpstream>();
    let transport = upgraded.unwrap().take().unwrap();
    drop(response);

    assert!(send(&pool, &to, "/").await.is_err());
    drop(transport);
    assert!(send(&pool, &to, "/").now_or_never().is_none());
}

/// What an origin has seen at most, at a time.
#[derive(Clone, Default)]
pub(super) struct Most(Arc<(AtomicUsize, AtomicUsize)>);

impl Most {
    pub(super) fn begin(&self) {
        let (now, most) = &*self.0;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }

    pub(super) fn end(&self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn get(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

/// An origin that answers everybody, and the most requests that it has had at a time: none that
/// it has begun to answer, for with that a connection may be gone before it hears of it.
async fn busy_origin() -> (SocketAddr, Most) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let most = Most::default();
    let seen = most.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let most = most.clone();
            tokio::spawn(async move {
                let mut bytes = [0; 1024];
                while let Ok(1..) = stream.read(&mut bytes).await {
                    most.begin();
                    settle().await;
                    most.end();
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, seen)
}

/// Sends `requests` from each of two threads with runtimes of their own.
pub(super) async fn on_two_threads(
    pool: &TestPool,
    to: &Destination,
    protocol: Protocol,
    requests: usize,
) -> usize {
    let both_have_ended = Arc::new(Barrier::new(2));
    let threads = [(); 2].map(|()| {
        let (pool, to) = (pool.clone(), to.clone());
        let both_have_ended = Arc::clone(&both_have_ended);
        tokio::task::spawn_blocking(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(async move {
                let one = |path: usize| {
                    let future = pool.send(to.clone(), protocol, get(&format!("/{path}")));
                    async move { text(future.await.expect("answered")).await }
                };
                let mut answered = 0;
                for _ in 0..10 {
                    answered += join_all((0..requests / 10).map(one)).await.len();
                }
                // One may use a connection that the other drives.
                both_have_ended.wait().await;
                answered
            })
        })
    });
    join_all(threads)
        .await
        .into_iter()
        .map(|answered| answered.expect("no panic"))
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limit_is_exact_over_runtimes_and_no_request_is_lost() {
    let (address, seen) = busy_origin().await;
    let pool = pool();
    let to = limited(address, limit(3));

    assert_eq!(on_two_threads(&pool, &to, Protocol::Http1, 200).await, 400);

    assert!((2..=3).contains(&seen.get()), "{}", seen.get());
}

#[tokio::test]
async fn connections_of_equal_settings_are_not_shared() {
    let (origin, pool) = (Origin::bind().await, pool());
    for _ in 0..2 {
        let to = apart(origin.address(), ConnectionSettings::new());
        let (response, _) = join!(send(&pool, &to, "/"), async {
            origin.accept().await.answer("new").await
        });
        text(response.expect("answered")).await;
    }
    assert_eq!(pool.counts().opened, 2);
}

#[tokio::test]
async fn settings_of_a_destination_come_before_those_of_the_pool() {
    let origin = Origin::bind().await;
    let pool: TestPool = Pool::new(PoolSettings::new());
    let settings = ConnectionSettings::new().with_max_requests(NonZeroU32::MIN);
    let to = apart(origin.address(), settings);

    for _ in 0..2 {
        let (response, _) = join!(send(&pool, &to, "/"), async {
            origin.accept().await.answer("new").await
        });
        let response: Received = response.expect("answered");
        text(response).await;
    }

    assert_eq!((pool.counts().opened, pool.idle_connections()), (2, 0));
}

#[tokio::test]
async fn warm_connections_are_there_before_requests_and_are_used() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = apart(origin.address(), ConnectionSettings::new().with_warm(2));

    pool.warm(to.clone(), Protocol::Http1);
    pool.warm(to.clone(), Protocol::Http1);
    let (mut one, mut two) = (origin.accept().await, origin.accept().await);
    settle().await;
    pool.warm(to.clone(), Protocol::Http1);
    assert!(origin.is_left_alone().await);
    assert_eq!(pool.idle_connections(), 2);

    let (response, ()) = join!(send(&pool, &to, "/"), async {
        tokio::select! {
            _ = one.answer("used") => {}
            _ = two.answer("used") => {}
        }
    });
    assert_eq!(text(response.expect("answered")).await, "used");
    assert_eq!(pool.counts().opened, 2);
}

#[tokio::test]
async fn warm_connections_that_close_are_opened_again() {
    let (origin, pool) = (Origin::bind().await, pool());
    let to = apart(origin.address(), ConnectionSettings::new().with_warm(1));
    pool.warm(to.clone(), Protocol::Http1);
    let first = origin.accept().await;
    settle().await;

    drop(first);
    settle().await;
    pool.sweep();
    pool.warm(to, Protocol::Http1);

    origin.accept().await;
}

#[tokio::test]
async fn warm_connections_stay_within_the_limit() {
    let (origin, pool) = (Origin::bind().await, pool());
    let settings = ConnectionSettings::new().with_limit(limit(2)).with_warm(5);
    let to = apart(origin.address(), settings);

    for _ in 0..3 {
        pool.warm(to.clone(), Protocol::Http1);
        settle().await;
    }

    let _both = (origin.accept().await, origin.accept().await);
    settle().await;
    assert!(origin.is_left_alone().await);
    assert_eq!(pool.idle_connections(), 2);
}

#[tokio::test]
async fn no_more_are_warm_than_are_kept() {
    let warm = ConnectionSettings::new().with_warm(5);
    for settings in [warm.clone(), warm.with_limit(limit(9))] {
        let kept = PoolSettings::new().with_max_idle_per_endpoint(2);
        let (origin, pool) = (Origin::bind().await, TestPool::new(kept));
        let to = apart(origin.address(), settings);

        for _ in 0..3 {
            pool.warm(to.clone(), Protocol::Http1);
            settle().await;
        }

        let _both = (origin.accept().await, origin.accept().await);
        settle().await;
        assert!(origin.is_left_alone().await);
        assert_eq!((pool.idle_connections(), pool.counts().opened), (2, 2));
    }
}

#[tokio::test]
async fn warm_up_pauses_where_nobody_listens() {
    let (nobody, pool) = (Nobody::bind(), pool());
    let to = apart(nobody.address(), ConnectionSettings::new().with_warm(3));

    for _ in 0..20 {
        pool.warm(to.clone(), Protocol::Http1);
        settle().await;
    }

    assert_eq!(pool.counts().failed, 3);
}
