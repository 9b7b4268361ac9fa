//! External authorization over gRPC, by a server of tonic's.

mod proto;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::{Asked, Backend, BackendProtocol, BackendTarget, Policy};
use gateway_filters::ext_authz::BodyForm;
use gateway_filters::inquiry::{ForwardBody, Longer, OnFailure};
use gateway_filters::{Answer, ExtAuthz};
use gateway_tests::{Client, Origin, PATIENCE, Site, TestGateway};
use http::Request;
use http_body_util::Full;
use tokio::time::Instant;
use tonic::Status;

use self::proto::{
    CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpResponse, HttpStatus,
    OkHttpResponse,
};
use crate::calls::unary;
use crate::requests::{get, host, streamed};

type Checked = Result<CheckResponse, Status>;

/// A server that says to each question what `decide` does, and keeps them.
struct Authority {
    origin: Origin,
    asked: Arc<Mutex<Vec<CheckRequest>>>,
}

impl Authority {
    async fn new(decide: impl Fn() -> Checked + Send + Sync + 'static) -> Self {
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let noted = Arc::clone(&asked);
        let check = move |question: CheckRequest| {
            noted.lock().unwrap().push(question);
            std::future::ready(decide())
        };
        Self {
            origin: unary("/envoy.service.auth.v3.Authorization/Check", check).await,
            asked,
        }
    }

    fn backend(&self) -> Backend {
        Backend::new([self.origin.address()]).with_protocol(BackendProtocol::H2c)
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn last(&self) -> CheckRequest {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

/// With patience, for the machine may be slow.
fn settings() -> ExtAuthz {
    ExtAuthz::new("http://authority.test".parse().unwrap()).with_timeout(PATIENCE)
}

/// Asks the backend called `authority`.
fn asking(settings: ExtAuthz) -> Policy {
    let backend = BackendTarget::Backend("authority".into());
    Policy::ExtAuthz(Arc::new(Asked { settings, backend }))
}

fn site(origin: &Origin, authority: Backend) -> Site {
    Site::new()
        .backend("origin", [origin.address()])
        .backend_of("authority", authority)
}

#[tokio::test]
async fn authority_is_told_about_the_request_and_not_its_body() {
    let authority = Authority::new(|| Ok(CheckResponse::allowed())).await;
    let origin = Origin::echo().await;
    let settings = settings().with_context("shop", "cart");
    let site = site(&origin, authority.backend()).route(host("a.test", [asking(settings)]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let body = Bytes::from(vec![b'x'; 300_000]);
    let request = Request::put("/cart?item=1")
        .header("host", "a.test")
        .header("x-many", "1")
        .header("x-many", "2")
        .body(Full::new(body.clone()));
    let reply = client.call(request.unwrap()).await;

    assert_eq!(reply.status, 200);
    assert_eq!(origin.last().body, body);
    let attributes = authority.last().attributes.unwrap();
    assert_eq!(attributes.context_extensions["shop"], "cart");
    let source = attributes.source.unwrap().address.unwrap();
    assert_eq!(source.socket_address.unwrap().address, "127.0.0.1");
    let http = attributes.request.unwrap().http.unwrap();
    assert_eq!((&*http.method, &*http.path), ("PUT", "/cart?item=1"));
    assert_eq!((&*http.host, &*http.scheme), ("a.test", "http"));
    assert_eq!((&*http.protocol, http.size), ("HTTP/1.1", 300_000));
    assert_eq!(http.headers["x-many"], "1,2");
    assert_eq!((http.body.len(), http.raw_body.len()), (0, 0));
}

#[tokio::test]
async fn authority_is_shown_as_much_of_a_body_as_it_may_see() {
    let authority = Authority::new(|| Ok(CheckResponse::allowed())).await;
    let origin = Origin::echo().await;
    let whole = ForwardBody::new(50_000.try_into().unwrap());
    let start = ForwardBody::new(1_000.try_into().unwrap()).with_longer(Longer::Cut);
    let shown =
        |body: &ForwardBody, form| asking(settings().with_forwarded_body(body.clone(), form));
    let site = site(&origin, authority.backend())
        .route(host("text.test", [shown(&whole, BodyForm::Text)]))
        .route(host("bytes.test", [shown(&whole, BodyForm::Bytes)]))
        .route(host("start.test", [shown(&start, BodyForm::Bytes)]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let body: Bytes = (0..50_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
    for (name, text, raw, size, partial) in [
        ("text.test", 50_000, 0, 50_000, "false"),
        ("bytes.test", 0, 50_000, 50_000, "false"),
        ("start.test", 0, 1_000, -1, "true"),
    ] {
        let request = Request::post("/").header("host", name);
        let request = request.header("trailer", "x-sum");
        let request = request.body(streamed(&body, 7_000)).unwrap();
        assert_eq!(client.call(request).await.status, 200, "{name}");

        let told = authority.last().attributes.unwrap();
        let told = told.request.unwrap().http.unwrap();
        assert_eq!(told.body.as_bytes(), &body[..text], "{name}");
        assert_eq!(told.raw_body, &body[..raw], "{name}");
        assert_eq!(told.size, size, "{name}");
        assert_eq!(told.headers["x-envoy-auth-partial-body"], partial, "{name}");
        let seen = origin.last();
        assert!(seen.complete && seen.body == body, "{name}");
        assert_eq!(seen.trailers["x-sum"], "1");
    }

    let longer = Request::post("/").header("host", "text.test");
    let longer = longer.body(Full::new(Bytes::from(vec![b'x'; 50_001])));
    assert_eq!(client.call(longer.unwrap()).await.status, 413);
    assert_eq!((authority.count(), origin.count()), (3, 3));
}

#[tokio::test]
async fn authority_that_allows_a_request_edits_it_and_its_response() {
    let authority = Authority::new(|| {
        let ok = OkHttpResponse {
            headers: vec![
                HeaderValueOption::set("x-user", "alice"),
                HeaderValueOption::add("x-many", "3"),
                HeaderValueOption::set("host", "evil.test"),
            ],
            headers_to_remove: vec!["authorization".to_owned()],
            response_headers_to_add: vec![HeaderValueOption::set("x-session", "s-1")],
        };
        Ok(CheckResponse::new(0, HttpResponse::Ok(ok)))
    })
    .await;
    let origin = Origin::echo().await;
    let site = site(&origin, authority.backend()).route(host("a.test", [asking(settings())]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let fields = [
        ("x-user", "root"),
        ("x-many", "1"),
        ("authorization", "Bearer t"),
    ];
    let reply = client.call(get("a.test", "/", &fields)).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["x-session"], "s-1");
    let seen = origin.last();
    assert_eq!(seen.header("x-user"), Some("alice"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.host.as_deref(), Some("a.test"));
    let many: Vec<_> = seen.headers.get_all("x-many").iter().collect();
    assert_eq!(many, ["1", "3"]);
}

#[tokio::test]
async fn refusal_reaches_the_client_and_the_request_nobody() {
    let authority = Authority::new(|| {
        let denied = DeniedHttpResponse {
            status: Some(HttpStatus { code: 401 }),
            headers: vec![HeaderValueOption::set("www-authenticate", "Bearer")],
            body: "who are you?".to_owned(),
        };
        Ok(CheckResponse::new(16, HttpResponse::Denied(denied)))
    })
    .await;
    let origin = Origin::echo().await;
    let site = site(&origin, authority.backend()).route(host("a.test", [asking(settings())]));
    let gateway = TestGateway::start(&site);

    // Over both versions, and with a body that nobody reads.
    for mut client in [
        Client::http1(gateway.address()).await,
        Client::http2(gateway.address()).await,
    ] {
        let request = Request::post("http://a.test/").header("host", "a.test");
        let body = Full::new(Bytes::from_static(b"secret"));
        let reply = client.call(request.body(body).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (401, "who are you?"));
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }
    assert_eq!((authority.count(), origin.count()), (2, 0));
}

#[tokio::test]
async fn each_route_asks_as_it_is_told() {
    let authority = Authority::new(|| Ok(CheckResponse::allowed())).await;
    let other = Authority::new(|| Ok(CheckResponse::refused())).await;
    let origin = Origin::echo().await;
    let elsewhere = Asked {
        settings: settings(),
        backend: BackendTarget::Backend("other".into()),
    };
    let of_route = |route: &str| asking(settings().with_context("route", route));
    let site = site(&origin, authority.backend())
        .backend_of("other", other.backend())
        .route(host("one.test", [of_route("one")]))
        .route(host("two.test", [of_route("two")]))
        .route(host("other.test", [Policy::ExtAuthz(Arc::new(elsewhere))]))
        .route(host("open.test", []));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (name, status) in [("one.test", 200), ("two.test", 200)] {
        let reply = client.call(get(name, "/", &[])).await;
        assert_eq!(reply.status, status, "{name}");
        let told = authority.last().attributes.unwrap().context_extensions;
        assert!(name.starts_with(&told["route"]), "{name}: {told:?}");
    }
    assert_eq!(client.call(get("other.test", "/", &[])).await.status, 403);
    assert_eq!(client.call(get("open.test", "/", &[])).await.status, 200);
    assert_eq!((authority.count(), other.count()), (2, 1));
}

#[tokio::test]
async fn without_an_answer_it_is_as_was_chosen() {
    let broken = Authority::new(|| Err(Status::unavailable("no memory"))).await;
    let gone = Backend::new([Origin::echo().await.address()]);
    let gone = gone.with_protocol(BackendProtocol::H2c);
    let told = Answer::new(503).unwrap().with_text("nobody knows you");
    for backend in [broken.backend(), gone] {
        let origin = Origin::echo().await;
        let hosts = [
            ("closed.test", settings(), 403, 0),
            (
                "told.test",
                settings().with_on_failure(OnFailure::Deny(told.clone())),
                503,
                0,
            ),
            (
                "open.test",
                settings().with_on_failure(OnFailure::Allow),
                200,
                1,
            ),
        ];
        let site = hosts
            .iter()
            .fold(site(&origin, backend), |site, (name, settings, _, _)| {
                site.route(host(name, [asking(settings.clone())]))
            });
        let gateway = TestGateway::start(&site);
        let mut client = Client::http1(gateway.address()).await;

        for (name, _, status, reached) in hosts {
            let reply = client.call(get(name, "/", &[("x-user", "root")])).await;
            assert_eq!(reply.status, status, "{name}");
            assert_eq!(origin.count(), reached, "{name}");
        }
    }
    assert_eq!(broken.count(), 3);
}

#[tokio::test]
async fn authority_that_hangs_is_not_waited_for() {
    let check = |_: CheckRequest| std::future::pending::<Checked>();
    let authority = unary("/envoy.service.auth.v3.Authorization/Check", check).await;
    let backend = Backend::new([authority.address()]).with_protocol(BackendProtocol::H2c);
    let origin = Origin::echo().await;
    let timeout = Duration::from_millis(200);
    let hasty = || settings().with_timeout(timeout);
    let open = hasty().with_on_failure(OnFailure::Allow);
    let site = site(&origin, backend)
        .route(host("closed.test", [asking(hasty())]))
        .route(host("open.test", [asking(open)]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (name, status) in [("closed.test", 403), ("open.test", 200)] {
        let asked = Instant::now();
        assert_eq!(client.call(get(name, "/", &[])).await.status, status);
        assert!(asked.elapsed() >= timeout, "{name}: {:?}", asked.elapsed());
    }
}
