//! A gateway with TLS listeners, and whoever is needed around it.

use std::io;
use std::net::SocketAddr;

use gateway_core::Gateway;
use gateway_core::model::{Configuration, Hostname, Listener, TlsTermination};
use gateway_tests::{Authority, Issued, Origin, Site, TestGateway, TlsClient, patiently};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An authority, a gateway with one HTTPS listener for `a.test`, and an origin.
pub(crate) struct Rig {
    pub(crate) authority: Authority,
    pub(crate) origin: Origin,
    pub(crate) gateway: TestGateway,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    /// With other settings.
    pub(crate) async fn with(change: impl FnOnce(TlsTermination) -> TlsTermination) -> Self {
        let authority = Authority::new("authority");
        let settings = TlsTermination::new(authority.site(&["a.test"]).certificate());
        Self::of(authority, change(settings)).await
    }

    pub(crate) async fn of(authority: Authority, settings: TlsTermination) -> Self {
        let origin = Origin::echo().await;
        let gateway = serve(one(&origin, settings));
        Self {
            authority,
            origin,
            gateway,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::trusting(&self.authority)
    }

    /// Decrypts in another way from now on.
    pub(crate) fn change(&self, settings: TlsTermination) {
        let update = self.gateway.update(one(&self.origin, settings));
        assert!(update.failed.is_empty());
    }
}

/// One HTTPS listener for whatever name, in front of `origin`.
pub(crate) fn one(origin: &Origin, settings: TlsTermination) -> Configuration {
    let site = Site::to(origin.address());
    site.behind([site.https("web", settings)])
}

pub(crate) fn serve(configuration: Configuration) -> TestGateway {
    TestGateway::serve(Gateway::builder().workers(2), configuration)
}

/// `listener` for `hostname` only; for `""` as it is.
pub(crate) fn named(listener: Listener, hostname: &str) -> Listener {
    match hostname {
        "" => listener,
        hostname => listener.with_hostname(Hostname::new(hostname).unwrap()),
    }
}

/// The certificate that the other side has shown.
pub(crate) fn has_shown(stream: &TlsStream<TcpStream>, issued: &Issued) -> bool {
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    shown[0] == issued.certificate().chain()[0]
}

/// What the other side says until it ends.
pub(crate) async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    patiently("the end", stream.read_to_end(&mut read)).await?;
    Ok(read)
}

/// Whether the connection just ends, without a word.
pub(crate) fn is_silent_end(outcome: &io::Result<TlsStream<TcpStream>>) -> bool {
    use io::ErrorKind::{ConnectionReset, UnexpectedEof};
    matches!(outcome, Err(error) if [ConnectionReset, UnexpectedEof].contains(&error.kind()))
}
