//! What a listener's handshakes share.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::certificates::Certificates;
use super::clients::Clients;
use crate::model::{TlsTermination, TlsVersions};

/// A [`TlsTermination`], made ready: certificates by name, keys, session tickets.
///
/// Tickets are readable by all workers and by nobody else: another listener, or this one
/// with other settings, has keys of its own, so no session escapes a changed policy.
#[derive(Debug)]
pub(crate) struct Terminator {
    settings: Arc<TlsTermination>,
    config: Arc<ServerConfig>,
    clients: Option<Clients>,
}

/// Settings with which no handshake can succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum UnusableTermination {
    #[error("none of the cipher suites is known for the versions of TLS")]
    NoCipherSuite,
    #[error("no certificate of an authority for clients can be read")]
    NoAuthority,
    #[error("the system gives no randomness")]
    NoRandomness,
}

impl Terminator {
    /// For connections that speak one of `protocols` (ALPN), the best first; none means
    /// that it is not agreed on.
    pub(super) fn new(
        settings: &Arc<TlsTermination>,
        protocols: &[&[u8]],
    ) -> Result<Self, UnusableTermination> {
        let provider = Arc::new(provider(settings));
        let clients = match settings.client_validation() {
            Some(validation) => Some(Clients::new(validation, &provider)?),
            None => None,
        };

        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(settings.versions()))
            .map_err(|_| UnusableTermination::NoCipherSuite)?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(clients.verifier(&provider)),
            None => builder.with_no_client_auth(),
        };
        let certificates = Certificates::new(settings.certificates());
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.ticketer = Ticketer::new().map_err(|_| UnusableTermination::NoRandomness)?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});

        Ok(Self {
            settings: Arc::clone(settings),
            config: Arc::new(config),
            clients,
        })
    }

    pub(crate) fn settings(&self) -> &Arc<TlsTermination> {
        &self.settings
    }

    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    pub(super) fn clients(&self) -> Option<&Clients> {
        self.clients.as_ref()
    }
}

fn provider(settings: &TlsTermination) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    let wanted = settings.cipher_suites();
    if !wanted.is_empty() {
        let known = std::mem::take(&mut provider.cipher_suites);
        for name in wanted {
            // rustls calls the suites of TLS 1.3 `TLS13_…`, the registry `TLS_…`.
            let suite = known.iter().find(|suite| {
                let ours = format!("{:?}", suite.suite());
                *ours == **name || ours.replacen("TLS13_", "TLS_", 1) == **name
            });
            match suite {
                Some(suite) => provider.cipher_suites.push(*suite),
                None => tracing::warn!(%name, "cipher suite that is not known"),
            }
        }
    }
    provider
}

fn versions(versions: TlsVersions) -> &'static [&'static SupportedProtocolVersion] {
    match versions {
        TlsVersions::All => const { &[&version::TLS13, &version::TLS12] },
        TlsVersions::Tls12 => const { &[&version::TLS12] },
        TlsVersions::Tls13 => const { &[&version::TLS13] },
    }
}
