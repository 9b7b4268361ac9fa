//! A password, and whether another one is the same.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};

#[cfg(feature = "bcrypt")]
use super::bcrypt::Bcrypt;
#[cfg(feature = "htpasswd")]
use super::error::InvalidHash;

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
    #[cfg(feature = "bcrypt")]
    Bcrypt(Bcrypt),
}

impl Password {
    /// A password as it is typed.
    #[must_use]
    pub fn plain(password: &str) -> Self {
        Self(Kind::Plain(password.as_bytes().into()))
    }

    /// What stands for a password in `htpasswd`: `{SHA}` or `{SHA256}` and a digest in base64, or
    /// with the feature `bcrypt` what begins with `$2a$`, `$2b$` or `$2y$`.
    ///
    /// # Errors
    ///
    /// If it is anything else (MD5 as `$apr1$`, `crypt`, a password as it is), or bcrypt of a
    /// cost that is not from 4 to 12.
    #[cfg(feature = "htpasswd")]
    pub fn hashed(text: &str) -> Result<Self, InvalidHash> {
        #[cfg(feature = "bcrypt")]
        if text.starts_with("$2") {
            return Ok(Self(Kind::Bcrypt(Bcrypt::parse(text)?)));
        }
        if let Some(digest) = text.strip_prefix("{SHA}") {
            return Ok(Self(Kind::Sha1(decode(digest)?)));
        }
        let digest = text.strip_prefix("{SHA256}").ok_or(InvalidHash::Unknown)?;
        Ok(Self(Kind::Sha256(decode(digest)?)))
    }

    /// Whether `password` is this one; in a time that does not tell where it is not. Of one whose
    /// hash is [slow](Self::slow) it is not said here.
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
            #[cfg(feature = "bcrypt")]
            Kind::Bcrypt(_) => Choice::from(0),
        }
    }

    /// The hash, if it takes long to compute.
    #[cfg(feature = "bcrypt")]
    pub(super) fn slow(&self) -> Option<&Bcrypt> {
        match &self.0 {
            Kind::Bcrypt(hash) => Some(hash),
            Kind::Plain(_) | Kind::Sha1(_) | Kind::Sha256(_) => None,
        }
    }
}

#[cfg(feature = "htpasswd")]
fn decode<const N: usize>(digest: &str) -> Result<[u8; N], InvalidHash> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let bytes = STANDARD.decode(digest).map_err(|_| InvalidHash::Unknown)?;
    bytes.try_into().map_err(|_| InvalidHash::Unknown)
}

// A password is nobody's business, hashed or not.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
