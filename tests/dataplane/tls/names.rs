//! Which listener and which certificate a client gets.

use gateway_core::model::TlsTermination;
use gateway_tests::{Authority, Origin, Site, TlsClient};

use crate::rig::{Rig, has_shown, is_silent_end, named, serve};

#[tokio::test]
async fn listener_is_the_one_with_the_most_specific_hostname() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    // Each shows a certificate of its own, good for all names.
    let all = [
        "a.test",
        "b.a.test",
        "c.b.a.test",
        "other.test",
        "*.b.a.test",
        "*.a.test",
    ];
    let hostnames = ["b.a.test", "*.a.test", "*.b.a.test", ""];
    let issued = hostnames.map(|_| authority.site(&all));
    let listeners = hostnames.iter().zip(&issued).map(|(hostname, issued)| {
        let settings = TlsTermination::new(issued.certificate());
        named(site.https(&format!("for {hostname}"), settings), hostname)
    });
    let gateway = serve(site.behind(listeners));

    let client = TlsClient::trusting(&authority);
    for (name, chosen) in [
        ("b.a.test", 0),
        ("x.a.test", 1),
        ("c.b.a.test", 2),
        ("a.test", 3),
        ("other.test", 3),
    ] {
        let stream = client.connect(gateway.address(), name).await.unwrap();
        assert!(has_shown(&stream, &issued[chosen]), "{name}");
    }
}

#[tokio::test]
async fn name_that_nobody_is_for_ends_the_connection_without_an_alert() {
    let authority = Authority::new("authority");
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
    let gateway = serve(site.behind([named(site.https("web", settings), "a.test")]));

    let client = TlsClient::trusting(&authority);
    assert!(client.connect(gateway.address(), "a.test").await.is_ok());
    let stranger = client.connect(gateway.address(), "b.test").await;
    assert!(is_silent_end(&stranger), "{stranger:?}");
    let silent = client.with(|config| config.enable_sni = false);
    let nameless = silent.connect(gateway.address(), "a.test").await;
    assert!(is_silent_end(&nameless), "{nameless:?}");
}

#[tokio::test]
async fn certificate_is_the_one_for_the_name() {
    let authority = Authority::new("authority");
    let default = authority.site(&["a.test", "elsewhere.test"]);
    let exact = authority.site(&["b.test"]);
    let wildcard = authority.site(&["*.b.test"]);
    let settings = TlsTermination::new(default.certificate())
        .with_certificate(exact.certificate())
        .with_certificate(wildcard.certificate());
    let rig = Rig::of(authority, settings).await;

    for (name, issued) in [
        ("a.test", &default),
        ("elsewhere.test", &default),
        ("b.test", &exact),
        ("x.b.test", &wildcard),
    ] {
        let stream = rig.client().connect(rig.address(), name).await.unwrap();
        assert!(has_shown(&stream, issued), "{name}");
    }
}

#[tokio::test]
async fn cheap_kind_of_key_is_preferred_where_the_client_knows_it() {
    let authority = Authority::new("authority");
    let rsa = authority.site_with(&rcgen::PKCS_RSA_SHA256, &["a.test"]);
    let ecdsa = authority.site(&["a.test"]);
    let settings = TlsTermination::new(rsa.certificate()).with_certificate(ecdsa.certificate());
    let rig = Rig::of(authority, settings).await;

    let modern = rig.client().connect(rig.address(), "a.test").await.unwrap();
    assert!(has_shown(&modern, &ecdsa));
    let old = TlsClient::of_suites(
        &rig.authority,
        &[rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256],
    );
    let old = old.connect(rig.address(), "a.test").await.unwrap();
    assert!(has_shown(&old, &rsa));
}
