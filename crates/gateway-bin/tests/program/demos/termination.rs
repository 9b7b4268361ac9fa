//! Listeners that decrypt: protocol TLS with both kinds of routes, and HTTPS.

use super::backends::headers;
use super::certificates::{Authority, Files, Issued};
use super::clients::{Curl, Program};
use super::yaml::{gateway, listener, route, secret, service, to};
use crate::harness::{Manifests, Running, free_port};

const CERTIFICATE: &str = ", tls: {mode: Terminate, certificateRefs: [{name: site}]}";

fn run(port: u16, protocol: &str, route: &str, issued: &Issued) -> (Manifests, Running) {
    let more = format!(", hostname: example.com{CERTIFICATE}");
    let text = gateway(&[listener("foo", protocol, port, &more)], "")
        + route
        + &service("httpbin", "TCP", &[headers()])
        + &secret("site", issued);
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));
    (manifests, running)
}

fn is_served_with(port: u16, protocol: &str, route: &str) {
    let Some(curl) = Curl::find() else { return };
    let authority = Authority::new("ca");
    let (_manifests, _running) = run(port, protocol, route, &authority.site("example.com"));
    let files = Files::new();
    let trust = files.file("ca.crt", authority.pem());

    let got = curl.secure("example.com", port, &["--cacert", &trust]);
    let other = curl.secure("other.test", port, &["-k"]);

    assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
    assert!(
        got.body.to_lowercase().contains("host: example.com"),
        "{got:?}"
    );
    // 35: the handshake failed.
    assert_eq!((other.code, other.status), (Some(35), 0), "{other:?}");
}

#[test]
fn tls_route_gets_what_was_encrypted() {
    let spec = format!("hostnames: [example.com], {}", to("httpbin"));
    is_served_with(free_port(), "TLS", &route("TLSRoute", "tls", &spec));
}

#[test]
fn tcp_route_gets_what_was_encrypted() {
    is_served_with(
        free_port(),
        "TLS",
        &route("TCPRoute", "tcp", &to("httpbin")),
    );
}

#[test]
fn http_2_is_agreed_on_where_http_is_served() {
    let Some(curl) = Curl::find() else { return };
    let authority = Authority::new("ca");
    let port = free_port();
    let http = route("HTTPRoute", "http", &to("httpbin"));
    let (_manifests, _running) = run(port, "HTTPS", &http, &authority.site("example.com"));
    let files = Files::new();
    let trust = files.file("ca.crt", authority.pem());

    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let got = curl.secure("example.com", port, &["--cacert", &trust, option]);
        assert_eq!(
            (got.status, got.version.as_str()),
            (200, version),
            "{got:?}"
        );
    }
}

/// What `openssl req -x509` makes of a subject alone.
#[test]
fn certificate_with_a_common_name_only_is_served() {
    let (Some(curl), Some(openssl)) = (Curl::find(), Program::find("openssl")) else {
        return;
    };
    let files = Files::new();
    let [key, chain] = ["site.key", "site.crt"].map(|name| files.path(name).display().to_string());
    let made = openssl.run(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &chain,
            "-subj",
            "/CN=example.com",
        ],
        "",
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    let port = free_port();
    let tcp = route("TCPRoute", "tcp", &to("httpbin"));
    let (_manifests, _running) = run(port, "TLS", &tcp, &read(&chain, &key));

    let got = curl.secure("example.com", port, &["--cacert", &chain]);

    assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
}

#[test]
fn most_specific_listener_shows_its_certificate() {
    let Some(curl) = Curl::find() else { return };
    let (wild, exact) = (Authority::new("wild"), Authority::new("exact"));
    let port = free_port();
    let listeners =
        [("wild", "'*.example.com'"), ("exact", "a.example.com")].map(|(name, host)| {
            let more = format!(", hostname: {host}, tls: {{certificateRefs: [{{name: {name}}}]}}");
            listener(name, "HTTPS", port, &more)
        });
    let text = gateway(&listeners, "")
        + &route("HTTPRoute", "http", &to("httpbin"))
        + &service("httpbin", "TCP", &[headers()])
        + &secret("wild", &wild.site("*.example.com"))
        + &secret("exact", &exact.site("a.example.com"));
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));
    let files = Files::new();
    let by_wild = files.file("wild.crt", wild.pem());
    let by_exact = files.file("exact.crt", exact.pem());

    for (host, trust) in [("a.example.com", by_exact), ("b.example.com", by_wild)] {
        let got = curl.secure(host, port, &["--cacert", &trust]);
        assert_eq!((got.code, got.status), (Some(0), 200), "{host}: {got:?}");
    }
}

fn read(chain: &str, key: &str) -> Issued {
    let read = |path: &str| std::fs::read_to_string(path).expect("was written");

    Issued {
        chain: read(chain),
        key: read(key),
    }
}

/// What `openssl x509 -req` of OpenSSL 3.0 makes: without extensions it is of
/// version 1, which says nothing of names but the common one.
#[test]
fn certificate_of_version_1_is_refused_with_a_reason() {
    let Some(openssl) = Program::find("openssl") else {
        return;
    };
    let files = Files::new();
    let [key, request, chain] =
        ["site.key", "site.csr", "site.crt"].map(|name| files.path(name).display().to_string());
    let asked = openssl.run(
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            "/CN=example.com",
        ],
        "",
    );
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let signed = openssl.run(
        &[
            "x509", "-req", "-in", &request, "-signkey", &key, "-out", &chain,
        ],
        "",
    );
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let shown = openssl.run(&["x509", "-in", &chain, "-noout", "-text"], "");
    if !shown.out.contains("Version: 1") {
        eprintln!("skipped: this openssl makes certificates of version 3");
        return;
    }
    let issued = read(&chain, &key);
    let more = format!(", hostname: example.com{CERTIFICATE}");
    let text =
        gateway(&[listener("foo", "HTTPS", free_port(), &more)], "") + &secret("site", &issued);
    let manifests = Manifests::new().with("a.yaml", &text);

    let mut running = Running::start(&["run", &manifests.path()]);

    let line = running.wait_for("ERROR");
    assert!(
        line.contains("default/site") && line.contains("version"),
        "{line}"
    );
}
