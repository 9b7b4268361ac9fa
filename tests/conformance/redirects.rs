//! Redirects.

use gateway_tests::TlsClient;

use crate::exchange::{get, request};
use crate::keys::KEYS;
use crate::suite::{Suite, check};

const GATEWAY: &str = "same-namespace";

#[tokio::test]
async fn httproute_redirect_host_and_status() {
    check(
        "httproute-redirect-host-and-status",
        GATEWAY,
        &["redirect-host-and-status"],
        [
            get("/hostname-redirect")
                .redirects(302)
                .at_host("example.org"),
            get("/host-and-status")
                .redirects(301)
                .at_host("example.org"),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_redirect_path() {
    check(
        "httproute-redirect-path",
        GATEWAY,
        &["redirect-path"],
        [
            get("/original-prefix/lemon")
                .redirects(302)
                .at_path("/replacement-prefix/lemon"),
            get("/full/path/original")
                .redirects(302)
                .at_path("/full-path-replacement"),
            get("/path-and-host")
                .redirects(302)
                .at_host("example.org")
                .at_path("/replacement-prefix"),
            get("/path-and-status")
                .redirects(301)
                .at_path("/replacement-prefix"),
            get("/full-path-and-host")
                .redirects(302)
                .at_host("example.org")
                .at_path("/replacement-full"),
            get("/full-path-and-status")
                .redirects(301)
                .at_path("/replacement-full"),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_redirect_port() {
    check(
        "httproute-redirect-port",
        GATEWAY,
        &["redirect-port"],
        [
            get("/port").redirects(302).at_port(8083),
            get("/port-and-host")
                .redirects(302)
                .at_host("example.org")
                .at_port(8083),
            get("/port-and-status").redirects(301).at_port(8083),
            get("/port-and-host-and-status")
                .redirects(302)
                .at_host("example.org")
                .at_port(8083),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_redirect_scheme() {
    check(
        "httproute-redirect-scheme",
        GATEWAY,
        &["redirect-scheme"],
        [
            get("/scheme").redirects(302).at_scheme("https"),
            get("/scheme-and-host")
                .redirects(302)
                .at_scheme("https")
                .at_host("example.org"),
            get("/scheme-and-status").redirects(301).at_scheme("https"),
            get("/scheme-and-host-and-status")
                .redirects(302)
                .at_scheme("https")
                .at_host("example.org"),
        ],
    )
    .await;
}

/// Without the third Gateway of the suite's test, which speaks HTTPS.
#[tokio::test]
async fn httproute_redirect_port_and_scheme() {
    let Some(suite) = Suite::start(&["httproute-redirect-port-and-scheme"]).await else {
        return;
    };
    let to = |target: &str| get(target).redirects(302).at_host("example.org");

    let route = "http-route-for-listener-on-port-80";
    let address = suite.accepted(GATEWAY, &[route]);
    suite.resolved(GATEWAY, route);
    let exchanges = [
        to("/scheme-nil-and-port-nil"),
        to("/scheme-nil-and-port-80"),
        to("/scheme-nil-and-port-8080").at_port(8080),
        to("/scheme-https-and-port-nil").at_scheme("https"),
        to("/scheme-https-and-port-443").at_scheme("https"),
        to("/scheme-https-and-port-8443")
            .at_scheme("https")
            .at_port(8443),
    ];
    suite.expect(address, exchanges).await;

    let gateway = "same-namespace-with-http-listener-on-8080";
    let route = "http-route-for-listener-on-port-8080";
    let address = suite.accepted(gateway, &[route]);
    suite.resolved(gateway, route);
    let exchanges = [
        to("/scheme-nil-and-port-nil").at_port(8080),
        to("/scheme-nil-and-port-80"),
        to("/scheme-https-and-port-nil").at_scheme("https"),
    ];
    suite.expect(address, exchanges).await;

    let gateway = "same-namespace-with-https-listener";
    let route = "http-route-for-listener-on-port-443";
    let address = suite.accepted(gateway, &[route]);
    suite.resolved(gateway, route);
    let client = TlsClient::trusting(&KEYS.listeners);
    let exchanges = [
        to("/scheme-nil-and-port-nil").at_scheme("https"),
        to("/scheme-nil-and-port-443").at_scheme("https"),
        to("/scheme-nil-and-port-8443")
            .at_scheme("https")
            .at_port(8443),
        to("/scheme-http-and-port-nil"),
        to("/scheme-http-and-port-80"),
        to("/scheme-http-and-port-8080").at_port(8080),
    ];
    let host = "example.org";
    let exchanges = exchanges.map(|one| one.host(host).over_tls(&client, host));
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn httproute_303_redirect() {
    let exchange = request("POST", "/see-other").redirects(303);
    check(
        "httproute-303-redirect",
        GATEWAY,
        &["303-redirect"],
        [exchange],
    )
    .await;
}

#[tokio::test]
async fn httproute_307_redirect() {
    let exchange = get("/temporary").redirects(307);
    check(
        "httproute-307-redirect",
        GATEWAY,
        &["307-redirect"],
        [exchange],
    )
    .await;
}

#[tokio::test]
async fn httproute_308_redirect() {
    let exchange = get("/permanent").redirects(308);
    check(
        "httproute-308-redirect",
        GATEWAY,
        &["308-redirect"],
        [exchange],
    )
    .await;
}
