//! HTTPS: handshakes, names, certificates.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use gateway_core::model::TlsTermination;
use gateway_tests::{Authority, Origin, Site, TestGateway, TlsClient};
use http::{StatusCode, Version};

/// An authority, a gateway with one HTTPS listener, and somebody behind it.
struct Rig {
    authority: Authority,
    origin: Origin,
    gateway: TestGateway,
}

impl Rig {
    async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    async fn with(change: impl FnOnce(TlsTermination) -> TlsTermination) -> Self {
        let authority = Authority::new("authority");
        let origin = Origin::echo().await;
        let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
        let site = Site::to(origin.address());
        let listener = site.https("web", change(settings));
        let gateway = TestGateway::serve(
            gateway_core::Gateway::builder().workers(2),
            site.behind([listener]),
        );
        Self {
            authority,
            origin,
            gateway,
        }
    }

    fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.authority)
    }
}

#[tokio::test]
async fn requests_are_decrypted_and_backends_are_told() {
    let rig = Rig::new().await;

    for http2 in [false, true] {
        let mut client = match http2 {
            false => rig.client().http1(rig.gateway.address(), "a.test").await,
            true => rig.client().http2(rig.gateway.address(), "a.test").await,
        };
        let reply = client.get("/path").await;

        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.version == Version::HTTP_2, http2);
        assert_eq!(reply.echo()["path"], "/path");
        assert_eq!(reply.echo()["headers"]["x-forwarded-proto"][0], "https");
    }
    drop(rig.origin);
}
