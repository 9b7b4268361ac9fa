//! Backends that are spoken to over TLS.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::SocketAddr;

use gateway_core::model::{
    Backend, BackendProtocol, BackendRef, BackendTls, Configuration, Route, RouteKind, Rule,
    SubjectAltName, Trust,
};
use gateway_tests::Authority;
use gateway_tests::{Client, Origin, Site, TestGateway, TlsFront};
use http::{StatusCode, Version};

fn trusting(authority: &Authority) -> BackendTls {
    BackendTls {
        server_name: "origin.test".into(),
        trust: Trust::Roots(vec![authority.root()]),
        subject_alt_names: Vec::new(),
        client_certificate: None,
    }
}

fn rule() -> Rule {
    Rule::new().with_backend(BackendRef::new("origin".into()))
}

fn site(front: SocketAddr, tls: BackendTls) -> Configuration {
    let backend = Backend::new([front]).with_tls(tls);
    Site::new()
        .rule(rule())
        .backend_of("origin", backend)
        .configuration()
}

fn serve(configuration: Configuration) -> TestGateway {
    TestGateway::serve(gateway_core::Gateway::builder().workers(1), configuration)
}

/// AT-UTLS: 502 before anybody says that it speaks TLS, 200 afterwards.
#[tokio::test]
async fn backend_that_is_verified_answers_over_one_connection() {
    let (authority, origin) = (Authority::new("ca"), Origin::echo().await);
    let front = TlsFront::start(&authority.site(&["origin.test"]), &[], origin.address()).await;
    let gateway = serve(Site::to(front.address()).configuration());
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.get("/").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!((front.handshakes(), origin.count()), (0, 0));
    gateway.update(site(front.address(), trusting(&authority)));

    for _ in 0..3 {
        assert_eq!(client.get("/").await.status, StatusCode::OK);
    }

    assert_eq!(front.handshakes(), 1);
    assert_eq!(origin.count(), 3);
}

/// AT-UTLS.
#[tokio::test]
async fn backend_that_cannot_be_verified_is_a_bad_gateway() {
    let (authority, stranger) = (Authority::new("ca"), Authority::new("stranger"));
    let origin = Origin::echo().await;
    let front = TlsFront::start(&authority.site(&["other.test"]), &[], origin.address()).await;
    for tls in [trusting(&authority), trusting(&stranger)] {
        let gateway = serve(site(front.address(), tls));
        let mut client = Client::http1(gateway.address()).await;

        assert_eq!(client.get("/").await.status, StatusCode::BAD_GATEWAY);
    }

    // Nor one that speaks in the clear.
    let gateway = serve(site(origin.address(), trusting(&authority)));
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.get("/").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn name_that_the_policy_gives_is_found() {
    let (authority, origin) = (Authority::new("ca"), Origin::echo().await);
    let front = TlsFront::start(&authority.site(&["other.test"]), &[], origin.address()).await;
    let mut tls = trusting(&authority);
    tls.subject_alt_names = vec![SubjectAltName::Hostname("other.test".into())];
    let gateway = serve(site(front.address(), tls));

    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn settings_that_nobody_could_pass_are_refused() {
    let origin = Origin::echo().await;
    let mut tls = trusting(&Authority::new("ca"));
    tls.trust = Trust::Roots(Vec::new());
    let gateway = serve(site(origin.address(), tls));

    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(
        client.get("/").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn http2_is_agreed_on_where_it_is_wanted() {
    let (authority, origin) = (Authority::new("ca"), Origin::echo_h2c().await);
    let issued = authority.site(&["origin.test"]);
    let front = TlsFront::start(&issued, &["h2", "http/1.1"], origin.address()).await;
    let backend = || Backend::new([front.address()]).with_tls(trusting(&authority));

    let http2 = || backend().with_protocol(BackendProtocol::H2c);
    let requests = Site::new().rule(rule()).backend_of("origin", http2());
    let grpc = Site::new()
        .route(
            Route::new("calls")
                .with_kind(RouteKind::Grpc)
                .with_rule(rule()),
        )
        .backend_of("origin", http2());
    for site in [requests, grpc] {
        let gateway = serve(site.configuration());
        let mut client = Client::http2(gateway.address()).await;
        assert_eq!(client.get("/").await.status, StatusCode::OK);
        assert_eq!(origin.last().version, Version::HTTP_2);
    }
}

#[tokio::test]
async fn connections_end_with_the_settings_they_were_verified_under() {
    let (authority, origin) = (Authority::new("ca"), Origin::echo().await);
    let front = TlsFront::start(&authority.site(&["origin.test"]), &[], origin.address()).await;
    let gateway = serve(site(front.address(), trusting(&authority)));
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.get("/").await.status, StatusCode::OK);

    // Another value that says the same keeps them.
    gateway.update(site(front.address(), trusting(&authority)));
    assert_eq!(client.get("/").await.status, StatusCode::OK);
    assert_eq!(front.handshakes(), 1);

    gateway.update(site(front.address(), trusting(&Authority::new("another"))));
    assert_eq!(client.get("/").await.status, StatusCode::BAD_GATEWAY);
}
