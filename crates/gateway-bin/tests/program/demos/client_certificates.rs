//! Clients that must show certificates.

use super::backends::headers;
use super::certificates::{Authority, Files};
use super::clients::Curl;
use super::yaml::{authority, gateway, listener, route, secret, service, to};
use crate::harness::{Manifests, Running, free_port};

/// How clients are validated: those of the authority `clients`.
fn validation(more: &str) -> String {
    format!(
        "{{validation: {{caCertificateRefs: \
         [{{group: '', kind: ConfigMap, name: clients}}]{more}}}}}"
    )
}

#[test]
fn only_clients_of_the_authority_are_served_http() {
    only_clients_of_the_authority_are_served("HTTPS", "HTTPRoute");
}

#[test]
fn only_clients_of_the_authority_are_served_what_is_encrypted() {
    only_clients_of_the_authority_are_served("TLS", "TCPRoute");
}

fn only_clients_of_the_authority_are_served(protocol: &str, kind: &str) {
    let Some(curl) = Curl::find() else { return };
    let sites = Authority::new("sites");
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let port = free_port();
    let tls = ", tls: {certificateRefs: [{name: site}]}";
    let frontend = format!("tls: {{frontend: {{default: {}}}}}", validation(""));
    let text = gateway(&[listener("web", protocol, port, tls)], &frontend)
        + &route(kind, "all", &to("httpbin"))
        + &service("httpbin", "TCP", &[headers()])
        + &secret("site", &sites.site("example.com"))
        + &authority("clients", &clients.pem());
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));
    let files = Files::new();
    let trust = files.file("ca.crt", sites.pem());
    let shows = |name, issued| {
        let (chain, key) = files.issued(name, &issued);
        let args = ["--cacert", &trust, "--cert", &chain, "--key", &key];
        curl.secure("example.com", port, &args)
    };

    let nobody = curl.secure("example.com", port, &["--cacert", &trust]);
    let client = shows("client", clients.client("me"));
    let stranger = shows("stranger", strangers.client("me"));
    let expired = shows("expired", clients.expired_client("me"));

    assert_eq!((client.code, client.status), (Some(0), 200), "{client:?}");
    for refused in [nobody, stranger, expired] {
        assert_ne!(refused.code, Some(0), "{refused:?}");
        assert_eq!((refused.status, refused.body.as_str()), (0, ""));
    }
}

#[test]
fn ports_validate_as_each_is_told() {
    let Some(curl) = Curl::find() else { return };
    let (sites, clients) = (Authority::new("sites"), Authority::new("clients"));
    let ports = [free_port(), free_port(), free_port()];
    let [strict, lenient, open] = ports;
    let tls = ", tls: {certificateRefs: [{name: site}]}";
    let listeners = ports.map(|port| listener(&format!("web-{port}"), "HTTPS", port, tls));
    let frontend = format!(
        "tls: {{frontend: {{default: {{}}, perPort: [\
         {{port: {strict}, tls: {}}}, {{port: {lenient}, tls: {}}}]}}}}",
        validation(""),
        validation(", mode: AllowInsecureFallback")
    );
    let text = gateway(&listeners, &frontend)
        + &route("HTTPRoute", "http", &to("httpbin"))
        + &service("httpbin", "TCP", &[headers()])
        + &secret("site", &sites.site("example.com"))
        + &authority("clients", &clients.pem());
    let manifests = Manifests::new().with("a.yaml", &text);
    let mut running = Running::start(&["run", &manifests.path()]);
    for _ in ports {
        running.wait_for("listening on");
    }
    let files = Files::new();
    let trust = files.file("ca.crt", sites.pem());

    let status = |port| {
        curl.secure("example.com", port, &["--cacert", &trust])
            .status
    };
    assert_eq!([strict, lenient, open].map(status), [0, 200, 200]);
}
