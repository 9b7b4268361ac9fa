//! HTTP/2 connections that are opened before there are requests.

use std::time::Duration;

use futures_util::future::join_all;

use super::http2::{accept, echo};
use super::http2_limits::send;
use super::limits::{apart, limit};
use super::origin::{Nobody, Origin};
use super::{TestPool, pool, settle, text};
use crate::connections::ConnectionSettings;
use crate::pool::{Destination, Protocol};

fn warm(pool: &TestPool, to: &Destination) {
    pool.warm(to.clone(), Protocol::Http2);
}

/// So many warm connections, without a limit and with one.
fn warmed(connections: usize) -> [ConnectionSettings; 2] {
    let settings = ConnectionSettings::new().with_warm(connections);
    let limited = settings.clone().with_limit(limit(3));
    [settings, limited]
}

#[tokio::test]
async fn warm_connections_are_there_before_requests_and_are_used() {
    for settings in warmed(2) {
        let (origin, pool) = (Origin::bind().await, pool());
        let to = apart(origin.address(), settings);

        warm(&pool, &to);
        warm(&pool, &to);
        let _backends = [
            tokio::spawn(echo(accept(&origin, 100).await)),
            tokio::spawn(echo(accept(&origin, 100).await)),
        ];
        settle().await;
        warm(&pool, &to);
        assert!(origin.is_left_alone().await);
        assert_eq!((pool.counts().opened, pool.counts().reused), (2, 0));

        let answered = join_all((0..10).map(|_| send(&pool, &to, "/used"))).await;
        for response in answered {
            assert_eq!(text(response.expect("answered")).await, "/used");
        }
        assert_eq!((pool.counts().opened, pool.counts().reused), (2, 10));
    }
}

#[tokio::test]
async fn warm_connection_that_ends_is_replaced() {
    for settings in warmed(1) {
        let (origin, pool) = (Origin::bind().await, pool());
        let to = apart(origin.address(), settings);
        warm(&pool, &to);
        let first = accept(&origin, 100).await;
        settle().await;

        drop(first);
        settle().await;
        pool.sweep();
        warm(&pool, &to);

        let _second = tokio::spawn(echo(accept(&origin, 100).await));
        let response = send(&pool, &to, "/").await.expect("answered");
        assert_eq!(text(response).await, "/");
        assert_eq!(pool.counts().opened, 2);
    }
}

#[tokio::test]
async fn warm_connection_that_is_too_old_is_replaced() {
    for settings in warmed(1) {
        let (origin, pool) = (Origin::bind().await, pool());
        let age = Duration::from_secs(600);
        let to = apart(origin.address(), settings.with_max_age(age));
        warm(&pool, &to);
        let first = tokio::spawn(echo(accept(&origin, 100).await));
        settle().await;
        warm(&pool, &to);
        assert!(origin.is_left_alone().await);

        tokio::time::pause();
        tokio::time::advance(age).await;
        tokio::time::resume();
        pool.sweep();
        warm(&pool, &to);

        first.await.expect("the old one ends");
        let _second = tokio::spawn(echo(accept(&origin, 100).await));
        let response = send(&pool, &to, "/").await.expect("answered");
        assert_eq!(text(response).await, "/");
        assert_eq!(pool.counts().opened, 2);
    }
}

#[tokio::test]
async fn warm_connections_stay_within_the_limit() {
    let (origin, pool) = (Origin::bind().await, pool());
    let settings = ConnectionSettings::new().with_limit(limit(2)).with_warm(5);
    let to = apart(origin.address(), settings);

    for _ in 0..3 {
        warm(&pool, &to);
        settle().await;
    }

    let _both = (accept(&origin, 100).await, accept(&origin, 100).await);
    settle().await;
    assert!(origin.is_left_alone().await);
    assert_eq!(pool.counts().opened, 2);
}

#[tokio::test]
async fn warm_up_pauses_where_nobody_listens() {
    for settings in warmed(3) {
        let (nobody, pool) = (Nobody::bind(), pool());
        let to = apart(nobody.address(), settings);

        for _ in 0..20 {
            warm(&pool, &to);
            settle().await;
        }

        assert_eq!(pool.counts().failed, 3);
    }
}
