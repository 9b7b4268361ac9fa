//! Listeners of HTTPS, and who may speak to them.

use std::net::SocketAddr;

use gateway_k8s::verdict::ConditionType::{
    Accepted, InsecureFrontendValidationMode, Programmed, ResolvedRefs,
};
use gateway_k8s::verdict::Reason;
use gateway_tests::{Client, TlsClient};

use crate::cluster::INFRA;
use crate::exchange::{Exchange, V1, V2, V3, get};
use crate::keys::KEYS;
use crate::status::{False, True, is};
use crate::suite::Suite;

fn client() -> TlsClient {
    TlsClient::trusting(&KEYS.listeners)
}

/// A client that shows what is in a Secret.
fn client_with(secret: &str) -> TlsClient {
    client().with_identity(KEYS.issued(INFRA, secret))
}

fn request(client: &TlsClient, name: &str) -> Exchange {
    get("/").host(name).over_tls(client, name)
}

/// Nothing comes of a request, whether TLS fails or what is inside.
async fn is_refused(client: &TlsClient, gateway: SocketAddr, name: &str) {
    for _ in 0..3 {
        if let Ok(stream) = client.connect(gateway, name).await {
            let mut http = Client::http1_over(stream).await;
            assert!(!http.is_answered(Client::request("/")).await);
        }
    }
}

#[tokio::test]
async fn httproute_https_listener() {
    let Some(suite) = Suite::start(&["httproute-https-listener"]).await else {
        return;
    };
    let gateway = "same-namespace-with-https-listener";
    let routes = ["httproute-https-test", "httproute-https-test-no-hostname"];
    let address = suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }
    let client = client();
    let exchanges = [
        request(&client, "example.org").reaches(V1),
        request(&client, "unknown-example.org").is(404),
        request(&client, "second-example.org").reaches(V2),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn httproute_https_listener_detect_misdirected_requests() {
    let name = "httproute-https-listener-detect-misdirected-requests";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "same-namespace-with-https-listener";
    let routes =
        [1, 2, 3, 4].map(|n| format!("https-listener-detect-misdirected-requests-test-{n}"));
    let routes: Vec<_> = routes.iter().map(String::as_str).collect();
    let address = suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }

    let client = client();
    let ask = |name: &str, host: &str| {
        let exchange = get("/detect-misdirected-requests").over_http2();
        exchange.host(host).over_tls(&client, name)
    };
    let (second, third) = ("second-example.org", "third-example.wildcard.org");
    let (fourth, fifth) = ("fourth-example.wildcard.org", "fith-example.wildcard.org");
    let unknown = "unknown-example.org";
    let exchanges = [
        ask("example.org", "example.org").reaches(V1),
        ask("example.org", second).is(421),
        ask("example.org", unknown).is(404),
        ask(second, second).reaches(V2),
        ask(second, "example.org").is(421),
        ask(second, unknown).is(421),
        ask(third, third).reaches(V3),
        ask(third, fifth).reaches(V3),
        ask(third, fourth).is(421),
        ask(third, second).is(421),
        ask(third, unknown).is(421),
        ask(fourth, fourth).reaches(V1),
        ask(fourth, fifth).is(421),
        ask(unknown, "example.org").reaches(V1),
        ask(unknown, unknown).is(404),
    ];
    suite.expect(address, exchanges).await;
}

const OF_DEFAULT: &str = "tls-validity-checks-client-certificate";
const OF_PORT: &str = "tls-validity-checks-per-port-client-certificate";

#[tokio::test]
async fn gateway_frontend_client_certificate_validation() {
    let name = "gateway-with-clientcertificate-validation";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "client-validation-default";
    let routes = [
        "client-certificate-validation-https-test",
        "client-certificate-validation-https-test-no-hostname",
    ];
    suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }

    for (listener, name, good, bad, backend) in [
        ("https", "example.org", OF_DEFAULT, OF_PORT, V1),
        (
            "https-with-hostname",
            "second-example.org",
            OF_PORT,
            OF_DEFAULT,
            V2,
        ),
    ] {
        let address = suite.address(gateway, listener);
        let exchange = request(&client_with(good), name).reaches(backend);
        suite.expect(address, [exchange]).await;
        is_refused(&client_with(bad), address, name).await;
        is_refused(&client(), address, name).await;
    }
}

#[tokio::test]
async fn gateway_frontend_client_certificate_validation_insecure_fallback() {
    let name = "gateway-with-clientcertificate-validation-insecure-fallback";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "client-validation-insecure-fallback";
    let routes = [
        "client-cert-validation-insecure-fallback-test",
        "client-cert-validation-insecure-fallback-test-no-hostname",
    ];
    suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }
    let kind = InsecureFrontendValidationMode;
    suite.gateway_is(gateway, kind, True, Reason::ConfigurationChanged);

    let clients = [client_with(OF_DEFAULT), client_with(OF_PORT), client()];
    for (listener, name, backend) in [
        ("https", "example.org", V1),
        ("https-with-hostname", "second-example.org", V2),
    ] {
        let address = suite.address(gateway, listener);
        let exchanges = clients
            .each_ref()
            .map(|one| request(one, name).reaches(backend));
        suite.expect(address, exchanges).await;
    }
}

#[tokio::test]
async fn gateway_with_invalid_client_certificate_validation() {
    let name = "gateway-with-invalid-clientcertificate-validation";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "gateway-with-invalid-client-cert-validation";
    let good = &suite.listener(gateway, "https").conditions;
    for kind in [ResolvedRefs, Accepted, Programmed] {
        is(good, kind, True, None, "https");
    }
    for (listener, reason) in [
        ("https-unresolved", Reason::InvalidCACertificateRef),
        ("https-invalid-kind", Reason::InvalidCACertificateKind),
        ("https-grant-missing", Reason::RefNotPermitted),
    ] {
        is_without_authorities(&suite, gateway, listener, reason);
    }
}

#[tokio::test]
async fn gateway_invalid_default_frontend_client_certificate_validation() {
    let name = "gateway-invalid-default-frontend-client-certificate-validation";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "invalid-default-client-validation-config";
    let good = &suite.listener(gateway, "http").conditions;
    for kind in [ResolvedRefs, Accepted, Programmed] {
        is(good, kind, True, None, "http");
    }
    let exchange = get("/").host("example.org").reaches(V1);
    suite
        .expect(suite.address(gateway, "http"), [exchange])
        .await;

    is_without_authorities(&suite, gateway, "https", Reason::InvalidCACertificateRef);
    let address = suite.address(gateway, "https");
    if std::net::TcpStream::connect(address).is_ok() {
        is_refused(&client(), address, "example.org").await;
    }
}

#[track_caller]
fn is_without_authorities(suite: &Suite, gateway: &str, listener: &str, reason: Reason) {
    let told = &suite.listener(gateway, listener).conditions;
    is(told, ResolvedRefs, False, Some(reason), listener);
    let none = Some(Reason::NoValidCACertificate);
    is(told, Accepted, False, none, listener);
    is(told, Programmed, False, None, listener);
}
