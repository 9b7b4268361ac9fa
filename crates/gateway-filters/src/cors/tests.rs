use std::convert::Infallible;
use std::time::Duration;

use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;

const ALLOW_ORIGIN: &str = "access-control-allow-origin";
const ALLOW_METHODS: &str = "access-control-allow-methods";
const ALLOW_HEADERS: &str = "access-control-allow-headers";
const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
const EXPOSE_HEADERS: &str = "access-control-expose-headers";
const MAX_AGE: &str = "access-control-max-age";

fn cors(build: impl FnOnce(Cors) -> Result<Cors, InvalidCors>) -> Cors {
    build(Cors::new()).expect("valid")
}

fn stars() -> Cors {
    cors(|c| {
        c.allow_origin("*")?
            .allow_method("*")?
            .allow_header("*")?
            .expose_header("*")
    })
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    pairs.iter().map(pair).collect()
}

fn ask(origin: &'static str) -> HeaderMap {
    headers(&[
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-a,authorization"),
    ])
}

fn preflight(cors: &Cors, request: &HeaderMap) -> HeaderMap {
    match cors.request(&Method::OPTIONS, request) {
        CorsStep::Answer(preflight) => preflight.headers().clone(),
        CorsStep::Forward(_) => panic!("a preflight must be answered"),
    }
}

fn forwarded(cors: &Cors, request: &HeaderMap, mut response: HeaderMap) -> HeaderMap {
    match cors.request(&Method::GET, request) {
        CorsStep::Forward(cors) => cors.apply(&mut response),
        CorsStep::Answer(_) => panic!("only a preflight may be answered"),
    }
    response
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let values = headers.get_all(name).iter();
    values.map(|value| value.to_str().expect("text")).collect()
}

#[test]
fn preflight_tells_all_settings() {
    let cors = cors(|c| {
        c.allow_origin("https://a.b")?
            .allow_method("GET")?
            .allow_method("PUT")?
            .allow_header("X-A")?
            .allow_header("x-b")?
            .expose_header("x-c")?
            .expose_header("X-D")
    })
    .with_max_age(Duration::from_mins(1))
    .with_credentials(true);

    let expected = headers(&[
        (ALLOW_ORIGIN, "https://a.b"),
        (ALLOW_METHODS, "GET, PUT"),
        (ALLOW_HEADERS, "X-A, x-b"),
        (EXPOSE_HEADERS, "x-c, X-D"),
        (ALLOW_CREDENTIALS, "true"),
        (MAX_AGE, "60"),
        ("vary", "origin"),
    ]);
    assert_eq!(preflight(&cors, &ask("https://a.b")), expected);
}

#[test]
fn preflight_without_settings_tells_only_origin_and_age() {
    let cors = cors(|c| c.allow_origin("https://a.b"));

    let expected = headers(&[
        (ALLOW_ORIGIN, "https://a.b"),
        (MAX_AGE, "5"),
        ("vary", "origin"),
    ]);
    assert_eq!(preflight(&cors, &ask("https://a.b")), expected);
}

#[test]
fn preflight_of_another_origin_is_told_nothing() {
    let cors = cors(|c| c.allow_origin("https://a.b")?.allow_method("*")).with_credentials(true);

    let answer = preflight(&cors, &ask("https://c.d"));

    assert_eq!(answer, headers(&[("vary", "origin")]));
}

#[test]
fn without_origins_nobody_is_allowed() {
    let answer = preflight(&Cors::new(), &ask("https://a.b"));

    assert_eq!(answer, headers(&[("vary", "origin")]));
}

#[test]
fn stars_are_sent_without_credentials() {
    let expected = headers(&[
        (ALLOW_ORIGIN, "*"),
        (ALLOW_METHODS, "*"),
        (ALLOW_HEADERS, "x-a,authorization"),
        (EXPOSE_HEADERS, "*"),
        (MAX_AGE, "5"),
        ("vary", "access-control-request-headers"),
    ]);
    assert_eq!(preflight(&stars(), &ask("https://a.b")), expected);
}

#[test]
fn request_is_echoed_with_credentials() {
    let answer = preflight(&stars().with_credentials(true), &ask("https://a.b"));

    assert_eq!(answer[ALLOW_ORIGIN], "https://a.b");
    assert_eq!(answer[ALLOW_METHODS], "PUT");
    assert_eq!(answer[ALLOW_HEADERS], "x-a,authorization");
    assert_eq!(answer[ALLOW_CREDENTIALS], "true");
    assert!(!answer.contains_key(EXPOSE_HEADERS));
    assert_eq!(
        all(&answer, "vary"),
        [
            "origin",
            "access-control-request-method",
            "access-control-request-headers"
        ]
    );
}

#[test]
fn headers_not_asked_for_are_not_allowed_with_credentials() {
    let mut request = ask("https://a.b");
    request.remove("access-control-request-headers");

    let with = preflight(&stars().with_credentials(true), &request);
    let without = preflight(&stars(), &request);

    assert!(!with.contains_key(ALLOW_HEADERS));
    assert_eq!(without[ALLOW_HEADERS], "*");
}

#[test]
fn options_without_a_requested_method_is_forwarded() {
    let request = headers(&[("origin", "https://a.b")]);

    let step = stars().request(&Method::OPTIONS, &request);

    assert!(matches!(step, CorsStep::Forward(_)), "{step:?}");
}

#[test]
fn options_without_an_origin_is_forwarded() {
    let request = headers(&[("access-control-request-method", "PUT")]);

    let step = stars().request(&Method::OPTIONS, &request);

    assert!(matches!(step, CorsStep::Forward(_)), "{step:?}");
}

#[test]
fn response_tells_origin_credentials_and_exposed_headers() {
    let cors = cors(|c| {
        c.allow_origin("https://*.b")?
            .allow_method("PUT")?
            .expose_header("x-c")
    })
    .with_credentials(true);

    let response = forwarded(&cors, &ask("https://a.b"), HeaderMap::new());

    let expected = headers(&[
        (ALLOW_ORIGIN, "https://a.b"),
        (ALLOW_CREDENTIALS, "true"),
        (EXPOSE_HEADERS, "x-c"),
        ("vary", "origin"),
    ]);
    assert_eq!(response, expected);
}

#[test]
fn headers_of_the_backend_are_replaced() {
    let backend = headers(&[
        (ALLOW_ORIGIN, "*"),
        (ALLOW_CREDENTIALS, "true"),
        (EXPOSE_HEADERS, "x-z"),
        ("x-kept", "1"),
    ]);
    let cors = cors(|c| c.allow_origin("https://a.b")?.expose_header("x-c"));

    let response = forwarded(&cors, &ask("https://a.b"), backend);

    let expected = headers(&[
        (ALLOW_ORIGIN, "https://a.b"),
        (EXPOSE_HEADERS, "x-c"),
        ("x-kept", "1"),
        ("vary", "origin"),
    ]);
    assert_eq!(response, expected);
}

#[test]
fn backend_cannot_allow_an_origin_that_is_not_allowed() {
    let cors = cors(|c| c.allow_origin("https://a.b"));
    let backend = headers(&[(ALLOW_ORIGIN, "*"), ("x-kept", "1")]);

    let response = forwarded(&cors, &ask("https://c.d"), backend);

    assert_eq!(response, headers(&[("x-kept", "1"), ("vary", "origin")]));
}

#[test]
fn response_without_origin_only_varies() {
    let cors = cors(|c| c.allow_origin("https://a.b")?.expose_header("x-c"));
    let backend = headers(&[(ALLOW_ORIGIN, "*")]);

    let response = forwarded(&cors, &HeaderMap::new(), backend);

    assert_eq!(
        response,
        headers(&[(ALLOW_ORIGIN, "*"), ("vary", "origin")])
    );
}

#[test]
fn star_of_the_origin_varies_only_by_its_absence() {
    let with = forwarded(&stars(), &ask("https://a.b"), HeaderMap::new());
    let without = forwarded(&stars(), &HeaderMap::new(), HeaderMap::new());

    assert!(!with.contains_key(VARY));
    assert_eq!(without, headers(&[("vary", "origin")]));
}

#[test]
fn every_header_is_exposed_by_name_with_credentials() {
    let backend = headers(&[
        ("content-type", "text/plain"),
        ("set-cookie", "a=b"),
        ("x-a", "1"),
        ("etag", "2"),
    ]);

    let response = forwarded(
        &stars().with_credentials(true),
        &ask("https://a.b"),
        backend,
    );

    let mut exposed: Vec<_> = all(&response, EXPOSE_HEADERS)[0].split(", ").collect();
    exposed.sort_unstable();
    assert_eq!(exposed, ["etag", "x-a"]);
}

#[test]
fn vary_is_not_said_twice() {
    let cors = cors(|c| c.allow_origin("https://a.b"));

    for said in ["Origin", "accept , ORIGIN", "*"] {
        let response = forwarded(&cors, &ask("https://a.b"), headers(&[("vary", said)]));

        assert_eq!(all(&response, "vary"), [said]);
    }
}

#[test]
fn items_that_are_no_tokens_are_refused() {
    let method = Cors::new().allow_method("GET PUT").expect_err("no token");
    let header = Cors::new().allow_header(":path").expect_err("no token");
    let exposed = Cors::new().expose_header("").expect_err("no token");

    assert_eq!(method.to_string(), "\"GET PUT\" is not a method");
    assert_eq!(header.to_string(), "\":path\" is not a header name");
    assert_eq!(exposed.to_string(), "\"\" is not a header name");
}

#[test]
fn star_makes_other_items_superfluous() {
    let mixed = cors(|c| {
        c.allow_origin("https://a.b")?
            .allow_origin("*")?
            .allow_origin("https://c.d")?
            .allow_method("PUT")?
            .allow_method("*")?
            .allow_method("GET")?
            .allow_header("*")?
            .allow_header("x-a")?
            .expose_header("*")
    });

    assert_eq!(mixed, stars());
}

#[tokio::test]
async fn preflight_does_not_reach_the_backend() {
    let service = ServiceBuilder::new()
        .layer(CorsLayer::new(stars()))
        .service(service_fn(|_: Request<()>| async {
            Err::<Response<String>, _>("must not be reached")
        }));
    let mut request = Request::new(());
    *request.method_mut() = Method::OPTIONS;
    *request.headers_mut() = ask("https://a.b");

    let response = service.oneshot(request).await.expect("answered");

    assert_eq!(response.status(), 204);
    assert_eq!(response.body(), "");
    assert_eq!(response.headers()[ALLOW_METHODS], "*");
}

#[tokio::test]
async fn refused_origin_still_reaches_the_backend() {
    let service = ServiceBuilder::new()
        .layer(CorsLayer::new(cors(|c| c.allow_origin("https://a.b"))))
        .service(service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new("body"))
        }));
    let mut request = Request::new(());
    *request.headers_mut() = ask("https://c.d");

    let response = service.oneshot(request).await.expect("infallible");

    assert_eq!(*response.body(), "body");
    assert!(!response.headers().contains_key(ALLOW_ORIGIN));
}

fn origins() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*",
        "https://a.b",
        "https://*.b",
        "http://*",
        "http://a.b:8080",
    ])
}

fn items() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["*", "X-A", "PUT"]), 0..3)
}

prop_compose! {
    fn settings()(
        origins in prop::collection::vec(origins(), 0..3),
        methods in items(),
        names in items(),
        exposed in items(),
        credentials: bool,
    ) -> Cors {
        let mut cors = Cors::new().with_credentials(credentials);
        for origin in origins {
            cors = cors.allow_origin(origin).expect("valid");
        }
        for method in methods {
            cors = cors.allow_method(method).expect("valid");
        }
        for name in names {
            cors = cors.allow_header(name).expect("valid");
        }
        for name in exposed {
            cors = cors.expose_header(name).expect("valid");
        }
        cors
    }
}

prop_compose! {
    fn requests()(
        origin in prop::option::of("https?://[ac]\\.b(:8080)?|null"),
        method in prop::option::of("PUT|GET"),
        names in prop::option::of("x-a|x-b"),
    ) -> HeaderMap {
        let mut request = HeaderMap::new();
        for (name, value) in [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", names),
        ] {
            if let Some(value) = value {
                request.insert(name, value.parse().expect("text"));
            }
        }
        request
    }
}

fn answered(cors: &Cors, request: &HeaderMap, backend: &HeaderMap) -> HeaderMap {
    match cors.request(&Method::OPTIONS, request) {
        CorsStep::Answer(preflight) => preflight.into_response::<()>().headers().clone(),
        CorsStep::Forward(cors) => {
            let mut response = backend.clone();
            cors.apply(&mut response);
            response
        }
    }
}

fn backends() -> impl Strategy<Value = HeaderMap> {
    prop::sample::subsequence(
        vec![
            (ALLOW_ORIGIN, "*"),
            (ALLOW_CREDENTIALS, "true"),
            (EXPOSE_HEADERS, "*"),
            ("vary", "accept"),
            ("x-a", "1"),
        ],
        0..=5,
    )
    .prop_map(|pairs| headers(&pairs))
}

proptest! {
    /// Where there was an origin, a browser is never told `*` and `true` together, the backend's
    /// word does not count, and no CORS header comes twice.
    #[test]
    fn browsers_get_one_coherent_answer(
        cors in settings(),
        request in requests(),
        backend in backends(),
    ) {
        let answer = answered(&cors, &request, &backend);

        if let Some(origin) = request.get("origin") {
            let told = answer.get(ALLOW_ORIGIN);
            prop_assert_eq!(told.is_some(), cors.origins.allow(origin));
            prop_assert!(told.is_none_or(|told| told == origin || told == "*"));
            prop_assert_eq!(
                answer.contains_key(ALLOW_CREDENTIALS),
                told.is_some() && cors.credentials
            );
            for name in [ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS, EXPOSE_HEADERS, MAX_AGE] {
                prop_assert!(answer.get_all(name).iter().count() <= 1);
                if cors.credentials {
                    prop_assert!(answer.get(name).is_none_or(|value| value != "*"));
                }
                if told.is_none() {
                    prop_assert!(!answer.contains_key(name));
                }
            }
        }
    }

    /// An answer without `Vary: origin` is the same for every origin.
    #[test]
    fn answers_vary_or_are_the_same(
        cors in settings(),
        request in requests(),
        origin in "https?://[ac]\\.b",
        backend in backends(),
    ) {
        let answer = answered(&cors, &request, &backend);

        if !all(&answer, "vary").contains(&"origin") {
            let mut other = request.clone();
            other.insert("origin", origin.parse().expect("text"));

            prop_assert_eq!(answer, answered(&cors, &other, &backend));
        }
    }

    /// Without an origin nothing changes but `Vary`, whatever the settings.
    #[test]
    fn other_requests_are_left_alone(
        cors in settings(),
        mut request in requests(),
        backend in backends(),
    ) {
        request.remove("origin");

        let mut answer = answered(&cors, &request, &backend);

        let mut expected = backend;
        answer.remove(VARY);
        expected.remove(VARY);
        prop_assert_eq!(answer, expected);
    }
}
