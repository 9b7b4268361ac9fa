//! Backends that speak TLS.

use super::backends::secure_headers;
use super::certificates::Authority;
use super::clients::Curl;
use super::yaml::{authority, gateway, listener, route, secret, service, to};
use crate::harness::{Manifests, Running, free_port};

const HTTPBIN: &str = "httpbin.test";

fn policy(hostname: &str) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: httpbin}}
spec:
  targetRefs: [{{group: '', kind: Service, name: httpbin}}]
  validation:
    hostname: {hostname}
    caCertificateRefs: [{{group: '', kind: ConfigMap, name: backends}}]
"
    )
}

fn run(port: u16, backend: u16, more: &str, rest: &str) -> (Manifests, Running) {
    let text = gateway(&[listener("web", "HTTP", port, "")], more)
        + &route("HTTPRoute", "http", &to("httpbin"))
        + &service("httpbin", "TCP", &[backend])
        + rest;
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));
    (manifests, running)
}

#[test]
fn policy_makes_a_secure_backend_usable() {
    let Some(curl) = Curl::find() else { return };
    let backends = Authority::new("backends");
    let port = free_port();
    let backend = secure_headers(&backends.site(HTTPBIN), None);
    let (manifests, mut running) = run(port, backend, "", &authority("backends", &backends.pem()));
    let url = format!("http://127.0.0.1:{port}/headers");

    let before = curl.get(&[&url]);
    manifests.write("policy.yaml", &policy(HTTPBIN));
    running.wait_for("reloaded in");
    let after = curl.get(&[&url]);
    manifests.write("policy.yaml", &policy("other.test"));
    running.wait_for("reloaded in");
    let other = curl.get(&[&url]);

    assert_eq!(before.status, 502, "{before:?}");
    assert_eq!(after.status, 200, "{after:?}");
    assert_eq!(other.status, 502, "{other:?}");
}

#[test]
fn authority_of_others_does_not_vouch_for_a_backend() {
    let Some(curl) = Curl::find() else { return };
    let (backends, others) = (Authority::new("backends"), Authority::new("others"));
    let port = free_port();
    let backend = secure_headers(&others.site(HTTPBIN), None);
    let rest = authority("backends", &backends.pem())
        + &authority("others", &others.pem())
        + &policy(HTTPBIN);
    let (_manifests, _running) = run(port, backend, "", &rest);

    let got = curl.get(&[&format!("http://127.0.0.1:{port}/headers")]);

    assert_eq!(got.status, 502, "{got:?}");
}

/// Common names are not looked at, as RFC 9525 has it.
#[test]
fn common_name_does_not_vouch_for_a_backend() {
    let Some(curl) = Curl::find() else { return };
    let backends = Authority::new("backends");
    let port = free_port();
    let backend = secure_headers(&backends.nameless_site(HTTPBIN), None);
    let rest = authority("backends", &backends.pem()) + &policy(HTTPBIN);
    let (_manifests, _running) = run(port, backend, "", &rest);

    let got = curl.get(&[&format!("http://127.0.0.1:{port}/headers")]);

    assert_eq!(got.status, 502, "{got:?}");
}

#[test]
fn gateway_shows_its_certificate_to_backends() {
    let Some(curl) = Curl::find() else { return };
    let (backends, clients) = (Authority::new("backends"), Authority::new("clients"));
    let port = free_port();
    let backend = secure_headers(&backends.site(HTTPBIN), Some(&clients.pem()));
    let rest = authority("backends", &backends.pem())
        + &policy(HTTPBIN)
        + &secret("me", &clients.client("gateway"));
    let (_manifests, _running) = run(
        port,
        backend,
        "tls: {backend: {clientCertificateRef: {name: me}}}",
        &rest,
    );
    let anonymous = free_port();
    let (_others_manifests, _other) = run(anonymous, backend, "", &rest);

    let got = curl.get(&[&format!("http://127.0.0.1:{port}/headers")]);
    let refused = curl.get(&[&format!("http://127.0.0.1:{anonymous}/headers")]);

    assert_eq!(got.status, 200, "{got:?}");
    assert_eq!(refused.status, 502, "{refused:?}");
}
