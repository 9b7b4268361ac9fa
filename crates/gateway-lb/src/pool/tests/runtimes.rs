//! Threads, and what may cross them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::origin::Origin;
use super::{TestBody, TestPool, get, pool, send, text};
use crate::pool::{Pool, SendFuture, UpgradedUpstream, UpstreamBody, UpstreamError};

fn is_send<T: Send>() {}
fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn types_cross_threads() {
    is_send_and_sync::<Pool<TestBody>>();
    is_send_and_sync::<UpstreamError>();
    is_send_and_sync::<UpgradedUpstream>();
    is_send::<SendFuture<TestBody>>();
    is_send::<UpstreamBody<TestBody>>();
}

#[test]
fn futures_and_bodies_stay_small() {
    assert!(size_of::<SendFuture<TestBody>>() <= 384);
    assert!(size_of::<UpstreamBody<TestBody>>() <= 64);
}

/// Answers on every connection, and counts them.
async fn serve(origin: Origin, connections: Arc<AtomicUsize>) {
    loop {
        let mut conversation = origin.accept().await;
        connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            loop {
                let mut peeked = [0];
                match conversation.stream().peek(&mut peeked).await {
                    Ok(1) => conversation.answer("yes").await,
                    _ => return,
                };
            }
        });
    }
}

async fn exchange_a_lot(pool: TestPool) -> usize {
    let origin = Origin::bind().await;
    let address = origin.address();
    let connections = Arc::new(AtomicUsize::new(0));
    let server = tokio::spawn(serve(origin, Arc::clone(&connections)));

    let clients: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    let response = send(&pool, address, get("/")).await.expect("answered");
                    assert_eq!(text(response).await, "yes");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no panic");
    }
    server.abort();
    connections.load(Ordering::Relaxed)
}

#[tokio::test]
async fn one_thread_opens_a_connection_for_each_client() {
    let connections = exchange_a_lot(pool()).await;

    assert!(connections <= 8, "{connections}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_share_a_pool() {
    let connections = exchange_a_lot(pool()).await;

    // A thread may find nothing idle where another has plenty, but not often for long.
    assert!(connections <= 8 * 5, "{connections}");
}

#[tokio::test]
async fn connections_go_with_the_last_pool() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (response, mut conversation) =
        tokio::join!(send(&pool, origin.address(), get("/")), async {
            let mut conversation = origin.accept().await;
            conversation.answer("yes").await;
            conversation
        });
    text(response.expect("answered")).await;
    assert_eq!(pool.clone().idle_connections(), 1);

    drop(pool);

    assert!(conversation.closed().await.is_empty());
}

#[tokio::test]
async fn busy_task_does_not_lose_a_wake_up() {
    let origin = Origin::bind().await;
    let address = origin.address();
    let server = tokio::spawn(serve(origin, Arc::default()));
    let pool = pool();

    // All in one task, which uses up its budget again and again.
    let requests = (0..500).map(|_| async {
        let response = send(&pool, address, get("/")).await.expect("answered");
        text(response).await
    });
    let texts = futures_util::future::join_all(requests).await;

    assert!(texts.iter().all(|text| text == "yes"));
    server.abort();
}
