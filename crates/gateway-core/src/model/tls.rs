//! TLS: as listeners end it, and as backends are spoken to.

use std::sync::Arc;

use http::HeaderName;
use rustls_pki_types::CertificateDer;

use super::Certificate;

/// What a TLS listener does with connections.
///
/// Source: `ListenerTLSConfig.mode`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TlsMode {
    /// They are decrypted here.
    Terminate(Arc<TlsTermination>),
    /// They are forwarded as they are, chosen by the name that the client asks for.
    Passthrough,
}

/// How connections are decrypted.
///
/// Source: `ListenerTLSConfig`, and `GatewayTLSConfig.frontend` for client
/// certificates.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TlsTermination {
    certificates: Vec<Arc<Certificate>>,
    client: Option<Arc<ClientValidation>>,
    versions: TlsVersions,
    cipher_suites: Vec<Arc<str>>,
    http2: bool,
    identity_header: Option<HeaderName>,
}

impl TlsTermination {
    /// With the certificate that clients get who ask for no name that another
    /// one is for.
    pub fn new(certificate: impl Into<Arc<Certificate>>) -> Self {
        Self {
            certificates: vec![certificate.into()],
            client: None,
            versions: TlsVersions::default(),
            cipher_suites: Vec::new(),
            http2: true,
            identity_header: None,
        }
    }

    /// Adds a certificate, for the names that it has; of several for one name
    /// and kind of key, the first.
    #[must_use]
    pub fn with_certificate(mut self, certificate: impl Into<Arc<Certificate>>) -> Self {
        self.certificates.push(certificate.into());
        self
    }

    /// Asks clients for certificates. They are not asked by default.
    #[must_use]
    pub fn with_client_validation(mut self, client: impl Into<Arc<ClientValidation>>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// Bounds the versions of TLS. 1.2 and 1.3 by default.
    #[must_use]
    pub fn with_versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Allows these cipher suites only, by their names in the registry of IANA.
    /// Every one that is thought safe by default. Names that are not known are
    /// ignored, with a warning; if none is known, the listener serves nobody.
    #[must_use]
    pub fn with_cipher_suites(
        mut self,
        names: impl IntoIterator<Item = impl Into<Arc<str>>>,
    ) -> Self {
        self.cipher_suites = names.into_iter().map(Into::into).collect();
        self
    }

    /// Whether HTTP/2 is offered (ALPN). It is by default.
    #[must_use]
    pub fn with_http2(mut self, offered: bool) -> Self {
        self.http2 = offered;
        self
    }

    /// Tells backends in this header who a client is that showed a valid certificate:
    /// `Hash`, `Subject`, `URI` and `DNS`, written as Envoy writes
    /// `x-forwarded-client-cert`. What clients say there themselves is dropped. It is
    /// not told by default.
    #[must_use]
    pub fn with_identity_header(mut self, name: HeaderName) -> Self {
        self.identity_header = Some(name);
        self
    }

    /// Its certificates, the default one first.
    pub fn certificates(&self) -> &[Arc<Certificate>] {
        &self.certificates
    }

    /// What is asked of clients.
    pub fn client_validation(&self) -> Option<&Arc<ClientValidation>> {
        self.client.as_ref()
    }

    /// The versions it speaks.
    pub fn versions(&self) -> TlsVersions {
        self.versions
    }

    /// The cipher suites it is bound to; none means that it is not.
    pub fn cipher_suites(&self) -> &[Arc<str>] {
        &self.cipher_suites
    }

    /// Whether HTTP/2 is offered.
    pub fn http2(&self) -> bool {
        self.http2
    }

    /// The header in which backends are told who a client is.
    pub fn identity_header(&self) -> Option<&HeaderName> {
        self.identity_header.as_ref()
    }
}

/// Which versions of TLS are spoken. Complete: older ones are not safe.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    All,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
}

/// What is asked of clients' certificates.
///
/// Source: `FrontendTLSValidation`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ClientValidation {
    /// Who may have signed them.
    pub roots: Vec<CertificateDer<'static>>,
    /// Whether clients without a valid one are served.
    pub mode: ClientValidationMode,
}

/// Whether clients without a valid certificate are served.
///
/// Source: `FrontendValidationModeType`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ClientValidationMode {
    /// They are not: the handshake fails.
    #[default]
    AllowValidOnly,
    /// They are.
    AllowInsecureFallback,
}

/// How a backend is spoken to over TLS.
///
/// Source: `BackendTLSPolicySpec.validation`, and `GatewayBackendTLS` for the
/// client certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackendTls {
    /// The name that is asked for (SNI) and, without `subject_alt_names`, must be
    /// in the certificate.
    pub server_name: Arc<str>,
    /// Who may have signed the backend's certificate.
    pub trust: Trust,
    /// One of these must be in the certificate, instead of `server_name`.
    pub subject_alt_names: Vec<SubjectAltName>,
    /// What is shown to backends that ask who we are.
    pub client_certificate: Option<Arc<Certificate>>,
}

/// Who is believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trust {
    /// Whom the machine believes.
    System,
    /// These, and no others.
    Roots(Vec<CertificateDer<'static>>),
}

/// A name in a certificate.
///
/// Source: `SubjectAltName` of `BackendTLSPolicy`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SubjectAltName {
    /// A DNS name, possibly with a wildcard.
    Hostname(Arc<str>),
    /// A URI, compared as a whole, as SPIFFE identities are.
    Uri(Arc<str>),
}
