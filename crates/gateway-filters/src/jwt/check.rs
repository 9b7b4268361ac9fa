//! Whether a token is valid.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::{TokenData, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::{Claims, find, header_value};
use super::keys::Key;
use super::settings::{Jwt, JwtProvider};
use crate::answer::Answer;
use crate::guard::Guard;

/// Why there are no claims.
enum Refused {
    Missing,
    Invalid,
    NoKeys,
}

impl Jwt {
    fn claims(&self, headers: &HeaderMap) -> Result<Claims, Refused> {
        let token = self.token(headers)?;
        let issuer: Issuer =
            dangerous::insecure_decode_claims(token).map_err(|_| Refused::Invalid)?;
        let mut providers = self.providers.iter();
        // Whose it claims to be: what it is, the signature says.
        let provider = providers
            .find(|provider| provider.issuer == issuer.iss)
            .ok_or(Refused::Invalid)?;
        provider.check(token)
    }

    /// The token that a request brings.
    fn token<'a>(&self, headers: &'a HeaderMap) -> Result<&'a [u8], Refused> {
        let name = self.header.as_ref().unwrap_or(&AUTHORIZATION);
        let mut values = headers.get_all(name).iter();
        let value = values.next().ok_or(Refused::Missing)?.as_bytes();
        if values.next().is_some() {
            return Err(Refused::Invalid);
        }
        if self.header.is_some() {
            return Ok(value.trim_ascii());
        }
        match value.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => {
                Ok(token.trim_ascii())
            }
            Some(_) | None => Err(Refused::Invalid),
        }
    }
}

impl JwtProvider {
    fn check(&self, token: &[u8]) -> Result<Claims, Refused> {
        let header = decode_header(token).map_err(|_| Refused::Invalid)?;
        if is_critical(token) {
            return Err(Refused::Invalid);
        }
        let keys = self.keys.shared.keys.load();
        let Some(keys) = keys.as_ref() else {
            return Err(Refused::NoKeys);
        };
        let mut known = false;
        for key in keys.candidates(header.kid.as_deref(), header.alg) {
            known = true;
            let decoded = decode(token, &key.decoding, &self.validation(key));
            if let Ok(TokenData { claims, .. }) = decoded {
                let claims = Arc::new(claims);
                return Ok(Claims { claims });
            }
        }
        if !known {
            // It may be new.
            self.keys.shared.wanted.notify_one();
        }
        Err(Refused::Invalid)
    }

    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::default();
        validation.algorithms.clone_from(&key.algorithms);
        validation.leeway = self.leeway;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        if self.audiences.is_empty() {
            validation.validate_aud = false;
            validation.set_required_spec_claims(&["exp", "iss"]);
        } else {
            validation.set_audience(&self.audiences);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        }
        validation
    }
}

impl Guard for Jwt {
    fn check(&self, head: &mut Parts) -> Result<(), Answer> {
        let claims = match self.claims(&head.headers) {
            Ok(claims) => Some(claims),
            Err(Refused::Missing) if self.optional => None,
            Err(Refused::Missing) => return Err(self.missing.clone()),
            Err(Refused::Invalid) => return Err(self.invalid.clone()),
            Err(Refused::NoKeys) => return Err(self.no_keys.clone()),
        };
        if !self.forwarded {
            head.headers
                .remove(self.header.as_ref().unwrap_or(&AUTHORIZATION));
        }
        for (_, name) in &self.claim_headers {
            head.headers.remove(name);
        }
        if let Some(claims) = claims {
            self.tell(&claims.claims, &mut head.headers);
            head.extensions.insert(claims);
        }
        Ok(())
    }
}

impl Jwt {
    fn tell(&self, claims: &Map<String, Value>, headers: &mut HeaderMap) {
        for (path, name) in &self.claim_headers {
            let value = find(claims, path.iter().map(String::as_str)).and_then(header_value);
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// Whether a token demands extensions to be understood (RFC 7515, section 4.1.11). None is.
fn is_critical(token: &[u8]) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).ok();
    let header = header.and_then(|json| serde_json::from_slice::<Map<String, Value>>(&json).ok());
    header.is_none_or(|header| header.contains_key("crit"))
}
