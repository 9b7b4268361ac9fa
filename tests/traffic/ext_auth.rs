//! External authorization over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::{Asked, BackendTarget, Policy};
use gateway_filters::ext_auth::{ForwardBody, Longer, OnFailure};
use gateway_filters::{Answer, ExtAuth};
use gateway_tests::{Client, Incoming, Origin, PATIENCE, Site, TestGateway, Wire, answer};
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;

use crate::requests::{get, host, streamed};

/// With patience, for the machine may be slow.
fn settings(path: &str) -> ExtAuth {
    let uri = format!("http://authority.test{path}");
    ExtAuth::new(uri.parse().unwrap()).with_timeout(PATIENCE)
}

fn asking(settings: ExtAuth) -> Policy {
    let backend = BackendTarget::Backend("authority".into());
    Policy::ExtAuth(Arc::new(Asked { settings, backend }))
}

fn site(origin: &Origin, authority: &Origin) -> Site {
    Site::new()
        .backend("origin", [origin.address()])
        .backend("authority", [authority.address()])
}

#[tokio::test]
async fn authority_is_told_what_it_may_know() {
    let authority = Origin::echo().await;
    let origin = Origin::echo().await;
    let settings = settings("/check").with_header_to_authority("x-tenant");
    let site = site(&origin, &authority).route(host("a.test", [asking(settings.unwrap())]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let body = Bytes::from(vec![b'x'; 300_000]);
    let request = Request::put("/cart?item=1")
        .header("host", "a.test")
        .header("authorization", "Bearer t")
        .header("cookie", "a=1")
        .header("x-tenant", "shop")
        .header("x-secret", "s")
        .body(Full::new(body.clone()));
    let reply = client.call(request.unwrap()).await;

    assert_eq!(reply.status, 200);
    let asked = authority.last();
    assert_eq!(
        (asked.method.as_str(), &*asked.target),
        ("PUT", "/check/cart?item=1")
    );
    assert_eq!(asked.host.as_deref(), Some("authority.test"));
    for (name, value) in [
        ("authorization", Some("Bearer t")),
        ("cookie", Some("a=1")),
        ("x-tenant", Some("shop")),
        ("x-secret", None),
        ("x-forwarded-method", Some("PUT")),
        ("x-forwarded-host", Some("a.test")),
        ("x-forwarded-uri", Some("/cart?item=1")),
        ("x-forwarded-for", Some("127.0.0.1")),
    ] {
        assert_eq!(asked.header(name), value, "{name}");
    }
    // The body is for the backend, which gets all of it afterwards.
    assert!(asked.body.is_empty());
    assert_eq!(origin.last().body, body);
}

fn shown(limit: usize, longer: Option<Longer>) -> Policy {
    let body = ForwardBody::new(limit.try_into().unwrap());
    let body = longer.into_iter().fold(body, ForwardBody::with_longer);
    asking(settings("/").with_forwarded_body(body))
}

/// Whether the length is said before or not, and over both versions.
#[tokio::test]
async fn authority_is_shown_as_much_of_a_body_as_it_may_see() {
    let authority = Origin::echo().await;
    let origin = Origin::echo().await;
    let site = site(&origin, &authority)
        .route(host("whole.test", [shown(100_000, None)]))
        .route(host("start.test", [shown(1_000, Some(Longer::Cut))]));
    let gateway = TestGateway::start(&site);
    let body: Bytes = (0..100_000_u32).map(|at| at as u8).collect();

    for mut client in [
        Client::http1(gateway.address()).await,
        Client::http2(gateway.address()).await,
    ] {
        for (name, limit, partial) in [
            ("whole.test", 100_000, "false"),
            ("start.test", 1_000, "true"),
        ] {
            let sized = client.call(upload(name, Full::new(body.clone()))).await;
            let chunked = client.call(upload(name, streamed(&body, 7_000))).await;
            assert_eq!((sized.status.as_u16(), chunked.status.as_u16()), (200, 200));

            for asked in authority.requests().iter().rev().take(2) {
                assert_eq!(asked.body, body[..limit], "{name}");
                assert_eq!(asked.header("content-length"), Some(&*limit.to_string()));
                assert_eq!(asked.header("content-type"), Some("text/plain"));
                assert_eq!(asked.header("x-envoy-auth-partial-body"), Some(partial));
            }
            let [.., one, two] = &origin.requests()[..] else {
                panic!("the backend was not reached");
            };
            assert!(one.body == body && two.body == body, "{name}");
            // The trailers come with the second.
            assert_eq!(one.header("content-length"), Some("100000"));
            assert_eq!(two.trailers["x-sum"], "1");
            assert!(one.complete && two.complete);
        }
    }
}

fn upload<B>(name: &str, body: B) -> Request<B> {
    let request = Request::post(format!("http://{name}/"))
        .header("host", name)
        .header("content-type", "text/plain")
        .header("trailer", "x-sum")
        .header("x-envoy-auth-partial-body", "forged");
    request.body(body).unwrap()
}

#[tokio::test]
async fn body_that_is_longer_is_refused_and_nobody_asked() {
    let authority = Origin::echo().await;
    let origin = Origin::echo().await;
    let told = Answer::new(422).unwrap().with_text("shorter, please");
    let site = site(&origin, &authority)
        .route(host("plain.test", [shown(1_000, None)]))
        .route(host(
            "told.test",
            [shown(1_000, Some(Longer::Refuse(told)))],
        ));
    let gateway = TestGateway::start(&site);
    let body = Bytes::from(vec![b'x'; 1_001]);

    for (name, status) in [("plain.test", 413), ("told.test", 422)] {
        for streamed_by in [None, Some(400)] {
            let mut client = Client::http1(gateway.address()).await;
            let reply = match streamed_by {
                None => client.call(upload(name, Full::new(body.clone()))).await,
                Some(size) => client.call(upload(name, streamed(&body, size))).await,
            };
            assert_eq!(reply.status, status, "{name}");
        }
    }
    assert_eq!((authority.count(), origin.count()), (0, 0));

    // One without a body is asked about as ever.
    let mut client = Client::http1(gateway.address()).await;
    let forged = [("x-envoy-auth-partial-body", "false")];
    let reply = client.call(get("plain.test", "/", &forged)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(authority.last().header("x-envoy-auth-partial-body"), None);
    assert_eq!(authority.last().header("content-length"), None);
}

/// What is no chunk is not the authority's doing, nor a reason to let the request pass.
#[tokio::test]
async fn body_that_is_broken_is_refused_and_nobody_asked() {
    let (authority, origin) = (Origin::echo().await, Origin::echo().await);
    let body = ForwardBody::new(1_000.try_into().unwrap());
    let open = settings("/").with_on_failure(OnFailure::Allow);
    let policy = asking(open.with_forwarded_body(body));
    let site = site(&origin, &authority).route(host("a.test", [policy]));
    let gateway = TestGateway::start(&site);
    let mut wire = Wire::connect(gateway.address()).await;

    let head = "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n";
    wire.send(head.to_owned() + "3\r\nabc\r\nzz\r\n").await;

    let refused = wire.response().await;
    assert_eq!(refused.map(|answer| answer.status), Some(400));
    assert_eq!((authority.count(), origin.count()), (0, 0));
}

/// The authority is asked before the body has ended, and the backend reads on as it comes.
#[tokio::test]
async fn client_that_leaves_half_way_leaves_nothing_behind() {
    let authority = Origin::echo().await;
    let origin = Origin::http1(|request: Request<Incoming>| async move {
        let _ = request.into_body().collect().await;
        answer(200, "")
    })
    .await;
    let site = site(&origin, &authority)
        .route(host("whole.test", [shown(1_000, None)]))
        .route(host("start.test", [shown(3, Some(Longer::Cut))]));
    let gateway = TestGateway::start(&site);

    for (name, asked) in [("whole.test", 0), ("start.test", 1)] {
        let mut wire = Wire::connect(gateway.address()).await;
        let head = format!("POST / HTTP/1.1\r\nhost: {name}\r\ncontent-length: 10\r\n\r\n");
        wire.send(head + "begun").await;
        authority
            .until("the question", |state| state.requests.len() == asked)
            .await;
        origin
            .until("the request", |state| state.requests.len() == asked)
            .await;
        drop(wire);
        origin.until("the end", |state| state.open == 0).await;
    }
    // The gateway would not end while something is under way.
    gateway.shutdown();
    gateway.drained().await.unwrap();
    assert_eq!((authority.count(), origin.count()), (1, 1));
}

#[tokio::test]
async fn headers_of_an_authority_that_allows_go_where_they_may() {
    let authority = Origin::http1(|_| async {
        let mut response = answer(204, "");
        for (name, value) in [("x-user", "alice"), ("x-session", "s-1"), ("x-other", "o")] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    })
    .await;
    let origin = Origin::echo().await;
    let settings = settings("/")
        .with_header_to_backend("x-user")
        .and_then(|settings| settings.with_header_to_backend("x-role"))
        .and_then(|settings| settings.with_header_to_client("x-session"));
    let site = site(&origin, &authority).route(host("a.test", [asking(settings.unwrap())]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let fields = [("x-user", "root"), ("x-role", "admin")];
    let reply = client.call(get("a.test", "/", &fields)).await;

    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["x-session"], "s-1");
    assert!(!reply.headers.contains_key("x-user"));
    let seen = origin.last();
    assert_eq!(seen.header("x-user"), Some("alice"));
    // Nobody says so but the client.
    assert_eq!(seen.header("x-role"), None);
    assert_eq!(seen.header("x-other"), None);
}

#[tokio::test]
async fn refusal_is_passed_on_as_it_is() {
    let authority = Origin::http1(|request| async move {
        let (status, text) = match request.uri().path() {
            "/login" => (302, ""),
            _ => (401, "who are you?"),
        };
        let mut response = answer(status, text);
        let headers = response.headers_mut();
        headers.insert("location", "https://login.test/".parse().unwrap());
        headers.append("set-cookie", "a=1".parse().unwrap());
        headers.append("set-cookie", "b=2".parse().unwrap());
        response
    })
    .await;
    let origin = Origin::echo().await;
    let site = site(&origin, &authority).route(host("a.test", [asking(settings("/"))]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (target, status, text) in [("/login", 302, ""), ("/", 401, "who are you?")] {
        let reply = client.call(get("a.test", target, &[])).await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, text));
        assert_eq!(reply.headers["location"], "https://login.test/");
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn each_route_asks_as_it_is_told() {
    let authority = Origin::http1(|request| async move {
        let refused = request.uri().path().starts_with("/strict");
        answer(if refused { 403 } else { 200 }, "")
    })
    .await;
    let origin = Origin::echo().await;
    let site = site(&origin, &authority)
        .route(host("kind.test", [asking(settings("/kind"))]))
        .route(host("strict.test", [asking(settings("/strict/"))]))
        .route(host("open.test", []));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (name, status, asked) in [
        ("kind.test", 200, Some("/kind/cart")),
        ("strict.test", 403, Some("/strict/cart")),
        ("open.test", 200, None),
    ] {
        let before = authority.count();
        let reply = client.call(get(name, "/cart", &[])).await;
        assert_eq!(reply.status, status, "{name}");
        let requests = authority.requests();
        let asked_now = requests.get(before).map(|seen| &*seen.target);
        assert_eq!(asked_now, asked, "{name}");
    }
}

#[tokio::test]
async fn without_an_answer_it_is_as_was_chosen() {
    let broken = Origin::echo_with(500).await;
    let gone = Origin::echo().await;
    let told = Answer::new(503).unwrap().with_text("nobody knows you");
    let authorities = [(broken, true), (gone, false)];
    for (index, (authority, stays)) in authorities.into_iter().enumerate() {
        let origin = Origin::echo().await;
        let denied = settings("/").with_on_failure(OnFailure::Deny(told.clone()));
        let site = site(&origin, &authority)
            .route(host("closed.test", [asking(settings("/"))]))
            .route(host("told.test", [asking(denied)]))
            .route(host(
                "open.test",
                [asking(settings("/").with_on_failure(OnFailure::Allow))],
            ));
        let _authority = stays.then_some(authority);
        let gateway = TestGateway::start(&site);
        let mut client = Client::http1(gateway.address()).await;

        for (name, status, reached) in [
            ("closed.test", 403, 0),
            ("told.test", 503, 0),
            ("open.test", 200, 1),
        ] {
            let reply = client.call(get(name, "/", &[])).await;
            assert_eq!(reply.status, status, "{name} of {index}");
            assert_eq!(origin.count(), reached, "{name} of {index}");
        }
    }
}

#[tokio::test]
async fn refusal_that_is_too_long_is_one() {
    let authority = Origin::http1(|_| async { answer(401, "x".repeat(1_001)) }).await;
    let origin = Origin::echo().await;
    let open = settings("/").with_on_failure(OnFailure::Allow);
    let policy = asking(open.with_body_limit(1_000));
    let site = site(&origin, &authority).route(host("a.test", [policy]));
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let reply = client.call(get("a.test", "/", &[])).await;

    assert_eq!((reply.status.as_u16(), reply.text()), (401, ""));
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn authority_that_hangs_is_not_waited_for() {
    let authority = Origin::http1(|_| std::future::pending()).await;
    let origin = Origin::echo().await;
    let timeout = Duration::from_millis(200);
    let hasty = || settings("/").with_timeout(timeout);
    let open = hasty().with_on_failure(OnFailure::Allow);
    let site = site(&origin, &authority)
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
