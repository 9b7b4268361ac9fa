//! Clients that must show certificates.

use super::backends::headers;
use super::certificates::{Authority, Files};
use super::clients::Curl;
use super::yaml::{authority, gateway, listener, route, secret, service, to};
use crate::harness::{Manifests, Running, free_port};

#[test]
fn only_clients_of_the_authority_are_served() {
    let Some(curl) = Curl::find() else { return };
    let sites = Authority::new("sites");
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let port = free_port();
    let tls = ", tls: {certificateRefs: [{name: site}]}";
    let frontend = "tls: {frontend: {default: {validation: {\
                    caCertificateRefs: [{group: '', kind: ConfigMap, name: clients}]}}}}";
    let text = gateway(&[listener("web", "HTTPS", port, tls)], frontend)
        + &route("HTTPRoute", "http", &to("httpbin"))
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
