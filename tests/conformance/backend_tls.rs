//! TLS to backends.

use gateway_k8s::api::{BackendTlsPolicy, GrpcRoute, TlsRoute};
use gateway_k8s::verdict::ConditionType::{Accepted, ResolvedRefs};
use gateway_k8s::verdict::Reason;
use gateway_tests::TlsClient;
use serde_json::json;

use crate::call::{GRPC_V1, call};
use crate::cluster::INFRA;
use crate::exchange::{Exchange, echo, get};
use crate::keys::KEYS;
use crate::status::{False, True};
use crate::suite::Suite;
use crate::tls_routes;

const GATEWAY: &str = "same-namespace";
const HOST: &str = "abc.example.com";

fn ask(name: &str) -> Exchange {
    get(&format!("/backendtlspolicy{name}")).host(HOST)
}

/// No backend answers.
fn fails(name: &str) -> Exchange {
    ask(name).one_of(&[500, 502, 503])
}

/// The policy holds for the backends of a Gateway.
#[track_caller]
fn holds(suite: &Suite, gateway: &str, policy: &str) {
    let is = Reason::Accepted;
    suite.route_of_is::<BackendTlsPolicy>(gateway, policy, Accepted, True, is);
    suite.resolved_of::<BackendTlsPolicy>(gateway, policy);
}

/// The policy has no authority to believe.
#[track_caller]
fn believes_nobody(suite: &Suite, policy: &str, why: Reason) {
    let is = Reason::NoValidCACertificate;
    suite.route_of_is::<BackendTlsPolicy>(GATEWAY, policy, Accepted, False, is);
    suite.route_of_is::<BackendTlsPolicy>(GATEWAY, policy, ResolvedRefs, False, why);
}

#[tokio::test]
async fn backendtlspolicy() {
    let Some(mut suite) = Suite::start(&["backendtlspolicy"]).await else {
        return;
    };
    let gateway = "same-namespace-with-https-listener";
    let address = suite.accepted(gateway, &["backendtlspolicy-reencrypt"]);
    suite.resolved(gateway, "backendtlspolicy-reencrypt");
    holds(&suite, gateway, "normative-test");
    let client = TlsClient::trusting(&KEYS.listeners);
    let host = "https-listener.org";
    let exchange = ask("").host(host).over_tls(&client, host);
    let exchange = exchange.reaches("tls-backend").with_sni(HOST);
    suite.expect(address, [exchange]).await;

    let address = suite.accepted(GATEWAY, &["backendtlspolicy"]);
    suite.resolved(GATEWAY, "backendtlspolicy");
    for policy in ["normative-test", "host-mismatch", "cert-mismatch"] {
        holds(&suite, GATEWAY, policy);
    }
    let exchanges = [
        ask("").reaches("tls-backend").with_sni(HOST),
        fails("-host-mismatch"),
        fails("-cert-mismatch"),
    ];
    suite.expect(address, exchanges).await;

    let policy = "reconcile-test";
    holds(&suite, GATEWAY, policy);
    let name = "tls-checks-ca-certificate-reconcile-test";
    suite.change("BackendTLSPolicy", policy, |policy| {
        policy["spec"]["validation"]["caCertificateRefs"][0]["name"] = json!(name);
    });
    let why = Reason::InvalidCACertificateRef;
    believes_nobody(&suite, policy, why);
    suite.expect(address, [fails("-reconcile-test")]).await;

    let root = KEYS.checks.root_pem();
    suite.edit(|objects| {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"namespace": INFRA, "name": name},
            "data": {"ca.crt": root},
        }));
    });
    holds(&suite, GATEWAY, policy);
    suite.change("ConfigMap", name, |map| map["data"]["ca.crt"] = json!(""));
    believes_nobody(&suite, policy, why);
    suite.change("ConfigMap", name, |map| map["data"]["ca.crt"] = json!(root));
    holds(&suite, GATEWAY, policy);
    let exchange = ask("-reconcile-test").reaches("tls-backend");
    suite.expect(address, [exchange]).await;
}

#[tokio::test]
async fn backendtlspolicy_conflict_resolution() {
    let name = "backendtlspolicy-conflict-resolution";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let address = suite.accepted(GATEWAY, &[name]);
    suite.resolved(GATEWAY, name);
    for (policy, status, reason) in [
        ("conflicted-without-section-name-1", True, Reason::Accepted),
        (
            "conflicted-without-section-name-2",
            False,
            Reason::Conflicted,
        ),
        ("conflicted-with-section-name-1", True, Reason::Accepted),
        ("conflicted-with-section-name-2", False, Reason::Conflicted),
        ("not-conflicted-with-section-name", True, Reason::Accepted),
        (
            "not-conflicted-without-section-name",
            True,
            Reason::Accepted,
        ),
    ] {
        suite.route_of_is::<BackendTlsPolicy>(GATEWAY, policy, Accepted, status, reason);
    }
    let reaches = |name: &str, sni: &str| ask(name).reaches("tls-backend").with_sni(sni);
    let exchanges = [
        reaches("-conflicted-without-section-name", "other.example.com"),
        reaches("-conflicted-with-section-name", "other.example.com"),
        reaches("-not-conflicted-with-section-name", "other.example.com"),
        reaches("-not-conflicted-without-section-name", HOST),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn backendtlspolicy_invalid_ca_certificate_ref() {
    let name = "backendtlspolicy-invalid-ca-certificate-ref";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let address = suite.accepted(GATEWAY, &[name]);
    for policy in [
        "nonexistent-ca-certificate-ref",
        "malformed-ca-certificate-ref",
    ] {
        believes_nobody(&suite, policy, Reason::InvalidCACertificateRef);
        suite.expect(address, [fails(&format!("-{policy}"))]).await;
    }
}

#[tokio::test]
async fn backendtlspolicy_invalid_kind() {
    let Some(suite) = Suite::start(&["backendtlspolicy-invalid-kind"]).await else {
        return;
    };
    let address = suite.accepted(GATEWAY, &["backendtlspolicy-invalid-kind-test"]);
    believes_nobody(&suite, "invalid-kind", Reason::InvalidKind);
    suite.expect(address, [fails("-invalid-kind")]).await;
}

#[tokio::test]
async fn backendtlspolicy_san_validation() {
    let Some(suite) = Suite::start(&["backendtlspolicy-san"]).await else {
        return;
    };
    let address = suite.accepted(GATEWAY, &["backendtlspolicy-san-test"]);
    suite.resolved(GATEWAY, "backendtlspolicy-san-test");
    for policy in [
        "san-dns",
        "san-dns-mismatch",
        "san-uri",
        "san-uri-mismatch",
        "multiple-sans",
        "multiple-mismatch-sans",
    ] {
        let is = Reason::Accepted;
        suite.route_of_is::<BackendTlsPolicy>(GATEWAY, policy, Accepted, True, is);
        let name = format!("-{policy}");
        let exchange = if policy.contains("mismatch") {
            fails(&name)
        } else {
            ask(&name).reaches("tls-backend").with_sni(HOST)
        };
        suite.expect(address, [exchange]).await;
    }
}

#[tokio::test]
async fn backendtlspolicy_grpcroute() {
    let Some(suite) = Suite::start(&["backendtlspolicy-grpcroute"]).await else {
        return;
    };
    let routes = [
        "backendtlspolicy-grpcroute",
        "backendtlspolicy-grpcroute-cert-mismatch",
    ];
    let address = suite.accepted_of::<GrpcRoute>(GATEWAY, &routes);
    for policy in [
        "grpc-normative-test",
        "grpc-host-mismatch",
        "grpc-cert-mismatch",
    ] {
        holds(&suite, GATEWAY, policy);
    }
    call("Echo").authority(HOST).reaches(address, GRPC_V1).await;
    for (method, authority) in [("EchoTwo", HOST), ("Echo", "cert-mismatch.example.com")] {
        call(method)
            .authority(authority)
            .make(address)
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn backendtlspolicy_tlsroute_terminate() {
    let name = "backendtlspolicy-tlsroute-terminate";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "gateway-btls-tlsroute-terminate";
    let address = suite.accepted_of::<TlsRoute>(gateway, &[name]);
    holds(&suite, gateway, "btls-tlsroute-terminate-test");
    tls_routes::reaches(address, "tls.example.com", Some(HOST)).await;
}

#[tokio::test]
async fn gateway_tls_backend_client_certificate() {
    let name = "gateway-tls-backend-client-certificate";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let address = suite.accepted(name, &[name]);
    suite.resolved(name, name);
    let policy = "gateway-tls-backend-client-certificate-test";
    holds(&suite, name, policy);
    suite.gateway_is(name, ResolvedRefs, True, Reason::ResolvedRefs);

    let exchange = get("/").host(HOST);
    let exchange = exchange.reaches("tls-backend-with-client-cert-validation");
    let exchange = exchange.with_sni(HOST);
    suite.expect(address, [exchange.clone()]).await;
    let echo = echo(&exchange.send(address).await).unwrap();
    let shown = KEYS.issued(INFRA, "tls-checks-client-certificate").der();
    assert_eq!(echo["tls"]["clientCertificate"], json!(shown.as_ref()));
}

#[tokio::test]
async fn gateway_invalid_tls_backend_configuration() {
    let name = "gateway-invalid-tls-backend-configuration";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let invalid = Reason::InvalidClientCertificateRef;
    for (gateway, reason) in [
        ("nonexistent-secret", invalid),
        ("unsupported-group", invalid),
        ("unsupported-kind", invalid),
        ("malformed-secret", invalid),
        ("missing-reference-grant", Reason::RefNotPermitted),
    ] {
        let gateway = format!("gateway-client-certificate-{gateway}");
        suite.gateway_is(&gateway, ResolvedRefs, False, reason);
        suite.gateway_is(&gateway, Accepted, True, Reason::Accepted);
    }
}
