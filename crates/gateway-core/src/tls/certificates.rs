//! Which of a listener's certificates a client gets.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::names::NameIndex;
use crate::model::Certificate;

/// The certificates of one listener, by name and kind of key.
#[derive(Debug)]
pub(super) struct Certificates {
    names: NameIndex<Kinds>,
    /// For names that no certificate is for, and for clients that ask for none.
    default: Kinds,
}

/// Certificates for the same name, those that are cheap to sign with first.
type Kinds = Vec<Arc<CertifiedKey>>;

impl Certificates {
    pub(super) fn new(certificates: &[Arc<Certificate>]) -> Self {
        let mut names = NameIndex::<Kinds>::default();
        let mut default = Kinds::new();
        for certificate in certificates {
            let signing = certificate.signing();
            certificate
                .names()
                .for_each(|name| add(names.entry(name), signing));
            // The same site with another kind of key.
            if certificate.names().eq(certificates[0].names()) {
                add(&mut default, signing);
            }
        }

        Self { names, default }
    }

    fn choose<'a>(
        &'a self,
        asked: Option<&str>,
        offered: &[SignatureScheme],
    ) -> Option<&'a Arc<CertifiedKey>> {
        let named = asked
            .into_iter()
            .flat_map(|asked| self.names.covering(asked));

        named
            .chain([&self.default])
            .flatten()
            .find(|signing| signing.key.choose_scheme(offered).is_some())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name(), hello.signature_schemes())
            .cloned()
    }
}

/// Of several for one name and kind of key the first counts.
fn add(kinds: &mut Kinds, signing: &Arc<CertifiedKey>) {
    let kind = |signing: &Arc<CertifiedKey>| rank(signing.key.algorithm());
    if let Err(place) = kinds.binary_search_by_key(&kind(signing), kind) {
        kinds.insert(place, Arc::clone(signing));
    }
}

/// An RSA signature costs some twenty times as much as one with a curve.
fn rank(algorithm: SignatureAlgorithm) -> u8 {
    match algorithm {
        SignatureAlgorithm::ECDSA => 0,
        SignatureAlgorithm::ED25519 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;

    fn certificate(kind: &'static rcgen::SignatureAlgorithm, names: &[&str]) -> Arc<Certificate> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate_for(kind).unwrap();
        let chain = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let made = Certificate::from_pem(chain.pem().as_bytes(), key.serialize_pem().as_bytes());
        Arc::new(made.unwrap())
    }

    fn chosen(
        of: &[Arc<Certificate>],
        asked: Option<&str>,
        offered: &[SignatureScheme],
    ) -> Option<usize> {
        let certificates = Certificates::new(of);
        let found = certificates.choose(asked, offered)?;
        of.iter().position(|one| Arc::ptr_eq(one.signing(), found))
    }

    const ALL: &[SignatureScheme] = &[
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::ED25519,
        SignatureScheme::ECDSA_NISTP256_SHA256,
    ];

    #[test]
    fn exact_name_wins_over_wildcard_and_default() {
        let ecdsa = &PKCS_ECDSA_P256_SHA256;
        let of = [
            certificate(ecdsa, &["default.test"]),
            certificate(ecdsa, &["*.a.test"]),
            certificate(ecdsa, &["b.a.test"]),
            certificate(ecdsa, &["b.a.test"]),
        ];

        assert_eq!(chosen(&of, Some("b.a.test"), ALL), Some(2));
        assert_eq!(chosen(&of, Some("c.a.test"), ALL), Some(1));
        assert_eq!(chosen(&of, Some("d.c.a.test"), ALL), Some(0));
        assert_eq!(chosen(&of, Some("a.test"), ALL), Some(0));
        assert_eq!(chosen(&of, None, ALL), Some(0));
    }

    #[test]
    fn kind_of_key_is_one_that_the_client_can_check() {
        let of = [
            certificate(&PKCS_ED25519, &["a.test"]),
            certificate(&PKCS_ECDSA_P256_SHA256, &["a.test"]),
        ];

        assert_eq!(chosen(&of, Some("a.test"), ALL), Some(1));
        assert_eq!(chosen(&of, None, ALL), Some(1));
        assert_eq!(
            chosen(&of, Some("a.test"), &[SignatureScheme::ED25519]),
            Some(0)
        );
        assert_eq!(
            chosen(&of, Some("a.test"), &[SignatureScheme::RSA_PSS_SHA256]),
            None
        );
    }
}
