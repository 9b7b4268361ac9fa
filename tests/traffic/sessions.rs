//! Sessions: AT-STICKY.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use gateway_core::Gateway;
use gateway_core::model::{Backend, BackendId, BackendRef, Rule};
use gateway_lb::EndpointSet;
use gateway_lb::persistence::{
    CookieSession, HeaderSession, Lifetime, SessionCarrier, SessionKey, Sessions,
};
use gateway_tests::{Client, Origin, Reply, Site, TestGateway};
use http::{HeaderMap, HeaderName};

use crate::requests::{answering, get, rule};

/// An endpoint that says who it is.
async fn named(name: &'static str) -> Origin {
    answering(200, name).await
}

fn cookie() -> CookieSession {
    let timeout = Duration::from_secs(600);
    CookieSession::new("_srv_id")
        .unwrap()
        .with_lifetime(Lifetime::Permanent { timeout })
}

fn site(rule: Rule, backend: Backend) -> Site {
    Site::new().rule(rule).backend_of("origin", backend)
}

/// The cookie that is set, without its attributes.
fn set(headers: &HeaderMap) -> String {
    let field = headers["set-cookie"].to_str().unwrap();
    field.split(';').next().unwrap().to_owned()
}

async fn with_cookie(client: &mut Client, cookie: &str) -> Reply {
    client.call(get("a.test", "/", &[("cookie", cookie)])).await
}

/// AT-STICKY.
#[tokio::test]
async fn session_stays_with_its_endpoint_and_falls_over_when_that_is_gone() {
    let (one, two) = (named("one").await, named("two").await);
    let backend = |endpoints: EndpointSet| Backend::of(endpoints).with_sessions(cookie());
    let both = EndpointSet::from_iter([one.address(), two.address()]);
    let gateway = TestGateway::start(&site(rule(), backend(both)));
    let mut client = Client::http1(gateway.address()).await;

    let first = client.get("/").await;
    let attributes = first.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(attributes.contains("Max-Age=600"), "{attributes}");
    assert!(!attributes.contains("127.0.0.1"), "{attributes}");
    for _ in 0..6 {
        let next = with_cookie(&mut client, &set(&first.headers)).await;
        assert_eq!(next.text(), first.text());
        assert!(!next.headers.contains_key("set-cookie"));
    }

    let (gone, left) = match first.text() {
        "one" => (one, two),
        _ => (two, one),
    };
    gateway.update(site(rule(), backend(EndpointSet::from_iter([left.address()]))).configuration());
    drop(gone);
    let moved = with_cookie(&mut client, &set(&first.headers)).await;
    assert_eq!(moved.status, 200);
    assert_ne!(moved.text(), first.text());
    let again = with_cookie(&mut client, &set(&moved.headers)).await;
    assert_eq!(again.text(), moved.text());
    assert!(!again.headers.contains_key("set-cookie"));
}

/// AT-STICKY: its ten minutes are over, or not quite. Another replica has begun it.
#[tokio::test]
async fn session_ends_ten_minutes_after_it_has_begun() {
    let (one, two) = (named("one").await, named("two").await);
    let key = SessionKey::new([7; 32]);
    let both = Backend::new([one.address(), two.address()]).with_sessions(cookie());
    let builder = Gateway::builder().workers(1).session_key(key.clone());
    let gateway = TestGateway::serve(builder, site(rule(), both).configuration());
    let mut client = Client::http1(gateway.address()).await;
    let scope = BackendId::from("origin").to_string();
    let replica = Sessions::new(cookie(), key, scope.as_bytes());

    for (ago, goes_on) in [(570, true), (601, false)] {
        let begun = SystemTime::now() - Duration::from_secs(ago);
        let issued = replica.issue(&HeaderMap::new(), two.address(), begun);
        let begun = set(&HeaderMap::from_iter(issued));
        let mut seen = BTreeSet::new();
        for _ in 0..4 {
            let reply = with_cookie(&mut client, &begun).await;
            assert_eq!(reply.headers.contains_key("set-cookie"), !goes_on, "{ago}");
            seen.insert(reply.text().to_owned());
        }
        assert_eq!(seen.len(), if goes_on { 1 } else { 2 }, "{ago}");
        assert!(seen.contains("two"));
    }
}

#[tokio::test]
async fn forged_session_is_none() {
    let (one, two) = (named("one").await, named("two").await);
    let both = Backend::new([one.address(), two.address()]);
    let gateway = TestGateway::single(&site(rule().with_sessions(cookie()), both));
    let mut client = Client::http1(gateway.address()).await;

    let mut forged = set(&client.get("/").await.headers);
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    let mut seen = BTreeSet::new();
    for _ in 0..4 {
        let reply = with_cookie(&mut client, &forged).await;
        assert!(reply.headers.contains_key("set-cookie"));
        seen.insert(reply.text().to_owned());
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn session_in_a_header_is_known_to_every_replica_with_the_key() {
    let (one, two) = (named("one").await, named("two").await);
    let name = HeaderName::from_static("x-session");
    let site = site(
        rule().with_sessions(HeaderSession::new(name)),
        Backend::new([one.address(), two.address()]),
    );
    let replica = || {
        let builder = Gateway::builder().workers(1);
        let builder = builder.session_key(SessionKey::new([7; 32]));
        TestGateway::serve(builder, site.configuration())
    };
    let (first, second) = (replica(), replica());

    let begun = Client::http1(first.address()).await.get("/").await;
    let token = begun.headers["x-session"].to_str().unwrap();
    let mut client = Client::http1(second.address()).await;
    for _ in 0..4 {
        let next = client
            .call(get("a.test", "/", &[("x-session", token)]))
            .await;
        assert_eq!(next.text(), begun.text());
    }
}

/// GEP-1619: weights choose the backend of each request, the session its endpoint inside.
#[tokio::test]
async fn client_has_one_endpoint_at_each_backend_of_a_rule() {
    let header = HeaderSession::new(HeaderName::from_static("x-session"));
    let carriers = [cookie().into(), SessionCarrier::from(header)];
    let (a1, a2) = (named("a1").await, named("a2").await);
    let (b1, b2) = (named("b1").await, named("b2").await);
    for carrier in carriers {
        let split = Rule::new()
            .with_backend(BackendRef::new("a".into()).with_weight(2))
            .with_backend(BackendRef::new("b".into()).with_weight(1))
            .with_sessions(carrier);
        let site = Site::new()
            .rule(split)
            .backend("a", [a1.address(), a2.address()])
            .backend("b", [b1.address(), b2.address()]);
        let gateway = TestGateway::single(&site);
        let mut client = Client::http1(gateway.address()).await;

        let (mut field, mut answered, mut told) = (None::<(&str, String)>, Vec::new(), 0);
        for _ in 0..30 {
            let fields = field.iter().map(|(name, value)| (*name, value.as_str()));
            let fields: Vec<_> = fields.collect();
            let reply = client.call(get("a.test", "/", &fields)).await;
            answered.push(reply.text().to_owned());
            if reply.headers.contains_key("set-cookie") {
                field = Some(("cookie", set(&reply.headers)));
                told += 1;
            } else if let Some(token) = reply.headers.get("x-session") {
                field = Some(("x-session", token.to_str().unwrap().to_owned()));
                told += 1;
            }
        }

        let of = |backend: char| {
            answered
                .iter()
                .filter(move |name| name.starts_with(backend))
        };
        assert_eq!((of('a').count(), of('b').count()), (20, 10));
        for backend in ['a', 'b'] {
            let endpoints: BTreeSet<_> = of(backend).collect();
            assert_eq!(endpoints.len(), 1, "{answered:?}");
        }
        // Once at each backend.
        assert_eq!(told, 2);
    }
}
