//! Against a server of tonic's, in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::body::Body as GrpcBody;
use tonic_prost::ProstCodec;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::proto::{CurrentLimit, DescriptorStatus, OK, OVER_LIMIT};
use super::proto::{HeaderValue, RateLimitRequest, RateLimitResponse};
use super::*;
use crate::answer::Answer;
use crate::answer_body::AnswerBody;
use crate::retry::ReplayBody;

type Answered = Response<AnswerBody<Full<Bytes>>>;

/// A timeout and an origin.
type Told = (Option<String>, String);

/// A server that lets three requests of each user pass.
#[derive(Clone, Default)]
struct Server {
    counts: Arc<Mutex<HashMap<String, u32>>>,
    asked: Arc<Mutex<Vec<RateLimitRequest>>>,
    /// For how long each is waited for, as the server was told, and where they were sent.
    told: Arc<Mutex<Vec<Told>>>,
}

impl Server {
    fn decide(&self, request: RateLimitRequest) -> Result<RateLimitResponse, tonic::Status> {
        self.asked.lock().expect("alone").push(request.clone());
        let user = &request.descriptors[0].entries[0].value;
        match user.as_str() {
            "broken" => return Err(tonic::Status::unavailable("no memory")),
            "odd" => return Ok(RateLimitResponse::default()),
            _ => {}
        }
        let mut counts = self.counts.lock().expect("alone");
        let count = counts.entry(user.clone()).or_default();
        *count += 1;
        let add = |key: &str, value: &str| HeaderValue {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        Ok(RateLimitResponse {
            overall_code: if *count > 3 { OVER_LIMIT } else { OK },
            statuses: vec![DescriptorStatus {
                code: if *count > 3 { OVER_LIMIT } else { OK },
                current_limit: Some(CurrentLimit {
                    requests_per_unit: 3,
                }),
                limit_remaining: 3_u32.saturating_sub(*count),
                duration_until_reset: Some(proto::Duration {
                    seconds: 59,
                    nanos: 1,
                }),
            }],
            response_headers_to_add: vec![add("x-limited-by", "server")],
            request_headers_to_add: vec![add("x-counted", "yes")],
            raw_body: Vec::new(),
        })
    }

    async fn serve(self, request: Request<GrpcBody>) -> Result<Response<GrpcBody>, BoxError> {
        let path = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
        assert!(request.uri().path().ends_with(path));
        let time = request.headers().get("grpc-timeout");
        let time = time.map(|time| time.to_str().expect("ASCII").to_owned());
        let origin = request.uri().to_string().replace(path, "");
        self.told.lock().expect("alone").push((time, origin));
        let decide = service_fn(move |request: tonic::Request<RateLimitRequest>| {
            let answer = self.decide(request.into_inner());
            std::future::ready(answer.map(tonic::Response::new))
        });
        let codec = ProstCodec::<RateLimitResponse, RateLimitRequest>::default();
        Ok(tonic::server::Grpc::new(codec).unary(decide, request).await)
    }

    async fn send(&self, settings: GlobalRateLimit, user: Option<&str>) -> Answered {
        let server = self.clone();
        let client = service_fn(move |request| server.clone().serve(request));
        let backend = service_fn(|request: Request<ReplayBody<Full<Bytes>>>| {
            let counted = request.headers().contains_key("x-counted");
            let body = if counted { "counted" } else { "not counted" };
            std::future::ready(Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(body))))
        });
        let mut request = Request::get("/cart");
        if let Some(user) = user {
            request = request.header("x-user", user);
        }
        let service = GlobalRateLimitLayer::new(settings.ask(client)).layer(backend);
        let request = request.body(Full::<Bytes>::default()).expect("valid");
        service.oneshot(request).await.expect("answered")
    }
}

fn settings(on_failure: OnFailure) -> GlobalRateLimit {
    let by_user = Descriptor::new()
        .with_entry("user", "%REQ(x-user)%")
        .and_then(|descriptor| descriptor.with_entry("path", "%METHOD% %PATH%"))
        .expect("valid");
    GlobalRateLimit::new(
        "http://limits.example".parse().expect("a URI"),
        "shop",
        on_failure,
    )
    .with_descriptor(by_user)
}

#[tokio::test]
async fn service_is_told_how_long_it_is_waited_for() {
    let server = Server::default();
    for timeout in [Duration::from_millis(100), Duration::MAX] {
        let settings = settings(closed()).with_timeout(timeout);

        assert_eq!(server.send(settings, Some("ann")).await.status(), 200);
    }

    let told = server.told.lock().expect("alone");
    let times: Vec<_> = told.iter().map(|(time, _)| time.as_deref()).collect();
    assert_eq!(times, [Some("100000u"), None]);
}

#[tokio::test]
async fn service_is_found_by_any_origin() {
    for (origin, expected) in [
        ("http://limits.example", "http://limits.example"),
        (
            "https://limits.example:8443/",
            "https://limits.example:8443",
        ),
        ("http://limits.example/grpc", "http://limits.example/grpc"),
        ("limits.example:8081", "http://limits.example:8081"),
        ("/", ""),
        ("*", ""),
    ] {
        let server = Server::default();
        let mut settings = settings(closed());
        settings.origin = GlobalRateLimit::new(Uri::from_static(origin), "", closed()).origin;

        assert_eq!(server.send(settings, Some("ann")).await.status(), 200);
        assert_eq!(server.told.lock().expect("alone")[0].1, expected);
    }
}

fn closed() -> OnFailure {
    OnFailure::Deny(Answer::new(500).expect("a status"))
}

async fn text(response: Answered) -> Bytes {
    response
        .into_body()
        .collect()
        .await
        .expect("no error")
        .to_bytes()
}

#[tokio::test(start_paused = true)]
async fn limit_of_the_server_holds_for_each_user() {
    let server = Server::default();
    let mut statuses = Vec::new();
    for user in ["a", "b", "a", "a", "a", "b"] {
        statuses.push(
            server
                .send(settings(closed()), Some(user))
                .await
                .status()
                .as_u16(),
        );
    }

    assert_eq!(statuses, [200, 200, 200, 200, 429, 200]);
    let asked = server.asked.lock().expect("alone");
    assert_eq!(asked[0].domain, "shop");
    let entries = &asked[0].descriptors[0].entries;
    let entries: Vec<_> = entries
        .iter()
        .map(|e| (e.key.as_str(), e.value.as_str()))
        .collect();
    assert_eq!(entries, [("user", "a"), ("path", "GET /cart")]);
}

#[tokio::test(start_paused = true)]
async fn headers_say_what_is_left() {
    let server = Server::default();
    let settings = settings(closed()).with_headers(true);

    let passed = server.send(settings.clone(), Some("a")).await;
    assert_eq!(passed.headers()["ratelimit-limit"], "3");
    assert_eq!(passed.headers()["ratelimit-remaining"], "2");
    assert_eq!(passed.headers()["ratelimit-reset"], "60");
    assert_eq!(passed.headers()["x-limited-by"], "server");
    assert_eq!(text(passed).await, "counted");

    for _ in 0..2 {
        server.send(settings.clone(), Some("a")).await;
    }
    let refused = server.send(settings, Some("a")).await;
    assert_eq!(refused.headers()["ratelimit-remaining"], "0");
    assert_eq!(refused.headers()["x-limited-by"], "server");
    assert_eq!(text(refused).await, "rate limit exceeded");
}

#[test]
fn of_limits_with_nothing_left_the_one_that_was_exceeded_is_told() {
    let status = |code, requests_per_unit, limit_remaining, seconds| DescriptorStatus {
        code,
        current_limit: Some(CurrentLimit { requests_per_unit }),
        limit_remaining,
        duration_until_reset: Some(proto::Duration { seconds, nanos: 0 }),
    };
    let told = |statuses: Vec<_>, more: Vec<HeaderValue>| {
        let answer = RateLimitResponse {
            overall_code: OVER_LIMIT,
            statuses,
            response_headers_to_add: more,
            ..RateLimitResponse::default()
        };
        let verdict = settings(closed()).with_headers(true).verdict(answer);
        let Ok(crate::inquiry::Verdict::Deny(refusal)) = verdict else {
            panic!("{verdict:?}");
        };
        refusal.headers().clone()
    };
    let statuses = vec![
        status(OK, 9, 0, 5),
        status(OVER_LIMIT, 8, 0, 3),
        status(OVER_LIMIT, 7, 0, 4),
        status(OK, 6, 1, 9),
    ];

    let headers = told(statuses.clone(), Vec::new());
    assert_eq!(headers["ratelimit-limit"], "7");
    assert_eq!(headers["ratelimit-reset"], "4");

    let of_its_own = HeaderValue {
        key: "RateLimit-Limit".to_owned(),
        value: "7, 7;w=60".to_owned(),
    };
    let headers = told(statuses, vec![of_its_own]);
    let limits: Vec<_> = headers.get_all("ratelimit-limit").iter().collect();
    assert_eq!(limits, ["7, 7;w=60"]);
    assert!(!headers.contains_key("ratelimit-reset"));
}

/// A yes with a header that HTTP cannot carry is none; a no stays one, without it.
#[test]
fn refusal_is_one_whatever_is_wrong_with_it() {
    let add = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    let answer = |overall_code| RateLimitResponse {
        overall_code,
        response_headers_to_add: vec![add("a b", "c"), add("x-a", "b\nc"), add("x-b", "c")],
        ..RateLimitResponse::default()
    };
    let settings = settings(OnFailure::Allow);

    assert!(settings.verdict(answer(OK)).is_err());
    let Ok(crate::inquiry::Verdict::Deny(refusal)) = settings.verdict(answer(OVER_LIMIT)) else {
        panic!("not refused");
    };
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.headers()["x-b"], "c");
    assert!(!refusal.headers().contains_key("x-a"));
}

#[tokio::test(start_paused = true)]
async fn request_that_cannot_be_described_is_not_counted() {
    let server = Server::default();

    let response = server.send(settings(closed()), None).await;

    assert_eq!(text(response).await, "not counted");
    assert!(server.asked.lock().expect("alone").is_empty());
}

#[tokio::test(start_paused = true)]
async fn failure_is_what_was_chosen() {
    let server = Server::default();

    for user in ["broken", "odd"] {
        let refused = server.send(settings(closed()), Some(user)).await;
        assert_eq!(refused.status(), 500);
        let passed = server.send(settings(OnFailure::Allow), Some(user)).await;
        assert_eq!(passed.status(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_server_is_not_waited_for() {
    let client = service_fn(|_: Request<GrpcBody>| {
        std::future::pending::<Result<Response<GrpcBody>, BoxError>>()
    });
    let backend = service_fn(|_: Request<ReplayBody<Full<Bytes>>>| async {
        Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("backend")))
    });
    let service = GlobalRateLimitLayer::new(settings(OnFailure::Allow).ask(client)).layer(backend);
    let start = Instant::now();

    let request = Request::get("/")
        .header("x-user", "a")
        .body(Full::<Bytes>::default())
        .expect("valid");
    let response = service.oneshot(request).await.expect("answered");

    assert_eq!(response.status(), 200);
    assert!(start.elapsed() <= Duration::from_millis(101));
}

#[test]
fn descriptors_are_checked() {
    assert_eq!(
        Descriptor::new().with_entry("", "x"),
        Err(InvalidDescriptor::Key)
    );
    assert!(Descriptor::new().with_entry("x", "%NAME%").is_err());
}
