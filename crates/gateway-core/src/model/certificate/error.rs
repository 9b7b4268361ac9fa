//! Why a certificate cannot be served.

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
