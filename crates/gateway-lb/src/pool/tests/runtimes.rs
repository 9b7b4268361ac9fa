//! Threads, and what may cross them.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;

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

/// Answers with the path of each request, in several pieces.
async fn echo_paths(origin: Origin) {
    loop {
        let mut conversation = origin.accept().await;
        tokio::spawn(async move {
            while let Some(head) = conversation.next_head().await {
                let path = head.split(' ').nth(1).expect("a path").to_owned();
                let (first, second) = path.split_at(path.len() / 2);
                let length = path.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{first}");
                if !conversation.try_say(&answer).await {
                    return;
                }
                tokio::task::yield_now().await;
                if !conversation.try_say(second).await {
                    return;
                }
            }
        });
    }
}

/// Gives up on some requests before their response, and on some in its midst.
async fn impatient(pool: TestPool, address: SocketAddr, client: usize) -> usize {
    let mut complete = 0;
    for number in 0..60 {
        let path = format!("/{client}/{number}");
        let mut sending = send(&pool, address, get(&path));
        let patience = fastrand::usize(0..8);
        let mut response = None;
        for _ in 0..patience {
            if let Some(answered) = (&mut sending).now_or_never() {
                response = Some(answered.expect("answered"));
                break;
            }
            tokio::task::yield_now().await;
        }
        if response.is_none() && patience > 4 {
            response = Some(sending.await.expect("answered"));
        }
        if let Some(response) = response
            && fastrand::u8(..) > 64
        {
            assert_eq!(text(response).await, path, "somebody else's response");
            complete += 1;
        }
    }
    complete
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_gets_the_response_to_a_request_given_up() {
    let origin = Origin::bind().await;
    let address = origin.address();
    let server = tokio::spawn(echo_paths(origin));
    let pool = pool();

    let clients: Vec<_> = (0..16)
        .map(|client| tokio::spawn(impatient(pool.clone(), address, client)))
        .collect();
    let mut complete = 0;
    for client in clients {
        complete += client.await.expect("no panic");
    }

    assert!(complete > 100, "{complete}");
    server.abort();
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
async fn task_without_budget_does_not_lose_a_wake_up() {
    // So that the budget runs out at every point of the poll that finds the response.
    for left in 0..16 {
        let (origin, pool) = (Origin::bind().await, pool());
        let mut sending = send(&pool, origin.address(), get("/"));
        let backend = tokio::spawn(async move {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            // The codec reads on only when somebody takes what there is.
            conversation
                .say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
                .await;
            conversation.closed().await
        });
        let mut polls = 0;
        let response = poll_fn(|cx| {
            polls += 1;
            // Every other time, for without any budget nothing would ever move.
            if polls % 2 == 0 {
                spend_budget(left, cx);
            }
            sending.poll_unpin(cx)
        });
        // The alarm would poll it again, and find the response after all.
        tokio::select! {
            biased;
            () = tokio::time::sleep(Duration::from_secs(5)) => panic!("asleep with {left} left"),
            response = response => assert!(response.is_ok()),
        }
        backend.abort();
    }
}

/// Leaves `left` of the 128 steps that a task may take at a time.
fn spend_budget(left: usize, cx: &mut Context<'_>) {
    for _ in left..128 {
        let _: Poll<()> = pin!(tokio::task::coop::consume_budget()).poll(cx);
    }
}
