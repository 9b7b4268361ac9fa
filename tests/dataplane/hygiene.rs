//! What backends and clients must never see, and the one reading of host and path.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use gateway_core::model::{BackendRef, Filter, Rule};
use gateway_tests::frames::{Frames, Outcome};
use gateway_tests::{Client, Origin, RawOrigin, Site, TestGateway, Wire, prefix};
use http::Request;
use http_body_util::Full;

/// Fields that concern the client's connection alone (RFC 9110, section 7.6.1).
const HOP_BY_HOP: &str = "Connection: close, X-Named\r\nConnection: X-Named-Too, keep-alive\r\n\
    Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\n\
    TE: gzip, deflate;q=0.5\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-Named: 1\r\nX-Named-Too: 1\r\n";

/// What clients say of themselves, which is nobody's word at the edge.
const CLAIMS: &str = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\n\
    X-Forwarded-Host: evil.test\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Server: evil\r\n\
    X-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n";

#[tokio::test]
async fn connection_fields_of_requests_stay_behind() {
    for http2 in [false, true] {
        let (origin, site) = if http2 {
            let origin = Origin::echo_h2c().await;
            let site = Site::to_h2c(origin.address());
            (origin, site)
        } else {
            let origin = Origin::echo().await;
            let site = Site::to(origin.address());
            (origin, site)
        };
        let gateway = TestGateway::single(&site);
        let mut wire = Wire::connect(gateway.address()).await;

        wire.send(format!(
            "GET / HTTP/1.1\r\nHost: a.test\r\n{HOP_BY_HOP}X-Kept: 1\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.response().await.unwrap().status, 200);

        let mut names: Vec<_> = origin
            .last()
            .headers
            .keys()
            .map(ToString::to_string)
            .collect();
        names.retain(|name| name != "host");
        names.sort();
        assert_eq!(
            names,
            [
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-proto",
                "x-kept"
            ]
        );
    }
}

#[tokio::test]
async fn connection_fields_of_responses_stay_behind() {
    let response = format!(
        "HTTP/1.1 200 OK\r\n{HOP_BY_HOP}Proxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n"
    );
    let origin = RawOrigin::bind().await.answering(response, false);
    let gateway = TestGateway::single(&Site::to(origin.address()));

    for mut client in [
        Client::http1(gateway.address()).await,
        Client::http2(gateway.address()).await,
    ] {
        let reply = client.get("/").await;

        let mut names: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(names, ["content-length", "date", "x-kept"]);
    }
}

#[tokio::test]
async fn clients_word_about_itself_is_replaced() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send(format!("GET / HTTP/1.1\r\nHost: a.test:81\r\n{CLAIMS}\r\n"))
        .await;
    wire.response().await.unwrap();
    let mut client = Client::http2(gateway.address()).await;
    let request = Request::get("/")
        .header("host", "a.test:81")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "https")
        .header("forwarded", "for=6.6.6.6");
    client.call(request.body(Full::default()).unwrap()).await;

    for seen in origin.requests() {
        assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
        assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
        assert_eq!(seen.header("x-forwarded-host"), Some("a.test:81"));
        for gone in [
            "forwarded",
            "x-real-ip",
            "x-forwarded-port",
            "x-forwarded-server",
        ] {
            assert_eq!(seen.header(gone), None);
        }
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn cookies_of_http2_are_one_field_for_http1() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let request = Request::get("/")
        .header("host", "a.test")
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(Full::default())
        .unwrap();

    Client::http2(gateway.address()).await.call(request).await;

    assert_eq!(origin.last().header("cookie"), Some("a=1; b=2"));
}

/// What a host is read as: routed to the site of this name, or refused.
type Read = Result<&'static str, u16>;

/// Two sites, whose origin learns the host and by a field which of them was meant.
async fn two_sites() -> (TestGateway, Origin) {
    use gateway_core::model::{Hostname, Route};
    use gateway_filters::HeaderModifier;

    let origin = Origin::echo().await;
    let route = |host: &str| {
        let mark = HeaderModifier::new().set("x-site", host).unwrap();
        let rule = Rule::new()
            .with_filter(Filter::RequestHeaderModifier(Arc::new(mark)))
            .with_backend(BackendRef::new("origin".into()));
        Route::new(host)
            .with_hostname(Hostname::new(host).unwrap())
            .with_rule(rule)
    };
    let site = Site::new()
        .route(route("a.test"))
        .route(route("b.test"))
        .backend("origin", [origin.address()]);
    (TestGateway::single(&site), origin)
}

/// Host fields as they are read, over HTTP/1.1 and as `:authority`.
const HOSTS: &[(&str, Read)] = &[
    ("a.test", Ok("a.test")),
    ("b.test", Ok("b.test")),
    ("A.TEST", Ok("a.test")),
    ("a.Test:80", Ok("a.test")),
    ("a.test:8080", Ok("a.test")),
    ("a.test:65535", Ok("a.test")),
    ("a.test.", Ok("a.test")),
    ("a.test.:80", Ok("a.test")),
    ("c.test", Err(404)),
    ("x.a.test", Err(404)),
    ("atest", Err(404)),
    ("127.0.0.1", Err(404)),
    ("[::1]:80", Err(404)),
    ("a.test:65536", Err(400)),
    ("a.test:80x", Err(400)),
    ("a.test:-80", Err(400)),
    ("u@a.test", Err(400)),
    ("b.test@a.test", Err(400)),
    ("a.test,b.test", Err(400)),
    ("a.test/b.test", Err(400)),
    ("a.test?", Err(400)),
    ("a.test#b.test", Err(400)),
    ("a.test b.test", Err(400)),
    ("a.test%00", Err(400)),
    ("a%2etest", Err(400)),
    ("[::1", Err(400)),
    (".", Err(400)),
    ("..", Err(400)),
    ("a..test", Err(400)),
];

/// Target in absolute form (`-` is origin form), host field (`-` is none), and how
/// they are read.
const TARGETS: &[(&str, &str, Read)] = &[
    ("http://a.test/", "a.test", Ok("a.test")),
    ("http://a.test/", "b.test", Ok("a.test")),
    ("http://b.test/", "a.test", Ok("b.test")),
    ("http://B.test:80/", "a.test", Ok("b.test")),
    ("http://b.test", "a.test", Ok("b.test")),
    ("http://c.test/", "a.test", Err(404)),
    ("http://a.test/", "c.test", Ok("a.test")),
    ("http://u@a.test/", "a.test", Err(400)),
    ("http://a.test:x/", "a.test", Err(400)),
    ("-", "-", Err(400)),
    ("-", "", Err(400)),
];

#[tokio::test]
async fn one_authority_over_http1() {
    let (gateway, origin) = two_sites().await;
    let hosts = HOSTS.iter().map(|(host, read)| ("-", *host, *read));

    for (target, host, read) in hosts.chain(TARGETS.iter().copied()) {
        let target_sent = if target == "-" { "/" } else { target };
        let field = if host == "-" {
            String::new()
        } else {
            format!("Host: {host}\r\n")
        };
        let before = origin.count();
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(format!("GET {target_sent} HTTP/1.1\r\n{field}\r\n"))
            .await;
        let answer = wire.response().await.unwrap();

        match read {
            Ok(site) => {
                assert_eq!(answer.status, 200, "{target} {host}");
                let seen = origin.last();
                assert_eq!(seen.header("x-site"), Some(site), "{target} {host}");
                // The backend reads the same name.
                let named = seen.host.unwrap().to_ascii_lowercase();
                assert!(named.starts_with(site), "{target} {host} became {named}");
            }
            Err(status) => {
                assert_eq!(answer.status, status, "{target} {host:?}");
                assert_eq!(origin.count(), before);
            }
        }
    }
}

#[tokio::test]
async fn one_authority_over_http2() {
    let (gateway, origin) = two_sites().await;
    let alone = HOSTS.iter().map(|(host, read)| (*host, None, *read));
    let both = [
        ("a.test", Some("a.test"), Ok("a.test")),
        ("a.test", Some("A.TEST"), Ok("a.test")),
        ("a.test", Some("b.test"), Err(400)),
        ("b.test", Some("a.test"), Err(400)),
        ("a.test", Some("a.test:80"), Err(400)),
        ("a.test", Some(""), Err(400)),
    ];

    for (authority, host, read) in alone.chain(both) {
        let before = origin.count();
        let mut fields = vec![
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", authority),
        ];
        fields.extend(host.map(|host| ("host", host)));
        let mut frames = Frames::connect(gateway.address()).await;
        frames.request(1, &fields).await;
        let outcome = frames.outcome(1).await;

        match read {
            Ok(site) => {
                assert_eq!(outcome, Outcome::Status(200), "{authority} {host:?}");
                assert_eq!(origin.last().header("x-site"), Some(site));
            }
            Err(status) => {
                let is_right =
                    outcome == Outcome::Status(status) || status == 400 && outcome.is_refusal();
                assert!(is_right, "{authority} {host:?}: {outcome:?}");
                assert_eq!(origin.count(), before);
            }
        }
    }

    // Only `host`, none, and two of them.
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    for (hosts, refused) in [
        (&["a.test"][..], false),
        (&[], true),
        (&["a.test", "a.test"], true),
    ] {
        let mut frames = Frames::connect(gateway.address()).await;
        let hosts = hosts.iter().map(|host| ("host", *host));
        let all: Vec<_> = fields.iter().copied().chain(hosts).collect();
        frames.request(1, &all).await;
        assert_eq!(frames.outcome(1).await.is_refusal(), refused, "{all:?}");
    }
}

/// A gateway that lets nobody to `/admin`, and everybody everywhere else.
async fn guarded() -> (TestGateway, Origin) {
    let origin = Origin::echo().await;
    let denied = Filter::Invalid("nobody may".into());
    let site = Site::new()
        .rule(Rule::new().with_match(prefix("/admin")).with_filter(denied))
        .rule(Rule::new().with_backend(BackendRef::new("origin".into())))
        .backend("origin", [origin.address()]);
    (TestGateway::start(&site), origin)
}

/// Many ways to write `/admin`.
fn spellings() -> Vec<String> {
    let before = [
        "",
        "/.",
        "/x/..",
        "/",
        "//",
        "/%2e",
        "/%2E",
        "/x/%2e%2e",
        "/x/.%2e",
        "/x/%2E.",
        "/x//..",
        "/./.",
        "/x/y/../..",
        "/x/./..",
        "/..",
        "/x/..;",
        "/;",
        "/.;",
        "/%2e;",
        "/x/..;y=z",
        "/%2f",
        "/x%2f..",
        "/x/%2e%2e%2f",
        "/\\",
        "/x\\..",
        "/x/%5c..",
        "/%00",
        "http://a.test",
        "http://a.test/",
        "http://a.test/x/..",
    ];
    let names = [
        "admin",
        "%61dmin",
        "a%64min",
        "admi%6e",
        "admi%6E",
        "%61%64%6d%69%6e",
        "%61%64%6D%69%6E",
        "admin/",
        "admin/.",
        "admin//",
        "admin/x/..",
        "admin%2f",
        "admin%5c",
        "admin%00",
        "admin?x=y",
        "admin#x",
    ];
    let all = before
        .iter()
        .flat_map(|before| names.iter().map(move |name| format!("{before}/{name}")));
    all.collect()
}

/// What a careless backend makes of a path: decoded, without parameters, resolved.
fn careless(target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = path.bytes();
    let mut decoded = String::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex: String = bytes.by_ref().take(2).map(char::from).collect();
            decoded.push(u8::from_str_radix(&hex, 16).map_or('?', char::from));
        } else {
            decoded.push(char::from(byte));
        }
    }
    let mut segments = Vec::new();
    for segment in decoded.replace('\\', "/").split(['/', '\0']) {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name.to_owned()),
        }
    }
    format!("/{}", segments.join("/"))
}

#[tokio::test]
async fn no_spelling_of_a_path_gets_past_a_rule() {
    let (gateway, origin) = guarded().await;
    let spellings = spellings();
    assert!(spellings.len() >= 200);

    let mut wire = Wire::connect(gateway.address()).await;
    for path in &spellings {
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
            .await;
        if wire
            .response()
            .await
            .is_none_or(|answer| answer.status == 400)
        {
            // What cannot be parsed ends its connection.
            wire = Wire::connect(gateway.address()).await;
        }
    }

    let past: Vec<_> = origin
        .requests()
        .into_iter()
        .map(|seen| seen.target)
        .filter(|target| careless(target).starts_with("/admin"))
        .collect();
    assert!(past.is_empty(), "{past:?}");
}

#[tokio::test]
async fn paths_reach_the_backend_in_their_normal_form() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for (raw, normal) in [
        ("/", "/"),
        ("/a/b?c=/../d//e", "/a/b?c=/../d//e"),
        ("/a/./b/../c", "/a/c"),
        ("/a//b///c/", "/a/b/c/"),
        ("/a/b/..", "/a/"),
        ("/a/%2e%2E/b", "/b"),
        ("/%7euser/%41%2d%5f", "/~user/A-_"),
        ("/caf%c3%a9?%c3", "/caf%C3%A9?%c3"),
        ("/a%20b%3Bc", "/a%20b%3Bc"),
        ("/a;b=c/d", "/a;b=c/d"),
        ("/a?", "/a?"),
        ("/a#b", "/a"),
    ] {
        wire.send(format!("GET {raw} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
            .await;
        assert_eq!(
            wire.response().await.unwrap().echo()["path"],
            normal,
            "{raw}"
        );
    }
}
