//! Requests of other origins.

use crate::exchange::{Exchange, V1, get, request};
use crate::suite::check;

const ORIGIN: &str = "access-control-allow-origin";
const METHODS: &str = "access-control-allow-methods";
const HEADERS: &str = "access-control-allow-headers";
const CREDENTIALS: &str = "access-control-allow-credentials";

fn preflight(target: &str, origin: &str, method: &str) -> Exchange {
    request("OPTIONS", target)
        .header("Origin", origin)
        .header("access-control-request-method", method)
        .one_of(&[200, 204])
}

/// A preflight that asks for two headers.
fn with_headers(target: &str, origin: &str, method: &str) -> Exchange {
    let headers = "x-header-1, x-header-2";
    preflight(target, origin, method).header("access-control-request-headers", headers)
}

fn from(origin: &str, method: &str, target: &str) -> Exchange {
    request(method, target).header("Origin", origin).reaches(V1)
}

/// What the first route allows.
fn allowed(origin: &str) -> Exchange {
    with_headers("/cors-1", origin, "GET")
        .answers(ORIGIN, origin)
        .answers_one_of(METHODS, &["GET, OPTIONS", "OPTIONS, GET"])
        .answers_one_of(HEADERS, REQUESTED)
        .answers_one_of(
            "access-control-expose-headers",
            &["x-header-3, x-header-4", "x-header-4, x-header-3"],
        )
        .answers("access-control-max-age", "3600")
        .answers(CREDENTIALS, "true")
}

const REQUESTED: &[&str] = &["x-header-1, x-header-2", "x-header-2, x-header-1"];

/// The two origins that the first route allows, in a request of its own.
fn simple(origin: &str) -> Exchange {
    get("/cors-1")
        .header("Origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-header-1, x-header-2")
        .reaches(V1)
}

#[tokio::test]
async fn httproute_cors() {
    let (foo, bar, other) = (
        "https://www.foo.com",
        "https://www.bar.com",
        "https://foobar.com",
    );
    let (ported, sub) = ("https://foobar.com:12345", "https://other.foo.com");
    let wild = "/cors-wildcard-origin";
    let all = "/cors-wildcard-methods-headers";
    let unauth = "/cors-wildcard-methods-headers-unauth";
    let (put, any_put) = (&["PUT"][..], &["PUT", "*"][..]);
    check(
        "httproute-cors",
        "same-namespace",
        &[
            "cors-multiple-origins-methods-headers",
            "cors-wildcard-methods",
            "cors-wildcard-origin",
            "cors-wildcard-methods-headers",
        ],
        [
            allowed(foo),
            allowed(bar),
            allowed("https://xpto.www.bar.com"),
            preflight("/cors-1", other, "GET")
                .one_of(&[200, 204, 403])
                .answers_without(&[ORIGIN]),
            simple(foo).answers(ORIGIN, foo),
            simple(bar).answers(ORIGIN, bar),
            from(other, "GET", "/cors-1")
                .header("access-control-request-method", "GET")
                .answers_without(&[ORIGIN]),
            preflight("/cors-2", foo, "POST")
                .answers(ORIGIN, foo)
                .answers_one_of(METHODS, &["POST", "*"])
                .answers_without(&[CREDENTIALS]),
            preflight(wild, other, "PUT")
                .answers_one_of(ORIGIN, &[other, "*"])
                .answers_one_of(METHODS, put)
                .answers_without(&[CREDENTIALS]),
            preflight(wild, ported, "PUT")
                .answers_one_of(ORIGIN, &[ported, "*"])
                .answers_one_of(METHODS, put)
                .answers_without(&[CREDENTIALS]),
            from(ported, "PUT", wild).answers_one_of(ORIGIN, &[ported, "*"]),
            from(other, "PUT", wild)
                .answers_one_of(ORIGIN, &[other, "*"])
                .answers_without(&[CREDENTIALS]),
            with_headers(all, sub, "PUT")
                .answers(ORIGIN, sub)
                .answers_one_of(METHODS, put)
                .answers_one_of(HEADERS, REQUESTED)
                .answers(CREDENTIALS, "true"),
            with_headers(unauth, sub, "PUT")
                .answers_one_of(ORIGIN, &[sub, "*"])
                .answers_one_of(METHODS, any_put)
                .answers_one_of(HEADERS, &[REQUESTED[0], REQUESTED[1], "*"])
                .answers_without(&[CREDENTIALS]),
            from(sub, "GET", all)
                .answers(ORIGIN, sub)
                .answers(CREDENTIALS, "true"),
            from(sub, "GET", unauth)
                .answers_one_of(ORIGIN, &[sub, "*"])
                .answers_without(&[CREDENTIALS]),
        ],
    )
    .await;
}
