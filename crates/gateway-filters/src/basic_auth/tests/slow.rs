//! Passwords that take long to check.

use std::num::NonZeroUsize;
use std::time::Duration;

use http::{Response, StatusCode};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

use super::*;
use crate::answer_body::AnswerBody;
use crate::script::OnePlace;

/// `htpasswd -nbB` of ann with `secret` and, at another cost, of bob with `other`.
const FILE: &str = "ann:$2y$05$jfljD6OMPw7.3cAFZL3Sr.N1kEan0uoT6qCIEjBaEloDXIYcjA.ZO\n\
    bob:$2y$04$iuDheJVmierJAIbXsgsvh.HKiES3QPBKH/dA.VVvRQYuWrLk2miBm\n";

fn users() -> BasicAuth {
    BasicAuth::new("shop")
        .and_then(|auth| auth.with_htpasswd(FILE))
        .and_then(|auth| auth.with_user("quick", Password::plain("q")))
        .and_then(|auth| auth.with_user_header("x-user"))
        .expect("valid")
}

fn one_at_a_time(waiting: usize) -> Hashing {
    Hashing::new(NonZeroUsize::MIN, waiting)
}

/// The status, and who the backend was told it is.
async fn send(layer: &BasicAuthLayer, credentials: &str) -> (StatusCode, String) {
    let inner = service_fn(|request: Request<()>| async move {
        assert!(!request.headers().contains_key("authorization"));
        let user = request.headers()["x-user"].to_str()?.to_owned();
        Ok::<_, BoxError>(Response::new(user))
    });
    let request = Request::get("/").header("authorization", basic(credentials));
    let request = request.body(()).expect("valid");
    let response = layer.layer(inner).oneshot(request).await.expect("answered");
    let status = response.status();
    let user = response.map(AnswerBody::try_into_inner).into_body();
    (status, user.unwrap_or_default())
}

async fn status(layer: &BasicAuthLayer, credentials: &str) -> u16 {
    send(layer, credentials).await.0.as_u16()
}

/// Whether it can be said at once that they are right.
fn is_known(layer: &BasicAuthLayer, credentials: &str) -> bool {
    let head = head(&[&basic(credentials)]);
    matches!(
        layer.gate().decide(&head.headers),
        Decision::Now(Verdict::Pass(_))
    )
}

fn is_later(layer: &BasicAuthLayer, credentials: &str) -> bool {
    let head = head(&[&basic(credentials)]);
    matches!(layer.gate().decide(&head.headers), Decision::Later(_))
}

#[tokio::test]
async fn right_password_passes_and_is_known_from_then_on() {
    let layer = BasicAuthLayer::new(users());
    let clone = layer.clone();
    assert!(!is_known(&layer, "ann:secret"));

    assert_eq!(
        send(&layer, "ann:secret").await,
        (StatusCode::OK, "ann".to_owned())
    );
    assert_eq!(
        send(&layer, "bob:other").await,
        (StatusCode::OK, "bob".to_owned())
    );

    for layer in [&layer, &clone] {
        assert!(is_known(layer, "ann:secret"));
        assert!(is_known(layer, "bob:other"));
    }
    // With other settings nobody is known, whatever was before.
    assert!(!is_known(&BasicAuthLayer::new(users()), "ann:secret"));
}

#[tokio::test]
async fn wrong_password_is_challenged_and_never_known() {
    let layer = BasicAuthLayer::new(users());
    assert_eq!(status(&layer, "ann:secret").await, 200);

    for wrong in [
        "ann:other",
        "ann:",
        "bob:secret",
        "nobody:secret",
        ":",
        "ann:secret2",
    ] {
        assert_eq!(status(&layer, wrong).await, 401, "{wrong}");
        assert!(is_later(&layer, wrong), "{wrong}");
    }
    assert!(is_known(&layer, "ann:secret"));
}

#[test]
fn whoever_is_refused_is_refused_later() {
    let layer = BasicAuthLayer::new(users());

    // Users with a slow hash, without one, and nobody.
    for wrong in ["ann:x", "quick:x", "nobody:x"] {
        assert!(is_later(&layer, wrong), "{wrong}");
    }
    // Who is right need not wait for what others cost.
    assert!(is_known(&layer, "quick:q"));
    // A header that is none tells nothing of users.
    let none = layer.gate().decide(&head(&["Basic !!!"]).headers);
    assert!(matches!(none, Decision::Now(Verdict::Refuse)));
}

#[tokio::test]
async fn no_more_wait_than_may() {
    let hashing = one_at_a_time(1);
    let layer = BasicAuthLayer::with_hashing(users(), hashing.clone());
    let one = hashing.enter().expect("a place");
    let turn = one.turn().await;

    // One waits, the next one is told to come again; whoever is known never asks.
    let waiting = tokio::spawn({
        let layer = layer.clone();
        async move { status(&layer, "ann:secret").await }
    });
    while hashing.enter().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&layer, "bob:other").await, 503);
    assert_eq!(status(&layer, "quick:q").await, 200);

    drop(turn);
    assert_eq!(waiting.await.expect("no panic"), 200);
    assert_eq!(status(&layer, "bob:other").await, 200);
}

#[tokio::test]
async fn request_that_is_given_up_leaves_the_queue() {
    let hashing = one_at_a_time(1);
    let layer = BasicAuthLayer::with_hashing(users(), hashing.clone());
    let turn = hashing.enter().expect("a place").turn().await;

    let waiting = tokio::time::timeout(Duration::from_millis(1), status(&layer, "ann:secret"));
    assert!(waiting.await.is_err());

    assert!(hashing.enter().is_some());
    drop(turn);
    assert_eq!(status(&layer, "ann:secret").await, 200);
}

#[tokio::test]
async fn requests_of_one_page_compute_once() {
    let hashing = one_at_a_time(9);
    let layer = BasicAuthLayer::with_hashing(users(), hashing.clone());
    let turn = hashing.enter().expect("a place").turn().await;
    let page: Vec<_> = (0..9)
        .map(|_| {
            let layer = layer.clone();
            tokio::spawn(async move { status(&layer, "ann:secret").await })
        })
        .collect();
    while hashing.enter().is_some() {
        tokio::task::yield_now().await;
    }

    drop(turn);
    for status in page {
        assert_eq!(status.await.expect("no panic"), 200);
    }
    assert!(is_known(&layer, "ann:secret"));
}

#[test]
fn layers_that_share_a_hashing_share_its_bound() {
    let hashing = one_at_a_time(0);
    let _one = hashing.enter().expect("a place");

    assert!(hashing.clone().enter().is_none());
    assert!(Hashing::default().enter().is_some());
}

/// Whoever guesses takes no place from those who are known.
#[tokio::test]
async fn request_that_waits_keeps_no_place_of_the_service() {
    let hashing = one_at_a_time(1);
    let layer = BasicAuthLayer::with_hashing(users(), hashing.clone());
    let turn = hashing.enter().expect("a place").turn().await;
    let backend = OnePlace::new().map_request(|_: Request<()>| Request::new(()));
    let mut service = layer.layer(backend);
    let request = |credentials: &str| {
        let request = Request::get("/").header("authorization", basic(credentials));
        request.body(()).expect("valid")
    };

    assert_ready_ok!(spawn(service.ready()).poll());
    let mut waiting = spawn(service.call(request("ann:secret")));
    assert_pending!(waiting.poll());

    assert_ready_ok!(spawn(service.ready()).poll());
    let response = service.call(request("quick:q")).await.expect("answered");
    assert_eq!(response.status(), 200);

    drop(turn);
    assert_eq!(waiting.await.expect("answered").status(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In whatever order people come, they pass with their own password and no other.
    #[test]
    fn known_or_not_only_the_right_password_passes(
        order in prop::collection::vec(("ann|bob|quick|eve", "secret|other|q|"), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let layer = BasicAuthLayer::new(users());
        for (name, password) in order {
            let right = [("ann", "secret"), ("bob", "other"), ("quick", "q")];
            let right = right.contains(&(name.as_str(), password.as_str()));
            let status = runtime.block_on(status(&layer, &format!("{name}:{password}")));
            prop_assert_eq!(status, if right { 200 } else { 401 });
        }
    }
}
