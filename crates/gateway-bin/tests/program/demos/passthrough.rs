//! Listeners that forward TLS as it is.

use super::backends::secure_headers;
use super::certificates::{Authority, Files};
use super::clients::{Curl, Program};
use super::yaml::{gateway, listener, route, service, to};
use crate::harness::{Manifests, Running, free_port};

const PASSTHROUGH: &str = ", tls: {mode: Passthrough}";

fn run(port: u16, backend: u16) -> (Manifests, Running) {
    let spec = format!("hostnames: [httpbin.test], {}", to("httpbin"));
    let text = gateway(&[listener("foo", "TLS", port, PASSTHROUGH)], "")
        + &route("TLSRoute", "tls", &spec)
        + &service("httpbin", "TCP", &[backend]);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!(
        "listening on 127.0.0.1:{port} for Gateway default/web, listener foo (TLS passthrough)"
    ));
    (manifests, running)
}

#[test]
fn backend_is_who_shows_the_certificate() {
    let (Some(curl), Some(openssl)) = (Curl::find(), Program::find("openssl")) else {
        return;
    };
    let authority = Authority::new("the backend's");
    let site = authority.site("httpbin.test");
    let port = free_port();
    let (_manifests, _running) = run(port, secure_headers(&site, None));
    let files = Files::new();
    let trust = files.file("ca.crt", authority.pem());

    let got = curl.secure("httpbin.test", port, &["--cacert", &trust]);
    let address = format!("127.0.0.1:{port}");
    let client = [
        "s_client",
        "-connect",
        &address,
        "-servername",
        "httpbin.test",
        "-CAfile",
        &trust,
    ];
    let shown = openssl.run(&client, "");

    assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
    assert!(
        shown.out.contains("Verify return code: 0 (ok)"),
        "{shown:?}"
    );
    assert!(shown.out.contains("issuer=CN = the backend's"), "{shown:?}");
}

#[test]
fn name_of_no_route_is_refused() {
    let Some(curl) = Curl::find() else { return };
    let authority = Authority::new("ca");
    let port = free_port();
    let backend = secure_headers(&authority.site("httpbin.test"), None);
    let (_manifests, _running) = run(port, backend);

    let got = curl.secure("other.test", port, &["-k"]);

    // 35: the handshake failed.
    assert_eq!((got.code, got.status), (Some(35), 0), "{got:?}");
}

#[test]
fn name_of_a_site_is_no_service() {
    let port = free_port();
    let spec = "rules: [{backendRefs: [{name: httpbin.org, port: 443}]}]";
    let text = gateway(&[listener("foo", "TLS", port, PASSTHROUGH)], "")
        + &route(
            "TLSRoute",
            "tls",
            &format!("hostnames: [httpbin.org], {spec}"),
        );
    let manifests = Manifests::new().with("a.yaml", &text);

    let mut running = Running::start(&["run", &manifests.path()]);

    let line = running.wait_for("TLSRoute default/tls");
    assert!(line.contains("httpbin.org"), "{line}");
}
