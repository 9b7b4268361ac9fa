//! From settings to what shakes hands.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::UpstreamTls;
use super::names::{Expected, SubjectAltName};
use super::verifier::NamesVerifier;

/// Settings of an [`UpstreamTls`].
#[must_use = "nothing comes of settings that are not built"]
pub struct UpstreamTlsBuilder {
    server_name: String,
    system_roots: bool,
    roots: Vec<CertificateDer<'static>>,
    names: Vec<SubjectAltName>,
    identity: Option<Identity>,
}

/// Who we are.
enum Identity {
    Der(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    Ready(Arc<CertifiedKey>),
}

impl UpstreamTlsBuilder {
    pub(super) fn new(server_name: String) -> Self {
        Self {
            server_name,
            system_roots: false,
            roots: Vec::new(),
            names: Vec::new(),
            identity: None,
        }
    }

    /// Believes whom the machine believes. That is looked up once for the whole
    /// process.
    pub fn with_system_roots(mut self) -> Self {
        self.system_roots = true;
        self
    }

    /// Believes these, and no others unless they are added too.
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.roots.extend(roots);
        self
    }

    /// Accepts a certificate with this name or with another one that is added so. The
    /// name that is asked for is then no longer looked for.
    pub fn with_subject_alt_name(mut self, name: SubjectAltName) -> Self {
        self.names.push(name);
        self
    }

    /// Shows this to backends that ask who we are.
    pub fn with_client_certificate(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        self.identity = Some(Identity::Der(chain, key));
        self
    }

    /// As [`UpstreamTlsBuilder::with_client_certificate`], for who has read it already.
    pub fn with_certified_key(mut self, key: Arc<CertifiedKey>) -> Self {
        self.identity = Some(Identity::Ready(key));
        self
    }

    /// Makes it ready for use. The first that believes the machine's certificates
    /// reads them.
    ///
    /// # Errors
    ///
    /// See [`InvalidTls`].
    pub fn build(self) -> Result<UpstreamTls, InvalidTls> {
        let server_name = ServerName::try_from(self.server_name.clone())
            .map_err(|_| InvalidTls::ServerName(self.server_name))?;
        let roots = roots(self.system_roots, self.roots)?;
        let names = expected(self.names)?;

        let provider = Arc::new(default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(InvalidTls::ClientCertificate)?;
        let client = verified(client, &provider, roots, names);
        let config = match self.identity {
            None => client.with_no_client_auth(),
            Some(Identity::Der(chain, key)) => client
                .with_client_auth_cert(chain, key)
                .map_err(InvalidTls::ClientCertificate)?,
            Some(Identity::Ready(key)) => {
                client.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
        };
        Ok(UpstreamTls::new(server_name, config))
    }
}

fn verified(
    client: ConfigBuilder<ClientConfig, WantsVerifier>,
    provider: &CryptoProvider,
    roots: Arc<RootCertStore>,
    names: Vec<Expected>,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    if names.is_empty() {
        return client.with_root_certificates(roots);
    }
    let verifier = NamesVerifier {
        roots,
        names,
        algorithms: provider.signature_verification_algorithms,
    };
    client
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
}

fn roots(
    system: bool,
    given: Vec<CertificateDer<'static>>,
) -> Result<Arc<RootCertStore>, InvalidTls> {
    let mut roots = match system {
        true => Arc::clone(&SYSTEM_ROOTS),
        false => Arc::new(RootCertStore::empty()),
    };
    for root in given {
        Arc::make_mut(&mut roots)
            .add(root)
            .map_err(InvalidTls::Root)?;
    }

    if roots.is_empty() {
        return Err(InvalidTls::NoRoots);
    }
    Ok(roots)
}

/// There may be many backends, and this is some hundred certificates.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    // What cannot be read is left out; with none at all nobody is believed.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

fn expected(names: Vec<SubjectAltName>) -> Result<Vec<Expected>, InvalidTls> {
    names
        .into_iter()
        .map(|name| Expected::new(name.clone()).ok_or(InvalidTls::SubjectAltName(name)))
        .collect()
}

impl fmt::Debug for UpstreamTlsBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpstreamTlsBuilder")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Settings that no backend could be spoken to with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTls {
    /// Not a name that can be asked for.
    #[error("{0:?} is not a server name")]
    ServerName(String),
    /// Not a name that a certificate can have.
    #[error("{0:?} is not a name that a certificate can have")]
    SubjectAltName(SubjectAltName),
    /// A certificate that cannot vouch for others.
    #[error("a root certificate cannot be used")]
    Root(#[source] rustls::Error),
    /// Nobody is believed.
    #[error("there is no root certificate")]
    NoRoots,
    /// Our own certificate and its key cannot be used.
    #[error("the client certificate cannot be used")]
    ClientCertificate(#[source] rustls::Error),
}
