//! What the service is asked, and what its answers mean.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::*;
use crate::answer::{Answer, AnsweredHere};
use crate::answer_body::AnswerBody;
use crate::client_address::ClientAddress;
use crate::framing::SENDERS;
use crate::retry::ReplayBody;
use crate::script::{Script, Step, data};

type Reply = Result<Response<Full<Bytes>>, BoxError>;
type Answered = Response<AnswerBody<Full<Bytes>>>;

fn auth() -> ExtAuth {
    ExtAuth::new("http://auth.example:8080/check/".parse().expect("a URI"))
        .with_header_to_backend("x-user")
        .and_then(|auth| auth.with_header_to_client("set-cookie"))
        .expect("names")
}

fn request() -> Request<Full<Bytes>> {
    let request = Request::put("/cart?item=1")
        .header("host", "shop.example")
        .header("authorization", "Bearer t")
        .header("x-user", "root")
        .header("x-secret", "not told")
        .extension(ClientAddress(IpAddr::from([203, 0, 113, 1])));
    request.body(Full::default()).expect("valid")
}

/// Sends a request through the filter; with what the backend saw, if it was reached.
async fn send<F>(auth: ExtAuth, answer: F) -> (Answered, Option<HeaderMap>)
where
    F: Fn(Request<Full<Bytes>>) -> Reply,
    F: Clone + Send + 'static,
{
    send_on(auth, request(), answer).await
}

async fn send_on<F>(
    auth: ExtAuth,
    request: Request<Full<Bytes>>,
    answer: F,
) -> (Answered, Option<HeaderMap>)
where
    F: Fn(Request<Full<Bytes>>) -> Reply,
    F: Clone + Send + 'static,
{
    let authority = service_fn(move |asked| std::future::ready(answer(asked)));
    let seen = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&seen);
    let backend = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        *noted.lock().expect("alone") = Some(request.headers().clone());
        std::future::ready(Ok::<_, BoxError>(Response::new(Full::from(
            "from the backend",
        ))))
    });
    let service = ExtAuthLayer::new(auth.ask(authority)).layer(backend);
    let response = service.oneshot(request).await.expect("answered");
    let seen = seen.lock().expect("alone").take();
    (response, seen)
}

fn answer(status: u16) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("set-cookie", "a=1")
        .header("location", "/login")
        .header("connection", "close")
        .header("content-length", "2");
    response.body(Full::from("no")).expect("valid")
}

#[tokio::test(start_paused = true)]
async fn service_is_asked_about_the_request() {
    let (response, _) = send(auth(), |asked| {
        assert_eq!(asked.method(), "PUT");
        assert_eq!(asked.uri(), "http://auth.example:8080/check/cart?item=1");
        let header = |name: &str| asked.headers().get(name).map(|v| v.to_str().expect("text"));
        assert_eq!(header("host"), Some("auth.example:8080"));
        assert_eq!(header("authorization"), Some("Bearer t"));
        assert_eq!(header("x-forwarded-method"), Some("PUT"));
        assert_eq!(header("x-forwarded-host"), Some("shop.example"));
        assert_eq!(header("x-forwarded-uri"), Some("/cart?item=1"));
        assert_eq!(header("x-forwarded-for"), Some("203.0.113.1"));
        assert_eq!(header("x-secret"), None);
        Ok(answer(200))
    })
    .await;

    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn favourable_answer_tells_backend_and_client() {
    let (response, seen) = send(auth(), |_| {
        let mut answer = answer(204);
        answer.headers_mut().insert("x-user", "alice".parse()?);
        Ok(answer)
    })
    .await;

    let seen = seen.expect("reached");
    assert_eq!(seen["x-user"], "alice");
    assert!(!seen.contains_key("set-cookie") && !seen.contains_key("content-length"));
    assert_eq!(response.headers()["set-cookie"], "a=1");
    assert!(!response.headers().contains_key("location"));
}

#[tokio::test(start_paused = true)]
async fn headers_of_the_backend_stay_unless_the_answer_has_them() {
    let authority = service_fn(|_: Request<Full<Bytes>>| async {
        let mut answer = answer(200);
        answer.headers_mut().insert("x-tier", "gold".parse()?);
        Ok::<_, BoxError>(answer)
    });
    let backend = service_fn(|_: Request<ReplayBody<Full<Bytes>>>| async {
        let response = Response::builder()
            .header("x-tier", "none")
            .header("x-cache", "hit")
            .header("set-cookie", "b=2");
        Ok::<_, BoxError>(response.body(Full::<Bytes>::default())?)
    });
    let auth = ["x-tier", "x-tier", "x-cache"]
        .into_iter()
        .try_fold(auth(), ExtAuth::with_header_to_client)
        .expect("names");

    let service = ExtAuthLayer::new(auth.ask(authority)).layer(backend);
    let response = service.oneshot(request()).await.expect("answered");

    let values = |name: &str| Vec::from_iter(response.headers().get_all(name).iter().cloned());
    assert_eq!(values("x-tier"), ["gold"]);
    assert_eq!(values("x-cache"), ["hit"]);
    assert_eq!(values("set-cookie"), ["b=2", "a=1"]);
}

/// Nobody is who the client says.
#[tokio::test(start_paused = true)]
async fn what_the_client_sent_in_those_headers_is_removed() {
    let (_, seen) = send(auth(), |_| Ok(answer(200))).await;

    assert!(!seen.expect("reached").contains_key("x-user"));
}

#[tokio::test(start_paused = true)]
async fn unfavourable_answer_reaches_the_client() {
    for status in [302, 401, 403, 404, 429] {
        let (response, seen) = send(auth(), move |_| Ok(answer(status))).await;

        assert!(seen.is_none());
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["location"], "/login");
        assert_eq!(response.headers()["set-cookie"], "a=1");
        assert!(!response.headers().contains_key("connection"));
        assert!(!response.headers().contains_key("content-length"));
        assert!(response.extensions().get::<AnsweredHere>().is_none());
        let body = response.into_body().collect().await.expect("no error");
        assert_eq!(body.to_bytes(), "no");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_refused_unless_allowed() {
    let failures: [fn() -> Reply; 2] = [|| Err("no connection".into()), || Ok(answer(503))];

    for failure in failures {
        let (refused, seen) = send(auth(), move |_| failure()).await;
        assert_eq!((refused.status().as_u16(), seen), (403, None));

        let open = auth().with_on_failure(OnFailure::Allow);
        let (passed, seen) = send(open, move |_| failure()).await;
        assert_eq!(passed.status(), 200);
        let seen = seen.expect("reached");
        assert_eq!(seen["x-secret"], "not told");
        assert!(!seen.contains_key("x-user"));
    }
}

/// A body that is too long, breaks off, or never ends.
#[tokio::test(start_paused = true)]
async fn refusal_is_one_whatever_becomes_of_its_body() {
    let bodies: [fn() -> Script; 3] = [
        || Script::new([Step::Data(vec![0; 99_999].into())]),
        || Script::new([data("begun"), Step::Error]),
        || Script::new([data("begun"), Step::Hang]),
    ];
    let late = Answer::new(504).expect("a status");

    for body in bodies {
        for on_failure in [OnFailure::Allow, OnFailure::Deny(late.clone())] {
            for status in [302, 401, 403] {
                let authority = service_fn(move |_: Request<Full<Bytes>>| async move {
                    let refusal = Response::builder()
                        .status(status)
                        .header("location", "/login")
                        .header("content-encoding", "gzip");
                    Ok::<_, BoxError>(refusal.body(body())?)
                });
                let backend = service_fn(|_: Request<ReplayBody<Full<Bytes>>>| async {
                    Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("not reached")))
                });
                let auth = auth().with_on_failure(on_failure.clone());
                let service = ExtAuthLayer::new(auth.ask(authority)).layer(backend);
                let response = service.oneshot(request()).await.expect("answered");

                assert_eq!(response.status().as_u16(), status);
                assert_eq!(response.headers()["location"], "/login");
                assert!(!response.headers().contains_key("content-encoding"));
                assert!(response.extensions().get::<AnsweredHere>().is_some());
                let body = response.into_body().collect().await.expect("no error");
                assert!(body.to_bytes().is_empty());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_service_is_a_failure() {
    let authority = service_fn(|_: Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, BoxError>>()
    });
    let backend = service_fn(|_: Request<ReplayBody<Full<Bytes>>>| async {
        Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("not reached")))
    });
    let late = Answer::new(504).expect("a status");
    let auth = auth()
        .with_timeout(Duration::from_millis(200))
        .with_on_failure(OnFailure::Deny(late));
    let start = Instant::now();

    let service = ExtAuthLayer::new(auth.ask(authority)).layer(backend);
    let response = service.oneshot(request()).await.expect("answered");

    assert_eq!(response.status(), 504);
    assert!(start.elapsed() < Duration::from_millis(210));
}

#[tokio::test(start_paused = true)]
async fn body_is_shown_with_what_it_takes_to_read_it() {
    for (limit, longer, shown, partial) in [
        (9, None, "item=1&n=", "true"),
        (10, None, "item=1&n=2", "false"),
        (10, Some(()), "item=1&n=2", "false"),
    ] {
        let body = ForwardBody::new(limit.try_into().expect("not zero"));
        let body = match longer {
            None => body.with_longer(Longer::Cut),
            Some(()) => body,
        };
        let auth = auth().with_forwarded_body(body);
        let mut request = request().map(|_| Full::from("item=1&n=2"));
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", "10"),
            ("x-envoy-auth-partial-body", "forged"),
        ] {
            let value = http::HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }

        let (response, _) = send_on(auth, request, move |asked| {
            let header = |name: &str| asked.headers().get(name).map(|v| v.to_str().expect("text"));
            assert_eq!(header("content-type"), Some("text/plain"));
            assert_eq!(header("x-envoy-auth-partial-body"), Some(partial));
            // That of the body which is sent is for whoever sends it.
            assert_eq!(header("content-length"), None);
            let body = tokio_test::task::spawn(asked.into_body().collect()).poll();
            let body = tokio_test::assert_ready_ok!(body).to_bytes();
            assert_eq!(body, shown);
            Ok(answer(200))
        })
        .await;

        assert_eq!(response.status(), 200);
    }
}

/// As long as a target may be, which with the service's own path is too long.
#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_another_path() {
    let mut long = request();
    let target = "/".to_owned() + &"x".repeat(usize::from(u16::MAX) - 2);
    *long.uri_mut() = target.parse().expect("a URI");
    let open = auth().with_on_failure(OnFailure::Allow);

    let asked = |_| panic!("asked about another path");
    let (response, seen) = send_on(open, long, asked).await;

    assert_eq!((response.status().as_u16(), seen), (414, None));
}

#[tokio::test(start_paused = true)]
async fn service_is_found_by_an_authority_alone() {
    let auth = ExtAuth::new(http::Uri::from_static("auth.example:8080"));

    let (response, _) = send(auth, |asked| {
        assert_eq!(asked.uri(), "http://auth.example:8080/cart?item=1");
        Ok(answer(200))
    })
    .await;

    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn cookies_that_http2_has_spread_are_told_in_one_field() {
    let mut request = request();
    for cookie in ["a=1", "b=2; c=3"] {
        let cookie = http::HeaderValue::from_static(cookie);
        request.headers_mut().append("cookie", cookie);
    }

    let (response, _) = send_on(auth(), request, |asked| {
        let cookies: Vec<_> = asked.headers().get_all("cookie").iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
        Ok(answer(200))
    })
    .await;

    assert_eq!(response.status(), 200);
}

#[test]
fn names_are_checked() {
    for name in SENDERS.into_iter().chain(["a b", "proxy-authorization"]) {
        assert!(auth().with_header_to_authority(name).is_err(), "{name}");
        assert!(auth().with_header_to_backend(name).is_err(), "{name}");
        assert!(auth().with_header_to_client(name).is_err(), "{name}");
    }
    assert_eq!(auth(), auth());
}
