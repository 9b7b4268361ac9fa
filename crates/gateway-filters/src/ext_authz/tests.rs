//! Against a server of tonic's, in this process.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tonic::body::Body as GrpcBody;
use tonic_prost::ProstCodec;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::proto::*;
use super::*;
use crate::answer::AnsweredHere;
use crate::answer_body::AnswerBody;
use crate::client_address::ClientAddress;
use crate::retry::ReplayBody;

type Checked = Result<CheckResponse, tonic::Status>;
type Answered = Response<AnswerBody<Full<Bytes>>>;

/// A server that answers every question with `answer`, and keeps them.
#[derive(Clone)]
struct Authority {
    answer: Arc<dyn Fn() -> Checked + Send + Sync>,
    asked: Arc<Mutex<Vec<CheckRequest>>>,
}

impl Authority {
    fn new(answer: impl Fn() -> Checked + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            asked: Arc::default(),
        }
    }

    async fn serve(self, request: Request<GrpcBody>) -> Result<Response<GrpcBody>, BoxError> {
        assert_eq!(
            request.uri(),
            "http://auth.example/envoy.service.auth.v3.Authorization/Check"
        );
        let check = service_fn(move |request: tonic::Request<CheckRequest>| {
            self.asked.lock().expect("alone").push(request.into_inner());
            std::future::ready((self.answer)().map(tonic::Response::new))
        });
        let codec = ProstCodec::<CheckResponse, CheckRequest>::default();
        Ok(tonic::server::Grpc::new(codec).unary(check, request).await)
    }

    async fn send(&self, settings: ExtAuthz) -> (Answered, Option<HeaderMap>) {
        self.send_on(settings, request()).await
    }

    async fn send_on(
        &self,
        settings: ExtAuthz,
        request: Request<Full<Bytes>>,
    ) -> (Answered, Option<HeaderMap>) {
        let authority = self.clone();
        let client = service_fn(move |request| authority.clone().serve(request));
        let seen = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&seen);
        let backend = service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
            *noted.lock().expect("alone") = Some(request.headers().clone());
            std::future::ready(Ok::<_, BoxError>(Response::new(Full::from("backend"))))
        });
        let service = ExtAuthzLayer::new(settings.ask(client)).layer(backend);
        let response = service.oneshot(request).await.expect("answered");
        let seen = seen.lock().expect("alone").take();
        (response, seen)
    }
}

fn settings() -> ExtAuthz {
    ExtAuthz::new("http://auth.example".parse().expect("a URI")).with_context("route", "shop")
}

#[tokio::test]
async fn service_is_found_by_an_authority_alone() {
    let authority = Authority::new(|| Ok(answer(0, None)));
    let settings = ExtAuthz::new("auth.example".parse().expect("a URI"));

    let (response, _) = authority.send(settings).await;

    assert_eq!(response.status(), 200);
}

fn request() -> Request<Full<Bytes>> {
    let request = Request::put("/cart?item=1")
        .header("host", "shop.example")
        .header("x-user", "root")
        .header("x-many", "1")
        .header("x-many", "2")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .extension(ClientAddress("203.0.113.1".parse().expect("an address")));
    request.body(Full::default()).expect("valid")
}

/// What the server was told of the request, the last time.
fn told(authority: &Authority) -> HttpRequest {
    let asked = authority.asked.lock().expect("alone");
    let attributes = asked.last().and_then(|asked| asked.attributes.clone());
    let request = attributes.and_then(|attributes| attributes.request);
    request.and_then(|request| request.http).expect("there")
}

fn header(key: &str, value: &str, append: bool) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: key.to_owned(),
            value: value.to_owned(),
            raw_value: Vec::new(),
        }),
        append: append.then_some(BoolValue { value: true }),
    }
}

fn answer(code: i32, http_response: Option<HttpResponse>) -> CheckResponse {
    CheckResponse {
        status: Some(Status { code }),
        http_response,
    }
}

#[tokio::test(start_paused = true)]
async fn server_is_told_about_the_request() {
    let authority = Authority::new(|| Ok(answer(0, None)));

    let (response, _) = authority.send(settings()).await;

    assert_eq!(response.status(), 200);
    let asked = authority.asked.lock().expect("alone")[0].clone();
    let attributes = asked.attributes.expect("there");
    assert_eq!(attributes.context_extensions["route"], "shop");
    let source = attributes
        .source
        .and_then(|peer| peer.address)
        .expect("there");
    assert_eq!(source.socket_address.expect("there").address, "203.0.113.1");
    let http = attributes
        .request
        .and_then(|request| request.http)
        .expect("there");
    assert_eq!(
        (http.method.as_str(), http.path.as_str()),
        ("PUT", "/cart?item=1")
    );
    assert_eq!(
        (http.host.as_str(), http.scheme.as_str()),
        ("shop.example", "http")
    );
    assert_eq!((http.protocol.as_str(), http.size), ("HTTP/1.1", -1));
    assert_eq!(http.headers["x-many"], "1,2");
    assert_eq!(http.headers["cookie"], "a=1; b=2");
}

#[tokio::test(start_paused = true)]
async fn body_is_shown_in_the_field_that_is_wanted() {
    let authority = Authority::new(|| Ok(answer(0, None)));
    // Cut in the middle of a letter.
    let body = Bytes::from("für dich");
    for (limit, form, text, raw, size) in [
        (100, BodyForm::Text, "für dich", &b""[..], 9),
        (100, BodyForm::Bytes, "", "für dich".as_bytes(), 9),
        (2, BodyForm::Text, "f\u{fffd}", b"", -1),
        (2, BodyForm::Bytes, "", b"f\xc3", -1),
    ] {
        let shown = ForwardBody::new(limit.try_into().expect("not zero"));
        let settings = settings().with_forwarded_body(shown.with_longer(Longer::Cut), form);
        let mut request = request().map(|_| Full::from(body.clone()));
        let forged = http::HeaderValue::from_static("forged");
        let name = "x-envoy-auth-partial-body";
        request.headers_mut().insert(name, forged.clone());

        let (response, _) = authority.send_on(settings.clone(), request).await;

        assert_eq!(response.status(), 200);
        let told_now = told(&authority);
        assert_eq!((&*told_now.body, &*told_now.raw_body), (text, raw));
        assert_eq!(told_now.size, size);
        let partial = if limit == 2 { "true" } else { "false" };
        assert_eq!(told_now.headers[name], partial);

        let mut without = self::request();
        without.headers_mut().insert(name, forged);
        authority.send_on(settings, without).await;
        assert!(!told(&authority).headers.contains_key(name));
    }
}

#[tokio::test(start_paused = true)]
async fn headers_change_as_the_server_says() {
    let authority = Authority::new(|| {
        Ok(answer(
            0,
            Some(HttpResponse::Ok(OkHttpResponse {
                headers: vec![
                    header("x-user", "alice", false),
                    header("x-many", "3", true),
                    header("host", "evil.example", false),
                ],
                headers_to_remove: vec!["x-none".to_owned()],
                response_headers_to_add: vec![header("set-cookie", "a=1", false)],
            })),
        ))
    });

    let (response, seen) = authority.send(settings()).await;

    let seen = seen.expect("reached");
    assert_eq!(seen["x-user"], "alice");
    assert_eq!(seen["host"], "shop.example");
    assert_eq!(
        seen.get_all("x-many").iter().collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    assert_eq!(response.headers()["set-cookie"], "a=1");
}

#[tokio::test(start_paused = true)]
async fn refusal_reaches_the_client() {
    let authority = Authority::new(|| {
        Ok(answer(
            16,
            Some(HttpResponse::Denied(DeniedHttpResponse {
                status: Some(HttpStatus { code: 401 }),
                headers: vec![header("www-authenticate", "Bearer", false)],
                body: "who are you?".to_owned(),
            })),
        ))
    });
    let (response, seen) = authority.send(settings()).await;

    assert_eq!((response.status().as_u16(), seen), (401, None));
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    assert!(response.extensions().get::<AnsweredHere>().is_none());
    let body = response.into_body().collect().await.expect("no error");
    assert_eq!(body.to_bytes(), "who are you?");

    let bare = Authority::new(|| Ok(answer(7, None)));
    let (response, _) = bare.send(settings()).await;
    assert_eq!(response.status(), 403);
    assert!(response.extensions().get::<AnsweredHere>().is_some());
}

/// A header that is none, a value that HTTP forbids, and a status that is none or not the last.
#[tokio::test(start_paused = true)]
async fn refusal_is_one_whatever_is_wrong_with_it() {
    for (code, expected) in [(401, 401), (0, 403), (-1, 403), (101, 403), (70_000, 403)] {
        let authority = Authority::new(move || {
            let denied = DeniedHttpResponse {
                status: Some(HttpStatus { code }),
                headers: vec![
                    header("a b", "c", false),
                    header("x-reason", "a\nb", false),
                    HeaderValueOption::default(),
                    header("www-authenticate", "Bearer", false),
                ],
                body: "who are you?".to_owned(),
            };
            Ok(answer(16, Some(HttpResponse::Denied(denied))))
        });
        let open = settings().with_on_failure(OnFailure::Allow);

        let (response, seen) = authority.send(open).await;

        assert_eq!((response.status().as_u16(), seen), (expected, None));
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_yes_nor_no_is_a_failure() {
    let failures: [fn() -> Checked; 5] = [
        || Err(tonic::Status::unavailable("down")),
        || Ok(answer(7, Some(HttpResponse::Ok(OkHttpResponse::default())))),
        || {
            Ok(answer(
                0,
                Some(HttpResponse::Denied(DeniedHttpResponse::default())),
            ))
        },
        || {
            Ok(answer(
                13,
                Some(HttpResponse::Error(DeniedHttpResponse::default())),
            ))
        },
        || {
            Ok(answer(
                0,
                Some(HttpResponse::Ok(OkHttpResponse {
                    headers: vec![header("x-user", "a\nb", false)],
                    ..OkHttpResponse::default()
                })),
            ))
        },
    ];

    for failure in failures {
        let authority = Authority::new(failure);
        let (refused, seen) = authority.send(settings()).await;
        assert_eq!((refused.status().as_u16(), seen), (403, None));

        let open = settings().with_on_failure(OnFailure::Allow);
        assert_eq!(authority.send(open).await.0.status(), 200);
    }
    // Without a status nothing was said, and nothing is not yes.
    let silent = Authority::new(|| Ok(CheckResponse::default()));
    assert_eq!(silent.send(settings()).await.0.status(), 403);
}
