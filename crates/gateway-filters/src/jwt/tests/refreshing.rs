//! How keys come, and stay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::{Empty, Full};
use tokio::time::{Instant, sleep};
use tower::{BoxError, service_fn};

use super::*;
use crate::guard::Guard;

type Reply = Result<(u16, String), &'static str>;

/// The task that refreshes, and what went wrong there.
type Refreshing = (tokio::task::JoinHandle<()>, Arc<Mutex<Vec<String>>>);

/// Answers of a server of keys, one after the other; the last one for ever.
#[derive(Clone)]
struct Server {
    answers: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Duration>>>,
    start: Instant,
}

impl Server {
    fn new(answers: impl IntoIterator<Item = Reply>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            asked: Arc::default(),
            start: Instant::now(),
        }
    }

    /// Refreshes keys from here; the failures are counted.
    fn serve(&self, source: &JwksSource) -> Refreshing {
        let how = JwksRefresh::new(Uri::from_static("https://login.example/keys"));
        self.serve_as(source, how)
    }

    fn serve_as(&self, source: &JwksSource, how: JwksRefresh) -> Refreshing {
        let server = self.clone();
        let client = service_fn(move |request: Request<Empty<Bytes>>| {
            assert_eq!(request.headers()["host"], "login.example");
            server
                .asked
                .lock()
                .expect("alone")
                .push(server.start.elapsed());
            let mut answers = server.answers.lock().expect("alone");
            let answer = match answers.len() {
                1 => answers[0].clone(),
                _ => answers.pop_front().expect("an answer"),
            };
            std::future::ready(answer.map_err(BoxError::from).map(|(status, text)| {
                let response = Response::builder().status(status);
                response.body(Full::<Bytes>::from(text)).expect("valid")
            }))
        });
        let failures = Arc::new(Mutex::new(Vec::new()));
        let failed = Arc::clone(&failures);
        let refresh = source.refresh(how, client, move |error: JwksNotFetched| {
            failed.lock().expect("alone").push(error.to_string());
        });
        (tokio::spawn(refresh), failures)
    }

    fn asked(&self) -> Vec<u64> {
        let asked = self.asked.lock().expect("alone");
        asked.iter().map(Duration::as_secs).collect()
    }
}

fn public(kid: &str) -> String {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x}]}).to_string()
}

fn names(source: &JwksSource) -> String {
    format!("{:?}", source.keys())
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_and_rotated() {
    let source = JwksSource::remote();
    let server = Server::new([Ok((200, public("a"))), Ok((200, public("b")))]);
    let (_task, _) = server.serve(&source);

    sleep(SECOND).await;
    assert_eq!(names(&source), "Some([Some(\"a\")])");

    sleep(300 * SECOND).await;
    assert_eq!(names(&source), "Some([Some(\"b\")])");
    assert_eq!(server.asked(), [0, 300]);
}

#[tokio::test(start_paused = true)]
async fn last_good_keys_stay_whatever_goes_wrong() {
    fastrand::seed(7);
    let source = JwksSource::remote();
    let secret = json!({"keys": [{"kty": "oct", "alg": "HS256", "k": "c2VjcmV0"}]});
    let server = Server::new([
        Ok((200, public("a"))),
        Err("no connection"),
        Ok((503, String::new())),
        Ok((200, "<html>".to_owned())),
        Ok((200, secret.to_string())),
        Ok((200, " ".repeat(2 << 20))),
        Ok((200, public("b"))),
    ]);
    let (_task, failures) = server.serve(&source);

    sleep(305 * SECOND).await;
    assert_eq!(names(&source), "Some([Some(\"a\")])");
    sleep(60 * SECOND).await;

    assert_eq!(names(&source), "Some([Some(\"b\")])");
    assert_eq!(
        *failures.lock().expect("alone"),
        [
            "the keys could not be fetched",
            "the server of the keys answered 503 Service Unavailable",
            "the keys cannot be read",
            "the keys cannot be read",
            "the keys are longer than 1048576 bytes",
        ]
    );
    // The pauses between failures grow.
    let asked = server.asked();
    assert!(asked[6] - asked[5] > asked[3] - asked[2], "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn key_that_is_not_known_is_fetched_sooner_but_not_at_once() {
    let source = JwksSource::remote();
    let jwt = Jwt::new(JwtProvider::new(ISSUER, source.clone()));
    let server = Server::new([Ok((200, public("a")))]);
    let (_task, _) = server.serve(&source);
    sleep(SECOND).await;

    for _ in 0..100 {
        assert!(jwt.check(&mut head(&token(&claims()))).is_err());
    }
    sleep(60 * SECOND).await;

    assert_eq!(server.asked(), [0, 10]);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_never_to_be_fetched_again_are_if_one_is_wanted() {
    let source = JwksSource::remote();
    let jwt = Jwt::new(JwtProvider::new(ISSUER, source.clone()));
    let server = Server::new([Ok((200, public("a")))]);
    let how = JwksRefresh::new(Uri::from_static("https://login.example/keys"));
    let (_task, failures) = server.serve_as(&source, how.with_interval(Duration::MAX));
    sleep(3_600 * SECOND).await;
    assert_eq!(server.asked(), [0]);

    assert!(jwt.check(&mut head(&token(&claims()))).is_err());
    sleep(SECOND).await;

    assert_eq!(server.asked(), [0, 3_600]);
    assert!(failures.lock().expect("alone").is_empty());
}

/// However rarely keys change.
#[tokio::test(start_paused = true)]
async fn server_that_is_back_is_found_within_half_a_minute() {
    for interval in [300 * SECOND, 86_400 * SECOND, Duration::MAX] {
        let source = JwksSource::remote();
        let server = Server::new([Err("no connection")]);
        let how = JwksRefresh::new(Uri::from_static("https://login.example/keys"));
        let (_task, _) = server.serve_as(&source, how.with_interval(interval));

        sleep(3_600 * SECOND).await;

        let asked = server.asked();
        let pauses = asked.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(pauses.max().expect("some") <= 31, "{asked:?}");
        assert!(asked.len() < 3_600 / 15 + 10, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn key_that_is_wanted_is_fetched_sooner_after_failures_too() {
    let source = JwksSource::remote();
    let jwt = Jwt::new(JwtProvider::new(ISSUER, source.clone()));
    let server = Server::new([Ok((200, public("a"))), Err("no connection")]);
    let (_task, _) = server.serve(&source);
    sleep(500 * SECOND).await;

    let before = server.asked().len();
    for _ in 0..100 {
        assert!(jwt.check(&mut head(&token(&claims()))).is_err());
        sleep(SECOND).await;
    }

    let asked = server.asked().split_off(before);
    let pauses: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.len() > 7, "{pauses:?}");
    assert!(
        pauses.iter().all(|pause| (10..12).contains(pause)),
        "{pauses:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_server_is_given_up() {
    let source = JwksSource::remote();
    let client = service_fn(|_: Request<Empty<Bytes>>| {
        std::future::pending::<Result<Response<Empty<Bytes>>, BoxError>>()
    });
    let failures = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::clone(&failures);
    let how = JwksRefresh::new(Uri::from_static("https://login.example/keys"));
    let refresh = source.refresh(
        how.with_timeout(2 * SECOND),
        client,
        move |error: JwksNotFetched| {
            failed.lock().expect("alone").push(error.to_string());
        },
    );

    assert!(
        tokio::time::timeout(2 * SECOND + SECOND / 10, refresh)
            .await
            .is_err()
    );

    assert_eq!(
        *failures.lock().expect("alone"),
        ["the keys were not there in time"]
    );
}

#[tokio::test(start_paused = true)]
async fn refreshing_ends_with_the_last_who_has_the_keys() {
    let source = JwksSource::remote();
    let server = Server::new([Ok((200, public("a")))]);
    let (task, _) = server.serve(&source);
    sleep(SECOND).await;

    drop(source);

    let ended = tokio::time::timeout(60 * SECOND, task).await;
    ended.expect("in time").expect("no panic");
}
