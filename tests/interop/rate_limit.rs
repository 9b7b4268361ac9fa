//! Envoy's own rate limit service, which counts in a Redis, behind the assembled gateway.

mod service;

use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::{Asked, Backend, BackendProtocol, BackendRef, BackendTarget};
use gateway_core::model::{Hostname, Policy, Route, Rule};
use gateway_filters::global_rate_limit::Descriptor;
use gateway_filters::inquiry::OnFailure;
use gateway_filters::{Answer, GlobalRateLimit};
use gateway_tests::{Client, Origin, PATIENCE, Reply, Site, TestGateway, patiently};
use http::Request;
use http_body_util::Empty;
use tokio::time::Instant;

use self::service::Limits;

/// A day, so that no test is under way when a window ends.
const SHOP: &str = r"
domain: shop
descriptors:
  - key: user
    rate_limit: {unit: day, requests_per_unit: 3}
  - key: plan
    value: free
    rate_limit: {unit: day, requests_per_unit: 2}
  - key: plan
    value: paid
    rate_limit: {unlimited: true}
  - key: method
    value: POST
    descriptors:
      - key: path
        rate_limit: {unit: day, requests_per_unit: 1}
  - key: blink
    rate_limit: {unit: second, requests_per_unit: 2}
";

fn descriptor<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Descriptor {
    let mut entries = entries.into_iter();
    entries
        .try_fold(Descriptor::new(), |descriptor, (key, value)| {
            descriptor.with_entry(key, value)
        })
        .unwrap()
}

fn closed() -> OnFailure {
    OnFailure::Deny(Answer::new(503).unwrap().with_text("nobody counts"))
}

fn limit(domain: &str, on_failure: OnFailure) -> GlobalRateLimit {
    let origin = "http://limits.test".parse().unwrap();
    GlobalRateLimit::new(origin, domain, on_failure).with_timeout(PATIENCE)
}

/// By each descriptor that there may be something to count by.
fn shop() -> GlobalRateLimit {
    limit("shop", closed())
        .with_headers(true)
        .with_descriptor(descriptor([("user", "%REQ(x-user)%")]))
        .with_descriptor(descriptor([("plan", "%REQ(x-plan)%")]))
        .with_descriptor(descriptor([("method", "%METHOD%"), ("path", "%PATH%")]))
        .with_descriptor(descriptor([("blink", "%REQ(x-blink)%")]))
}

/// A site of which every host has a limit of its own.
fn site<'a>(
    limits: &Limits,
    origin: &Origin,
    hosts: impl IntoIterator<Item = (&'a str, GlobalRateLimit)>,
) -> Site {
    let service = Backend::new([limits.address()]).with_protocol(BackendProtocol::H2c);
    let site = Site::new()
        .backend("origin", [origin.address()])
        .backend_of("limits", service);
    hosts.into_iter().fold(site, |site, (host, settings)| {
        let asked = Asked {
            settings,
            backend: BackendTarget::Backend("limits".into()),
        };
        let route = Route::new(host)
            .with_hostname(Hostname::new(host).unwrap())
            .with_policy(Policy::GlobalRateLimit(Arc::new(asked)))
            .with_rule(Rule::new().with_backend(BackendRef::new("origin".into())));
        site.route(route)
    })
}

async fn ask(client: &mut Client, host: &str, target: &str, fields: &[(&str, &str)]) -> Reply {
    let (method, path) = target.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path);
    let request = fields
        .iter()
        .fold(request.header("host", host), |request, (name, value)| {
            request.header(*name, *value)
        });
    let body = Empty::<bytes::Bytes>::new();
    client.call(request.body(body).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_for_what_descriptors_say() {
    let (limits, origin) = (Limits::start(SHOP).await, Origin::echo().await);
    let gateway = TestGateway::start(&site(&limits, &origin, [("shop.test", shop())]));
    let mut client = Client::http1(gateway.address()).await;

    let (ann, bob): (&[_], &[_]) = (&[("x-user", "ann")], &[("x-user", "bob")]);
    let (free, paid): (&[_], &[_]) = (&[("x-plan", "free")], &[("x-plan", "paid")]);
    let both = &[("x-user", "eve"), ("x-plan", "free")];
    let table: [(&str, &[_], _); 15] = [
        // Each value of a key is counted by itself,
        ("GET /", ann, 200),
        ("GET /", ann, 200),
        ("GET /", bob, 200),
        ("GET /", ann, 200),
        ("GET /", ann, 429),
        ("GET /", bob, 200),
        // unless the service names it; one of several limits is enough.
        ("GET /", free, 200),
        ("GET /", both, 200),
        ("GET /", both, 429),
        ("GET /", paid, 200),
        // Of two entries, the second one's limit is within the first.
        ("POST /cart", &[], 200),
        ("POST /cart", &[], 429),
        ("POST /other", &[], 200),
        ("GET /cart", &[], 200),
        // The service has no limit for it.
        ("GET /", &[("x-plan", "gold")], 200),
    ];
    for (row, (target, fields, status)) in table.into_iter().enumerate() {
        let reply = ask(&mut client, "shop.test", target, fields).await;
        assert_eq!(reply.status, status, "row {row}: {target} {fields:?}");
    }
    assert_eq!(origin.count(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_what_is_left() {
    let (limits, origin) = (Limits::start(SHOP).await, Origin::echo().await);
    let quiet = limit("shop", closed())
        .with_descriptor(descriptor([("user", "%REQ(x-user)%")]))
        .with_answer(Answer::new(503).unwrap().with_text("come back tomorrow"));
    let hosts = [("shop.test", shop()), ("quiet.test", quiet)];
    let gateway = TestGateway::start(&site(&limits, &origin, hosts));
    let mut client = Client::http1(gateway.address()).await;

    // Of the plan there is less left than of the user.
    let fields = [("x-user", "ann"), ("x-plan", "free")];
    for (status, left) in [(200, "1"), (200, "0"), (429, "0")] {
        let reply = ask(&mut client, "shop.test", "GET /", &fields).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.headers["ratelimit-limit"], "2");
        assert_eq!(reply.headers["ratelimit-remaining"], left);
        let reset = reply.headers["ratelimit-reset"].to_str().unwrap();
        assert!((1..=86_400).contains(&reset.parse().unwrap()), "{reset}");
        assert_eq!(reply.text().contains("rate limit exceeded"), status == 429);
    }

    let reply = ask(&mut client, "shop.test", "GET /", &[("x-plan", "paid")]).await;
    assert!(!reply.headers.contains_key("ratelimit-limit"));

    // The counts are the service's, whichever route asks.
    let reply = ask(&mut client, "quiet.test", "GET /", &[("x-user", "ann")]).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (503, "come back tomorrow")
    );
    assert!(!reply.headers.contains_key("ratelimit-limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_service_are_not_said_twice() {
    let (limits, origin) = (
        Limits::start_with(SHOP, &[("LIMIT_RESPONSE_HEADERS_ENABLED", "true")]).await,
        Origin::echo().await,
    );
    let gateway = TestGateway::start(&site(&limits, &origin, [("shop.test", shop())]));
    let mut client = Client::http1(gateway.address()).await;

    for status in [200, 200, 200, 429] {
        let reply = ask(&mut client, "shop.test", "GET /", &[("x-user", "ann")]).await;
        assert_eq!(reply.status, status);
        for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
            assert_eq!(reply.headers.get_all(name).iter().count(), 1, "{name}");
        }
        assert_eq!(reply.headers["ratelimit-limit"], "3");
    }
}

/// What is counted here is counted there.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_with_one_service_have_one_limit() {
    const LIMIT: usize = 50;
    let shared = format!(
        "domain: shared\ndescriptors:\n  - key: all\n    rate_limit: {{unit: day, requests_per_unit: {LIMIT}}}\n"
    );
    let (limits, origin) = (Limits::start(&shared).await, Origin::echo().await);
    let all = limit("shared", closed()).with_descriptor(descriptor([("all", "yes")]));
    let site = site(&limits, &origin, [("shop.test", all)]);
    let gateways = [TestGateway::start(&site), TestGateway::start(&site)];

    let clients = (0..8).map(|number| {
        let address = gateways[number % 2].address();
        tokio::spawn(async move {
            let mut client = Client::http1(address).await;
            let mut passed = 0;
            for _ in 0..20 {
                match ask(&mut client, "shop.test", "GET /", &[])
                    .await
                    .status
                    .as_u16()
                {
                    200 => passed += 1,
                    status => assert_eq!(status, 429),
                }
            }
            passed
        })
    });
    let mut passed = 0;
    for client in clients.collect::<Vec<_>>() {
        passed += client.await.unwrap();
    }

    assert_eq!((passed, origin.count()), (LIMIT, LIMIT));
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_is_over_counts_no_more() {
    let (limits, origin) = (Limits::start(SHOP).await, Origin::echo().await);
    let gateway = TestGateway::start(&site(&limits, &origin, [("shop.test", shop())]));
    let mut client = Client::http1(gateway.address()).await;
    let started = Instant::now();

    let (mut passed, mut refusals, mut refused) = (0_u32, 0, false);
    patiently("three windows", async {
        while refusals < 3 {
            let reply = ask(&mut client, "shop.test", "GET /", &[("x-blink", "1")]).await;
            match reply.status.as_u16() {
                200 => passed += 1,
                status => {
                    assert_eq!(
                        (status, &reply.headers["ratelimit-reset"]),
                        (429, &"1".parse().unwrap())
                    );
                    refusals += u32::from(!refused);
                }
            }
            refused = reply.status == 429;
        }
    })
    .await;

    // The first window had begun already; in each there is room for two.
    let windows = u32::try_from(started.elapsed().as_secs()).unwrap() + 2;
    assert!((3..=2 * windows).contains(&passed), "{passed} of {windows}");
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_it_is_as_was_chosen() {
    let (mut limits, origin) = (Limits::start(SHOP).await, Origin::echo().await);
    let by_user = |on_failure| {
        limit("shop", on_failure).with_descriptor(descriptor([("user", "%REQ(x-user)%")]))
    };
    let hosts = [
        ("closed.test", by_user(closed())),
        ("open.test", by_user(OnFailure::Allow)),
    ];
    let gateway = TestGateway::start(&site(&limits, &origin, hosts));
    let mut client = Client::http1(gateway.address()).await;
    let ann = [("x-user", "ann")];
    for _ in 0..2 {
        let reply = ask(&mut client, "closed.test", "GET /", &ann).await;
        assert_eq!(reply.status, 200);
    }

    limits.end_service().await;
    let reply = ask(&mut client, "closed.test", "GET /", &ann).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (503, "nobody counts")
    );
    for _ in 0..5 {
        let reply = ask(&mut client, "open.test", "GET /", &ann).await;
        assert_eq!(reply.status, 200);
    }

    // Back again, it knows what was counted, and not what was let through meanwhile.
    limits.start_service().await;
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let reply = ask(&mut client, "closed.test", "GET /", &ann).await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses, [200, 429]);

    // A service that cannot count says so, and that is no yes.
    limits.end_redis().await;
    let reply = ask(&mut client, "closed.test", "GET /", &ann).await;
    assert_eq!(reply.status, 503);
    let reply = ask(&mut client, "open.test", "GET /", &ann).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn service_that_hangs_is_not_waited_for() {
    let (limits, origin) = (Limits::start(SHOP).await, Origin::echo().await);
    let timeout = Duration::from_millis(300);
    let by_user = |on_failure| {
        limit("shop", on_failure)
            .with_timeout(timeout)
            .with_descriptor(descriptor([("user", "%REQ(x-user)%")]))
    };
    let hosts = [
        ("closed.test", by_user(closed())),
        ("open.test", by_user(OnFailure::Allow)),
    ];
    let gateway = TestGateway::start(&site(&limits, &origin, hosts));
    let mut client = Client::http1(gateway.address()).await;
    let ann = [("x-user", "ann")];

    limits.stop_service().await;
    for (host, status) in [("closed.test", 503), ("open.test", 200)] {
        let asked = Instant::now();
        let reply = ask(&mut client, host, "GET /", &ann).await;
        assert_eq!(reply.status, status, "{host}");
        assert!(asked.elapsed() >= timeout, "{host}: {:?}", asked.elapsed());
    }

    limits.continue_service().await;
    patiently("an answer in time", async {
        while ask(&mut client, "closed.test", "GET /", &ann).await.status == 503 {}
    })
    .await;
}
