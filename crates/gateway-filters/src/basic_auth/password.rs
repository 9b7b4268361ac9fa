//! A password, and whether another one is the same.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

/// A user's password, as it is or hashed.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Password(Kind);

#[derive(Clone, Eq, Hash, PartialEq)]
enum Kind {
    Plain(Box<[u8]>),
    #[cfg(feature = "htpasswd")]
    Sha1([u8; 20]),
    #[cfg(feature = "htpasswd")]
    Sha256([u8; 32]),
}

impl Password {
    /// A password as it is typed.
    #[must_use]
    pub fn plain(password: &str) -> Self {
        Self(Kind::Plain(password.as_bytes().into()))
    }

    /// What stands for a password in `htpasswd`: `{SHA}` or `{SHA256}` and a digest in base64.
    /// `None` for anything else.
    #[cfg(feature = "htpasswd")]
    #[must_use]
    pub fn hashed(text: &str) -> Option<Self> {
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;

        let decode = |digest| STANDARD.decode(digest).ok();
        if let Some(digest) = text.strip_prefix("{SHA}") {
            return Some(Self(Kind::Sha1(decode(digest)?.try_into().ok()?)));
        }
        let digest = decode(text.strip_prefix("{SHA256}")?)?;
        Some(Self(Kind::Sha256(digest.try_into().ok()?)))
    }

    /// Whether `password` is this one; in a time that does not tell where it is not.
    pub(super) fn is(&self, password: &[u8]) -> Choice {
        match &self.0 {
            Kind::Plain(plain) => plain.ct_eq(password),
            #[cfg(feature = "htpasswd")]
            Kind::Sha1(digest) => {
                use sha1::{Digest, Sha1};
                digest[..].ct_eq(&Sha1::digest(password)[..])
            }
            #[cfg(feature = "htpasswd")]
            Kind::Sha256(digest) => {
                use sha2::{Digest, Sha256};
                digest[..].ct_eq(&Sha256::digest(password)[..])
            }
        }
    }
}

// A password is nobody's business, hashed or not.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
