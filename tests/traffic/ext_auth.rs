//! External authorization over HTTP.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::{Asked, BackendTarget, Policy};
use gateway_filters::ext_auth::OnFailure;
use gateway_filters::{Answer, ExtAuth};
use gateway_tests::{Client, Origin, PATIENCE, Site, TestGateway, answer};
use http::Request;
use http_body_util::Full;
use tokio::time::Instant;

use crate::requests::{get, host};

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
    let talkative = Origin::http1(|_| async { answer(403, "x".repeat(1_001)) }).await;
    let gone = Origin::echo().await;
    let told = Answer::new(503).unwrap().with_text("nobody knows you");
    let short = || settings("/").with_body_limit(1_000);
    let authorities = [(broken, true), (talkative, true), (gone, false)];
    for (index, (authority, stays)) in authorities.into_iter().enumerate() {
        let origin = Origin::echo().await;
        let denied = short().with_on_failure(OnFailure::Deny(told.clone()));
        let site = site(&origin, &authority)
            .route(host("closed.test", [asking(short())]))
            .route(host("told.test", [asking(denied)]))
            .route(host(
                "open.test",
                [asking(short().with_on_failure(OnFailure::Allow))],
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
            assert!(!reply.text().contains("xxx"), "{name} of {index}");
        }
    }
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
