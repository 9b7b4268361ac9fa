//! Which connections are used again.

use std::time::Duration;

use tokio::join;

use super::origin::{Conversation, Origin};
use super::{TestPool, empty, full, get, pool, request, send, settle, text};
use crate::pool::{Pool, PoolSettings, UpstreamErrorKind};

/// Opens a connection and leaves it idle.
async fn warm(pool: &TestPool, origin: &Origin) -> Conversation {
    let (response, conversation) = join!(send(pool, origin.address(), get("/warm")), async {
        let mut conversation = origin.accept().await;
        conversation.answer("warm").await;
        conversation
    });
    text(response.expect("answered")).await;
    conversation
}

/// Opens two connections, of which the one returned second was used last.
async fn warm_two(pool: &TestPool, origin: &Origin) -> (Conversation, Conversation) {
    let (first, second, conversations) = join!(
        send(pool, origin.address(), get("/one")),
        send(pool, origin.address(), get("/two")),
        async {
            let mut one = origin.accept().await;
            one.answer("one").await;
            let mut two = origin.accept().await;
            two.answer("two").await;
            (one, two)
        }
    );
    let (first, second) = (first.expect("answered"), second.expect("answered"));
    let (one, two) = conversations;
    let first = text(first).await;
    text(second).await;
    if first == "one" {
        (one, two)
    } else {
        (two, one)
    }
}

#[tokio::test]
async fn connection_is_used_again() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut conversation = warm(&pool, &origin).await;
    assert_eq!(pool.idle_connections(), 1);

    for round in 0..10 {
        let (response, head) = join!(
            send(&pool, origin.address(), request("POST", "/", full("body"))),
            async {
                let head = conversation.answer(&round.to_string()).await;
                assert_eq!(conversation.exactly(4).await, b"body");
                head
            }
        );
        assert!(head.contains("content-length: 4\r\n"), "{head}");
        assert_eq!(text(response.expect("answered")).await, round.to_string());
    }

    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn connection_gets_no_more_requests_than_it_may() {
    let settings = PoolSettings::new().with_max_requests_per_connection(2.try_into().unwrap());
    let (origin, pool) = (Origin::bind().await, Pool::new(settings));
    let mut conversation = warm(&pool, &origin).await;
    assert_eq!(pool.idle_connections(), 1);

    let (response, _) = join!(
        send(&pool, origin.address(), get("/second")),
        conversation.answer("second")
    );
    assert_eq!(text(response.expect("answered")).await, "second");

    assert_eq!(pool.idle_connections(), 0);
    warm(&pool, &origin).await;
}

#[tokio::test]
async fn connection_that_is_too_old_is_not_kept() {
    let settings = PoolSettings::new().with_max_connection_age(Duration::ZERO);
    let (origin, pool) = (Origin::bind().await, Pool::new(settings));

    warm(&pool, &origin).await;

    assert_eq!(pool.idle_connections(), 0);
}

#[tokio::test]
async fn last_connection_in_is_the_first_out() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (_one, mut two) = warm_two(&pool, &origin).await;
    assert_eq!(pool.idle_connections(), 2);

    let (response, _) = join!(send(&pool, origin.address(), get("/")), two.answer("two"));

    assert_eq!(text(response.expect("answered")).await, "two");
}

#[tokio::test]
async fn request_on_a_closed_connection_is_sent_on_another() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (mut one, two) = warm_two(&pool, &origin).await;
    drop(two);
    settle().await;

    let (response, head) = join!(
        send(&pool, origin.address(), request("POST", "/", full("once"))),
        async {
            let head = one.answer("one").await;
            assert_eq!(one.exactly(4).await, b"once");
            head
        }
    );

    assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    assert_eq!(text(response.expect("answered")).await, "one");
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn request_on_a_reset_connection_is_sent_on_another() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (mut one, mut two) = warm_two(&pool, &origin).await;
    socket2::SockRef::from(&*two.stream())
        .set_linger(Some(Duration::ZERO))
        .expect("an option");
    drop(two);
    settle().await;

    let (response, _) = join!(send(&pool, origin.address(), get("/")), one.answer("one"));

    assert_eq!(text(response.expect("answered")).await, "one");
}

#[tokio::test]
async fn request_on_closed_connections_only_is_sent_on_a_new_one() {
    let (origin, pool) = (Origin::bind().await, pool());
    drop(warm_two(&pool, &origin).await);
    settle().await;

    let (response, _) = join!(send(&pool, origin.address(), get("/")), async {
        origin.accept().await.answer("new").await
    });

    assert_eq!(text(response.expect("answered")).await, "new");
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn request_that_was_written_is_not_sent_again() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut conversation = warm(&pool, &origin).await;

    let (response, ()) = join!(send(&pool, origin.address(), get("/twice")), async {
        conversation.head().await;
        drop(conversation);
    });

    let error = response.expect_err("closed");
    assert_eq!(error.kind(), UpstreamErrorKind::Closed);
    assert!(!error.is_unsent());
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn bytes_behind_a_response_reach_nobody() {
    let responses = [
        ("GET", "200 OK\r\ncontent-length: 4\r\n\r\ngood"),
        (
            "GET",
            "200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
        ),
        ("GET", "204 No Content\r\n\r\n"),
        ("GET", "304 Not Modified\r\ncontent-length: 4\r\n\r\n"),
        ("HEAD", "200 OK\r\ncontent-length: 4\r\n\r\n"),
    ];
    let behind = [
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "\0",
        "x",
    ];

    for ((method, answer), behind) in responses
        .iter()
        .flat_map(|response| behind.map(|behind| (*response, behind)))
    {
        let (origin, pool) = (Origin::bind().await, pool());
        let sending = send(&pool, origin.address(), request(method, "/", empty()));
        let (response, _conversation) = join!(sending, async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation.say(format!("HTTP/1.1 {answer}{behind}")).await;
            conversation
        });

        let body = text(response.expect("answered")).await;
        assert!(body.is_empty() || body == "good", "{answer}");
        assert_eq!(pool.idle_connections(), 0, "{answer} {behind:?}");
    }
}

#[tokio::test]
async fn bytes_on_an_idle_connection_reach_nobody() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut conversation = warm(&pool, &origin).await;
    conversation
        .say("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        .await;
    settle().await;

    let (response, _) = join!(send(&pool, origin.address(), get("/")), async {
        origin.accept().await.answer("good").await
    });

    assert_eq!(text(response.expect("answered")).await, "good");
    assert!(conversation.closed().await.is_empty());
}

#[tokio::test]
async fn backend_that_wants_to_close_is_not_kept() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, conversation) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
            .await;
        conversation
    });

    assert_eq!(text(response.expect("answered")).await, "ok");
    assert_eq!(pool.idle_connections(), 0);
    drop(conversation);
}

#[tokio::test]
async fn sweep_closes_what_was_idle_for_too_long() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut conversation = warm(&pool, &origin).await;
    tokio::time::pause();

    tokio::time::advance(Duration::from_secs(29)).await;
    pool.sweep();
    assert_eq!(pool.idle_connections(), 1);

    tokio::time::advance(Duration::from_secs(2)).await;
    pool.sweep();
    assert_eq!(pool.idle_connections(), 0);
    assert!(conversation.closed().await.is_empty());
}

#[tokio::test]
async fn sweep_closes_what_the_backend_closed() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (one, _two) = warm_two(&pool, &origin).await;
    drop(one);
    settle().await;

    pool.sweep();

    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn idle_connection_is_not_used_after_its_time_even_without_a_sweep() {
    let (origin, pool) = (Origin::bind().await, pool());
    let _conversation = warm(&pool, &origin).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();

    let (response, _) = join!(send(&pool, origin.address(), get("/")), async {
        origin.accept().await.answer("new").await
    });

    assert_eq!(text(response.expect("answered")).await, "new");
}

#[tokio::test]
async fn giving_back_sweeps_now_and_then() {
    let (origin, other, pool) = (Origin::bind().await, Origin::bind().await, pool());
    let _forgotten = warm(&pool, &other).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();

    let _conversation = warm(&pool, &origin).await;

    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn idle_connections_have_a_limit() {
    let settings = PoolSettings::new().with_max_idle_per_endpoint(1);
    let (origin, pool) = (Origin::bind().await, Pool::new(settings));

    let (_one, mut two) = warm_two(&pool, &origin).await;

    assert_eq!(pool.idle_connections(), 1);
    assert!(two.closed().await.is_empty());
}

#[tokio::test]
async fn endpoints_do_not_share_connections() {
    let (origin, other, pool) = (Origin::bind().await, Origin::bind().await, pool());
    let _conversation = warm(&pool, &origin).await;

    let (response, _) = join!(send(&pool, other.address(), get("/")), async {
        other.accept().await.answer("other").await
    });

    assert_eq!(text(response.expect("answered")).await, "other");
}
