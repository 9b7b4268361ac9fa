//! Certificates that are replaced while they are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use super::backends::headers;
use super::certificates::{Authority, Files, Issued};
use super::clients::Curl;
use super::yaml::{gateway, listener, route, secret, service, to};
use crate::harness::{Manifests, Running, free_port};

#[test]
fn certificate_is_replaced_without_a_failed_request() {
    let Some(curl) = Curl::find() else { return };
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = Files::new();
    let both = files.file("both.crt", old.pem() + &new.pem());
    let only_new = files.file("new.crt", new.pem());
    let port = free_port();
    let tls = ", tls: {certificateRefs: [{name: site}]}";
    let text = gateway(&[listener("web", "HTTPS", port, tls)], "")
        + &route("HTTPRoute", "http", &to("httpbin"))
        + &service("httpbin", "TCP", &[headers()]);
    let manifests = Manifests::new()
        .with("a.yaml", &text)
        .with("secret.yaml", &secret("site", &old.site("example.com")));
    let mut running = Running::start(&["run", &manifests.path()]);
    running.wait_for(&format!("listening on 127.0.0.1:{port} for "));

    let end = Arc::new(AtomicBool::new(false));
    let load = thread::spawn({
        let end = Arc::clone(&end);
        move || {
            let mut requests = 0;
            while !end.load(Ordering::Relaxed) {
                let got = curl.secure("example.com", port, &["--cacert", &both]);
                assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
                requests += 1;
            }
            requests
        }
    });
    // 60: it does not believe the certificate.
    let before = curl.secure("example.com", port, &["--cacert", &only_new]);
    assert_eq!(before.code, Some(60), "{before:?}");

    let replaced = SystemTime::now();
    manifests.write("secret.yaml", &secret("site", &new.site("example.com")));
    let is_new = || {
        curl.secure("example.com", port, &["--cacert", &only_new])
            .code
            == Some(0)
    };
    while !is_new() {
        let waited = replaced.elapsed().expect("clocks go on");
        assert!(waited < Duration::from_secs(2), "{waited:?}");
    }

    let good = new.site("example.com");
    let garbage = Issued {
        chain: good.chain.replace("MII", "!!!"),
        ..new.site("example.com")
    };
    let key_of_another = Issued {
        chain: good.chain.clone(),
        ..new.site("example.com")
    };
    for bad in [garbage, key_of_another] {
        manifests.write("secret.yaml", &secret("site", &bad));
        let line = running.wait_for("ERROR");
        assert!(line.contains("default/site"), "{line}");
        let got = curl.secure("example.com", port, &["--cacert", &only_new]);
        assert_eq!((got.code, got.status), (Some(0), 200), "{got:?}");
    }
    manifests.write("secret.yaml", &secret("site", &good));
    running.wait_for(" solved, 0 left");
    end.store(true, Ordering::Relaxed);

    assert!(load.join().expect("no request failed") > 0);
}
