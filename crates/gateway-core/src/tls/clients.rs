//! What is asked of clients' certificates.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use super::termination::UnusableTermination;
use crate::model::{ClientValidation, ClientValidationMode};

/// Whom a listener believes, and whether it serves others.
#[derive(Debug)]
pub(super) enum Clients {
    /// It does not.
    Believed(Arc<dyn ClientCertVerifier>),
    /// It does; it may even believe nobody.
    Anybody(Option<Arc<dyn ClientCertVerifier>>),
}

impl Clients {
    pub(super) fn new(
        validation: &ClientValidation,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, UnusableTermination> {
        let mut roots = RootCertStore::empty();
        let (_, ignored) = roots.add_parsable_certificates(validation.roots.iter().cloned());
        if ignored > 0 {
            tracing::warn!(ignored, "certificates of authorities that cannot be read");
        }
        // Fails only if there are none.
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build();

        match validation.mode {
            ClientValidationMode::AllowValidOnly => verifier
                .map(Self::Believed)
                .map_err(|_| UnusableTermination::NoAuthority),
            ClientValidationMode::AllowInsecureFallback => Ok(Self::Anybody(verifier.ok())),
        }
    }

    /// What judges certificates during handshakes.
    pub(super) fn verifier(&self, provider: &CryptoProvider) -> Arc<dyn ClientCertVerifier> {
        match self {
            Self::Believed(verifier) => Arc::clone(verifier),
            Self::Anybody(_) => Arc::new(AcceptAny {
                algorithms: provider.signature_verification_algorithms,
            }),
        }
    }

    /// Whether a certificate is valid now.
    ///
    /// A handshake does not say for how long: a resumed session was judged when it
    /// began, and one that anybody may begin was not judged at all.
    pub(super) fn are_believed(&self, chain: &[CertificateDer<'_>]) -> bool {
        let (Self::Believed(verifier) | Self::Anybody(Some(verifier))) = self else {
            return false;
        };
        let [first, others @ ..] = chain else {
            return false;
        };
        verifier
            .verify_client_cert(first, others, UnixTime::now())
            .is_ok()
    }

    /// Whether clients are served who are not believed.
    pub(super) fn serve_anybody(&self) -> bool {
        matches!(self, Self::Anybody(_))
    }
}

/// Takes every certificate, and none. That the client has the key is checked all
/// the same, so that a certificate found valid later is really the client's.
#[derive(Debug)]
struct AcceptAny {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AcceptAny {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    // No hints: clients that have a certificate of somebody else show it, too.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if cannot_be_read(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if cannot_be_read(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Such a certificate will not be found valid later either: it is read in the same way.
fn cannot_be_read(certificate: &CertificateDer<'_>) -> bool {
    ParsedCertificate::try_from(certificate).is_err()
}
