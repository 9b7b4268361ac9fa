//! From PEM to a certificate that can be served.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate, X509Version};

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
    ///
    /// # Example
    ///
    /// ```no_run
    /// use gateway_core::model::{Certificate, Listener, TlsTermination};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (chain, key) = (std::fs::read("tls.crt")?, std::fs::read("tls.key")?);
    /// let certificate = Certificate::from_pem(&chain, &key)?;
    ///
    /// let listener = Listener::https("web", 443, TlsTermination::new(certificate));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain = read_chain(chain)?;
        let key = read_key(key)?;

        let parsed = chain
            .iter()
            .enumerate()
            .map(|(index, certificate)| parse(certificate, index + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let leaf = parsed.first().ok_or(InvalidCertificate::NoCertificate)?;
        if leaf.version != X509Version::V3 {
            return Err(InvalidCertificate::Version {
                version: leaf.version.0.saturating_add(1),
            });
        }
        let names = names(leaf);
        let not_before = time(leaf.validity.not_before);
        let not_after = time(leaf.validity.not_after);

        let key = any_supported_type(&key).map_err(|_| InvalidCertificate::UnsupportedKey)?;
        belongs(&*key, &parsed)?;
        let signing = CertifiedKey::new(chain.clone(), key);

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

/// Whether `key` is that of the first of `chain`.
fn belongs(key: &dyn SigningKey, chain: &[X509Certificate<'_>]) -> Result<(), InvalidCertificate> {
    // All kinds that are supported know their public half.
    let public = key.public_key().ok_or(InvalidCertificate::UnsupportedKey)?;
    let place = chain
        .iter()
        .position(|certificate| certificate.public_key().raw == public.as_ref());

    match place {
        Some(0) => Ok(()),
        Some(_) => Err(InvalidCertificate::Order),
        None => Err(InvalidCertificate::KeyMismatch),
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
