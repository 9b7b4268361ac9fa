//! Certificates with their keys, checked when they are given.

use std::fmt;
use std::hash::{Hash, Hasher};
#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

/// A chain of certificates and the key of the first, which can be served.
///
/// Made by `Certificate::from_pem` (feature `tls`). Compared by its chain: a key belongs
/// to one certificate. [`fmt::Debug`] does not show the key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    names: Vec<Box<str>>,
    not_before: SystemTime,
    not_after: SystemTime,
    #[cfg(feature = "tls")]
    signing: Arc<rustls::sign::CertifiedKey>,
}

impl Certificate {
    /// The chain, the certificate of the key first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The DNS names that it is for, in lower case, possibly with a wildcard: those
    /// of its subject alternative names, or its common name if it has none of any kind.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.names)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// A certificate that cannot be served, or a key that does not belong to it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// The text for the chain has no PEM block of a certificate.
    #[error("there is no certificate in PEM")]
    NoCertificate,
    /// The text for the key has no PEM block of a private key.
    #[error("there is no private key in PEM")]
    NoKey,
    /// A PEM block of the chain is damaged.
    #[error("the PEM of the certificates is damaged")]
    CertificatePem,
    /// The PEM block of the key is damaged.
    #[error("the PEM of the private key is damaged")]
    KeyPem,
    /// Nobody could type the password.
    #[error("the private key is encrypted")]
    EncryptedKey,
    /// A block of the chain is PEM and no certificate.
    #[error("certificate {place} of the chain is not X.509")]
    NotX509 {
        /// Its place, counted from 1.
        place: usize,
    },
    /// `openssl x509 -req` without extensions makes certificates of version 1, which
    /// clients refuse.
    #[error("the certificate is X.509 version {version}, and only version 3 can be served")]
    Version {
        /// As people count them: 1, 2, …
        version: u32,
    },
    /// The key is of a kind, or a size, that TLS libraries no longer serve.
    #[error("the private key is neither RSA (2048 bits or more), ECDSA nor Ed25519")]
    UnsupportedKey,
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The key belongs to a certificate further down.
    #[error("the certificate of the private key is not the first of the chain")]
    Order,
}

#[cfg(feature = "tls")]
mod reading {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use rustls::crypto::aws_lc_rs::sign::any_supported_type;
    use rustls::pki_types::pem::{self, PemObject};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::sign::CertifiedKey;
    use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate};

    use super::{Certificate, InvalidCertificate};

    impl Certificate {
        /// Reads a chain, the certificate of the server first, and its key, both in
        /// PEM, as a Secret of type `kubernetes.io/tls` holds them.
        ///
        /// # Errors
        ///
        /// When this could not be served: a text that is not PEM or no certificate, a
        /// certificate that is not X.509 version 3, a key that is encrypted, of an
        /// unsupported kind, or of another certificate. Dates are not looked at.
        pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
            let chain = read_chain(chain)?;
            let key = read_key(key)?;

            let first = chain.first().ok_or(InvalidCertificate::NoCertificate)?;
            let leaf = parse(first, 1)?;
            if leaf.version.0 != 2 {
                return Err(InvalidCertificate::Version {
                    version: leaf.version.0.saturating_add(1),
                });
            }
            let names = names(&leaf);
            let not_before = time(leaf.validity.not_before);
            let not_after = time(leaf.validity.not_after);
            for (index, certificate) in chain.iter().enumerate().skip(1) {
                parse(certificate, index + 1)?;
            }

            let key = any_supported_type(&key).map_err(|_| InvalidCertificate::UnsupportedKey)?;
            let signing = CertifiedKey::new(chain.clone(), key);
            if signing.keys_match().is_err() {
                return Err(why_not(&signing));
            }

            Ok(Self {
                chain,
                names,
                not_before,
                not_after,
                signing: Arc::new(signing),
            })
        }

        /// Reads the certificates of those who may have signed others, in PEM, as
        /// `ca.crt` of a ConfigMap holds them.
        ///
        /// # Errors
        ///
        /// A text that is not PEM, or of which a block is no certificate.
        pub fn authorities_from_pem(
            text: &[u8],
        ) -> Result<Vec<CertificateDer<'static>>, InvalidCertificate> {
            let authorities = read_chain(text)?;
            if authorities.is_empty() {
                return Err(InvalidCertificate::NoCertificate);
            }
            for (index, authority) in authorities.iter().enumerate() {
                parse(authority, index + 1)?;
            }

            Ok(authorities)
        }

        /// For handshakes.
        #[cfg_attr(
            not(feature = "server"),
            expect(dead_code, reason = "handshakes need sockets")
        )]
        pub(crate) fn signing(&self) -> &Arc<CertifiedKey> {
            &self.signing
        }
    }

    fn read_chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidCertificate> {
        CertificateDer::pem_slice_iter(text)
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidCertificate::CertificatePem)
    }

    fn read_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, InvalidCertificate> {
        let encrypted = memmem(text, b"ENCRYPTED");

        PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
            _ if encrypted => InvalidCertificate::EncryptedKey,
            pem::Error::NoItemsFound => InvalidCertificate::NoKey,
            _ => InvalidCertificate::KeyPem,
        })
    }

    fn memmem(text: &[u8], word: &[u8]) -> bool {
        text.windows(word.len()).any(|window| window == word)
    }

    fn parse(der: &[u8], place: usize) -> Result<X509Certificate<'_>, InvalidCertificate> {
        match X509Certificate::from_der(der) {
            Ok((_, certificate)) => Ok(certificate),
            Err(_) => Err(InvalidCertificate::NotX509 { place }),
        }
    }

    /// Why the key does not fit the first certificate.
    fn why_not(signing: &CertifiedKey) -> InvalidCertificate {
        let fits = |certificate: &CertificateDer<'static>| {
            let other = CertifiedKey::new(vec![certificate.clone()], Arc::clone(&signing.key));
            other.keys_match().is_ok()
        };

        if signing.cert.iter().skip(1).any(fits) {
            InvalidCertificate::Order
        } else {
            InvalidCertificate::KeyMismatch
        }
    }

    fn names(certificate: &X509Certificate<'_>) -> Vec<Box<str>> {
        let folded = |name: &str| name.to_ascii_lowercase().into_boxed_str();
        if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
            let names = alternatives.value.general_names.iter();
            return names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some(folded(name)),
                    _ => None,
                })
                .collect();
        }

        let common = certificate.subject().iter_common_name();
        common
            .filter_map(|name| name.as_str().ok())
            .map(folded)
            .collect()
    }

    fn time(time: ASN1Time) -> SystemTime {
        let seconds = Duration::from_secs(time.timestamp().unsigned_abs());
        let moment = if time.timestamp() < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(seconds)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(seconds)
        };
        moment.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, DnType, KeyPair, SanType, string::Ia5String};

    use super::*;

    struct Made {
        chain: String,
        key: String,
    }

    fn made(params: CertificateParams) -> Made {
        let key = KeyPair::generate().unwrap();
        Made {
            chain: params.self_signed(&key).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    fn named(names: &[&str]) -> CertificateParams {
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn read(made: &Made) -> Result<Certificate, InvalidCertificate> {
        Certificate::from_pem(made.chain.as_bytes(), made.key.as_bytes())
    }

    #[test]
    fn names_and_dates_are_those_of_the_certificate() {
        let mut params = named(&["Shop.example.com", "*.example.org"]);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);

        let certificate = read(&made(params)).unwrap();

        let names: Vec<_> = certificate.names().collect();
        assert_eq!(names, ["shop.example.com", "*.example.org"]);
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(certificate.not_before() + day, certificate.not_after());
    }

    #[test]
    fn common_name_counts_only_without_alternatives() {
        let mut common = named(&[]);
        common
            .distinguished_name
            .push(DnType::CommonName, "example.com");
        let mut both = common.clone();
        both.subject_alt_names = vec![SanType::URI(Ia5String::try_from("*").unwrap())];

        assert!(read(&made(common)).unwrap().names().eq(["example.com"]));
        assert_eq!(read(&made(both)).unwrap().names().len(), 0);
    }

    #[test]
    fn texts_that_are_no_pem_are_told_apart() {
        let good = made(named(&["a.test"]));
        let refusal = |chain: &str, key: &str| {
            Certificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
        };

        assert_eq!(
            refusal("Hello world", &good.key),
            InvalidCertificate::NoCertificate
        );
        assert_eq!(
            refusal(&good.chain, "Hello world"),
            InvalidCertificate::NoKey
        );
        assert_eq!(refusal(&good.chain, &good.chain), InvalidCertificate::NoKey);
        let damaged = good.chain.replace("MII", "M#I");
        assert_eq!(
            refusal(&damaged, &good.key),
            InvalidCertificate::CertificatePem
        );
        let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            refusal(other, &good.key),
            InvalidCertificate::NotX509 { place: 1 }
        );
        let locked = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(
            refusal(&good.chain, &locked),
            InvalidCertificate::EncryptedKey
        );
    }

    #[test]
    fn authorities_are_certificates_and_nothing_else() {
        let (one, other) = (made(named(&["a.test"])), made(named(&["b.test"])));
        let read = |text: &str| Certificate::authorities_from_pem(text.as_bytes());

        assert_eq!(read(&(one.chain.clone() + &other.chain)).unwrap().len(), 2);
        assert_eq!(
            read(&one.key).unwrap_err(),
            InvalidCertificate::NoCertificate
        );
        let broken = one.chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            read(&broken).unwrap_err(),
            InvalidCertificate::NotX509 { place: 2 }
        );
    }

    #[test]
    fn key_of_another_certificate_is_refused() {
        let (one, other) = (made(named(&["a.test"])), made(named(&["b.test"])));
        let swapped = Made {
            chain: one.chain.clone(),
            key: other.key.clone(),
        };
        let disordered = Made {
            chain: one.chain + &other.chain,
            key: other.key,
        };

        assert_eq!(read(&swapped).unwrap_err(), InvalidCertificate::KeyMismatch);
        assert_eq!(read(&disordered).unwrap_err(), InvalidCertificate::Order);
    }

    #[test]
    fn version_1_is_refused_with_its_number() {
        let old = Made {
            chain: VERSION_1.to_owned(),
            key: made(named(&["a.test"])).key,
        };

        assert_eq!(
            read(&old).unwrap_err(),
            InvalidCertificate::Version { version: 1 }
        );
    }

    #[test]
    fn debug_does_not_show_the_key() {
        let shown = format!("{:?}", read(&made(named(&["a.test"]))).unwrap());

        assert_eq!(shown, r#"Certificate { names: ["a.test"], chain: 1, .. }"#);
    }

    #[test]
    fn same_chain_is_the_same_certificate() {
        let (one, other) = (made(named(&["a.test"])), made(named(&["a.test"])));

        assert_eq!(read(&one).unwrap(), read(&one).unwrap());
        assert_ne!(read(&one).unwrap(), read(&other).unwrap());
    }

    /// Made with `openssl x509 -req` and nothing else.
    const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBITCByQIUAnXa5yEMb1iI3TFKuhDZTHgiGS4wCgYIKoZIzj0EAwIwEzERMA8G
A1UEAwwIb2xkLnRlc3QwIBcNMjYxMTIyMDk1ODQxWhgPMjEyNjEwMjkwOTU4NDFa
MBMxETAPBgNVBAMMCG9sZC50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
2sWcl5gTvODhTrp9ZGctYgG6fKGfNEOhKuAcqUy870v/uHh975CYxVR3oUZWUJ9r
tFdoaSNWrs7smq21SIjHrTAKBggqhkjOPQQDAgNHADBEAiBBDp1Av60mWuPGiqV7
KOAPG3q3bKoboZl7qgmC5uPK4gIgcAbZm3WbW1eK/FzTuklcivGB48eJSwYKVeOl
TOP5QDs=
-----END CERTIFICATE-----
";
}
