use std::num::NonZeroU16;

use http::{Request, Response};
use proptest::prelude::*;
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use super::*;
use crate::context::{RouteContext, Scheme};
use crate::path::PathModifier;

fn get(uri: &str, host: &str) -> Request<()> {
    let request = Request::get(uri).header("host", host).body(());
    request.expect("valid")
}

fn location(redirect: &Redirect, request: &Request<()>, context: &RouteContext) -> String {
    let location = redirect.location(request, context).expect("known host");
    location.to_str().expect("ascii").to_owned()
}

fn port(port: u16) -> NonZeroU16 {
    NonZeroU16::new(port).expect("not zero")
}

#[test]
fn port_follows_the_rules_of_the_api() {
    use Scheme::{Http, Https};

    // HTTPRequestRedirectFilter.port: client's scheme, listener port, scheme and port that are
    // set, location.
    let table = [
        (Http, 80, None, None, "http://a.b/"),
        (Http, 8080, None, None, "http://a.b:8080/"),
        (Https, 443, None, None, "https://a.b/"),
        (Https, 8443, None, None, "https://a.b:8443/"),
        (Https, 80, None, None, "https://a.b:80/"),
        (Http, 8080, Some(Http), None, "http://a.b/"),
        (Http, 8080, Some(Https), None, "https://a.b/"),
        (Https, 443, Some(Http), None, "http://a.b/"),
        (Http, 8080, None, Some(80), "http://a.b/"),
        (Http, 8080, None, Some(443), "http://a.b:443/"),
        (Http, 80, None, Some(8083), "http://a.b:8083/"),
        (Http, 80, Some(Https), Some(443), "https://a.b/"),
        (Http, 80, Some(Https), Some(80), "https://a.b:80/"),
        (Https, 443, None, Some(443), "https://a.b/"),
        (Https, 443, Some(Https), Some(8443), "https://a.b:8443/"),
    ];

    for (client, listener, to_scheme, to_port, expected) in table {
        let context = RouteContext::new()
            .with_scheme(client)
            .with_listener_port(listener);
        let redirect = Redirect {
            scheme: to_scheme,
            port: to_port.map(port),
            ..Redirect::new()
        };

        // The port the client wrote is not the listener's, and must not matter.
        assert_eq!(
            location(&redirect, &get("/", "a.b:1234"), &context),
            expected
        );
    }
}

#[test]
fn port_of_the_request_stands_in_for_an_unknown_listener() {
    let redirect = Redirect::new().with_hostname("c.d").expect("valid");

    assert_eq!(
        location(&redirect, &get("/x", "a.b:8000"), &RouteContext::new()),
        "http://c.d:8000/x"
    );
}

#[test]
fn hostname_takes_the_place_of_the_host() {
    let redirect = Redirect::new().with_hostname("Example.org").expect("valid");
    let context = RouteContext::new().with_listener_port(80);

    assert_eq!(
        location(&redirect, &get("/x", "a.b"), &context),
        "http://example.org/x"
    );
}

#[test]
fn hostname_is_enough_for_a_request_without_host() {
    let redirect = Redirect::new().with_hostname("c.d").expect("valid");
    let request = Request::get("/x").body(()).expect("valid");

    assert_eq!(
        location(&redirect, &request, &RouteContext::new()),
        "http://c.d/x"
    );
}

#[test]
fn brackets_of_an_ipv6_host_stay() {
    let context = RouteContext::new().with_listener_port(8080);

    assert_eq!(
        location(&Redirect::new(), &get("/", "[2001:db8::1]:80"), &context),
        "http://[2001:db8::1]:8080/"
    );
}

#[test]
fn path_is_modified_and_the_query_is_kept() {
    let path = PathModifier::replace_prefix_match("/new").expect("valid");
    let redirect = Redirect::new().with_path(path);
    let context = RouteContext::new().with_matched_prefix("/old");

    assert_eq!(
        location(&redirect, &get("/old/x?a=/old&b", "a.b"), &context),
        "http://a.b/new/x?a=/old&b"
    );
}

#[test]
fn authority_of_the_uri_is_the_host() {
    let request = Request::get("https://a.b:8443/x").body(()).expect("valid");

    let context = RouteContext::of(&request);

    assert_eq!(
        location(&Redirect::new(), &request, &context),
        "https://a.b:8443/x"
    );
}

#[test]
fn raw_utf8_is_escaped() {
    assert_eq!(
        location(&Redirect::new(), &get("/ä?ö", "a.b"), &RouteContext::new()),
        "http://a.b/%C3%A4?%C3%B6"
    );
}

#[test]
fn asterisk_is_no_path() {
    assert_eq!(
        location(&Redirect::new(), &get("*", "a.b"), &RouteContext::new()),
        "http://a.b"
    );
}

#[test]
fn unreadable_host_is_refused() {
    for host in ["", "a b", "user@a.b", "a.b:port", "a.b/evil"] {
        let refused = Redirect::new().location(&get("/", host), &RouteContext::new());

        assert_eq!(refused, Err(UnknownHost), "{host:?}");
    }
}

#[test]
fn statuses_are_those_of_the_api() {
    let known: Vec<u16> = (0..1_000)
        .filter(|code| RedirectStatus::try_from(*code).is_ok_and(|status| status.code() == *code))
        .collect();

    assert_eq!(known, [301, 302, 303, 307, 308]);
    assert_eq!(Redirect::new().status().code(), 302);
}

#[tokio::test]
async fn service_answers_without_the_inner_one() {
    let redirect = Redirect::new().with_status(RedirectStatus::PermanentRedirect);
    let service = ServiceBuilder::new()
        .layer(RedirectLayer::new(redirect))
        .service(service_fn(|_: Request<()>| async {
            Err::<Response<String>, BoxError>("must not be reached".into())
        }));

    let response = service.oneshot(get("/x", "a.b")).await.expect("answered");

    assert_eq!(response.status(), 308);
    assert_eq!(response.headers()["location"], "http://a.b/x");
    assert_eq!(response.body(), "");
}

#[tokio::test]
async fn service_refuses_a_request_without_host() {
    let service = ServiceBuilder::new()
        .layer(RedirectLayer::new(Redirect::new()))
        .service(service_fn(|_: Request<()>| async {
            Ok::<_, BoxError>(Response::new(()))
        }));

    let error = service
        .oneshot(Request::new(()))
        .await
        .expect_err("no host");

    assert!(error.is::<UnknownHost>(), "{error}");
}

prop_compose! {
    fn redirects()(
        scheme in prop::option::of(schemes()),
        hostname in prop::option::of("[a-z]{1,3}(\\.[a-z]{1,3})?"),
        path in prop::option::of("(/[a-z]{1,3}){0,2}/?"),
        full: bool,
        to_port in prop::option::of(1..=u16::MAX),
    ) -> Redirect {
        let mut redirect = Redirect { scheme, port: to_port.map(port), ..Redirect::new() };
        if let Some(hostname) = hostname {
            redirect = redirect.with_hostname(&hostname).expect("valid");
        }
        match path {
            Some(path) if full => {
                redirect.with_path(PathModifier::replace_full_path(&path).expect("valid"))
            }
            Some(path) => {
                redirect.with_path(PathModifier::replace_prefix_match(&path).expect("valid"))
            }
            None => redirect,
        }
    }
}

fn schemes() -> impl Strategy<Value = Scheme> {
    prop_oneof![Just(Scheme::Http), Just(Scheme::Https)]
}

fn targets() -> impl Strategy<Value = String> {
    "(/[a-zA-Z0-9ä%\"{}|.]{0,4}){1,4}(\\?[a-z=/?ä]{0,6})?"
}

proptest! {
    /// The location is an absolute URI whose parts are those that were asked for.
    #[test]
    fn location_reads_back_as_what_was_asked(
        redirect in redirects(),
        target in targets(),
        host in "[a-z0-9.-]{1,8}|\\[::[0-9a-f]{1,4}\\]",
        client in schemes(),
        listener in 1..=u16::MAX,
    ) {
        let request = get(&target, &host);
        let context = RouteContext::new().with_scheme(client).with_listener_port(listener);

        let uri: http::Uri = location(&redirect, &request, &context).parse().expect("a URI");

        let scheme = redirect.scheme.unwrap_or(client);
        prop_assert_eq!(uri.scheme_str(), Some(scheme.as_str()));
        let hostname = redirect.hostname.as_ref().map(|name| name.as_str());
        prop_assert_eq!(uri.host(), Some(hostname.unwrap_or(&host)));
        let wanted = match (redirect.port, redirect.scheme) {
            (Some(port), _) => port.get(),
            (None, Some(scheme)) => scheme.default_port(),
            (None, None) => listener,
        };
        prop_assert_eq!(uri.port_u16().unwrap_or(scheme.default_port()), wanted);
        prop_assert_ne!(uri.port_u16(), Some(scheme.default_port()));
        let query = request.uri().query().map(|query| query.replace('ä', "%C3%A4"));
        prop_assert_eq!(uri.query(), query.as_deref());
    }

    /// Whatever host a client writes, it is refused or stands in the location as a host alone.
    #[test]
    fn any_host_is_refused_or_only_a_host(host in "[ -~]{0,10}") {
        let outcome = Redirect::new().location(&get("/x", &host), &RouteContext::new());

        if let Ok(location) = outcome {
            let uri: http::Uri = location.to_str().expect("ascii").parse().expect("a URI");
            let authority: http::uri::Authority = host.parse().expect("an authority");
            prop_assert_eq!(uri.host(), Some(authority.host()));
            prop_assert_eq!(uri.path(), "/x");
        }
    }
}
