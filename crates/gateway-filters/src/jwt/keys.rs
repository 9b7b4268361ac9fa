//! Keys, and what each is good for.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

use super::error::InvalidJwks;

/// A JSON Web Key Set (RFC 7517): public keys, or shared secrets.
///
/// Keys of types or for uses that are not known are left out, as the RFC has it.
#[derive(Clone)]
pub struct Jwks {
    pub(super) keys: Vec<Key>,
}

#[derive(Clone)]
pub(super) struct Key {
    jwk: Jwk,
    pub(super) decoding: DecodingKey,
    /// What may be signed with it.
    pub(super) algorithms: Vec<Algorithm>,
}

impl Jwks {
    /// Reads a key set from JSON.
    ///
    /// # Errors
    ///
    /// If it is no key set, or none of its keys can be used.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidJwks> {
        #[derive(serde::Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_| InvalidJwks::Syntax)?;
        let read = |value| serde_json::from_value::<Jwk>(value).ok();
        let keys: Vec<_> = set
            .keys
            .into_iter()
            .filter_map(read)
            .filter_map(Key::new)
            .collect();
        if keys.is_empty() {
            return Err(InvalidJwks::NoKeys);
        }
        Ok(Self { keys })
    }

    /// The keys that a token with this header may be signed with.
    pub(super) fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        let of_id = move |key: &&Key| match kid {
            Some(kid) => key.jwk.common.key_id.as_deref() == Some(kid),
            None => true,
        };
        let fits = move |key: &&Key| key.algorithms.contains(&algorithm);
        // A token without a name for its key may not cost many checks.
        self.keys
            .iter()
            .filter(of_id)
            .filter(fits)
            .take(MOST_CHECKS)
    }

    /// The same without shared secrets, which nobody publishes who has understood them.
    pub(super) fn public(mut self) -> Result<Self, InvalidJwks> {
        self.keys
            .retain(|key| !matches!(key.jwk.algorithm, AlgorithmParameters::OctetKey(_)));
        if self.keys.is_empty() {
            return Err(InvalidJwks::NoKeys);
        }
        Ok(self)
    }
}

impl Key {
    fn new(jwk: Jwk) -> Option<Self> {
        if matches!(&jwk.common.public_key_use, Some(used) if *used != PublicKeyUse::Signature) {
            return None;
        }
        let named = jwk.common.key_algorithm.as_ref();
        let named = named.map(|name| name.to_string().parse::<Algorithm>());
        let possible = possible(&jwk);
        let algorithms = match named {
            Some(Ok(named)) => possible
                .iter()
                .copied()
                .filter(|one| *one == named)
                .collect(),
            Some(Err(_)) => Vec::new(),
            // One secret is good for one algorithm, and that has to be said.
            None if matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) => Vec::new(),
            None => possible.to_vec(),
        };
        if algorithms.is_empty() {
            return None;
        }
        Some(Self {
            decoding: DecodingKey::from_jwk(&jwk).ok()?,
            jwk,
            algorithms,
        })
    }
}

/// What a key of this type and curve can sign.
fn possible(jwk: &Jwk) -> &'static [Algorithm] {
    use Algorithm::{
        ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512,
    };
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[EdDSA],
        AlgorithmParameters::OctetKey(_) => &[HS256, HS384, HS512],
        _ => &[],
    }
}

impl Eq for Jwks {}

impl PartialEq for Jwks {
    fn eq(&self, other: &Self) -> bool {
        let keys = self.keys.iter().map(|key| &key.jwk);
        keys.eq(other.keys.iter().map(|key| &key.jwk))
    }
}

// A shared secret is nobody's business.
impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|key| &key.jwk.common.key_id);
        f.debug_list().entries(names).finish()
    }
}

const MOST_CHECKS: usize = 4;
