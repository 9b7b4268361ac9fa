//! Whether a request has the right password.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::settings::{BasicAuth, User};
use crate::answer::Answer;
use crate::consumer::Consumer;
use crate::guard::Guard;

impl BasicAuth {
    /// Who sent a request with these headers; `None` if nobody who may pass.
    fn user(&self, headers: &HeaderMap) -> Option<&User> {
        let credentials = credentials(headers)?;
        let colon = credentials.iter().position(|byte| *byte == b':')?;
        let (name, password) = (&credentials[..colon], &credentials[colon + 1..]);

        let mut found = None;
        // All of them: the time may not tell which names there are.
        for user in &self.users {
            let same = user.name.as_bytes().ct_eq(name) & user.password.is(password);
            if same.into() {
                found = Some(user);
            }
        }
        found
    }
}

impl Guard for BasicAuth {
    fn check(&self, head: &mut Parts) -> Result<(), Answer> {
        let Some(user) = self.user(&head.headers) else {
            return Err(self.challenge.clone());
        };
        if !self.forwarded {
            head.headers.remove(AUTHORIZATION);
        }
        if let Some(name) = &self.user_header {
            head.headers.insert(name, user.header.clone());
        }
        head.extensions.insert(Consumer(user.name.clone()));
        Ok(())
    }
}

/// The decoded credentials, if there is one header with them.
fn credentials(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return None;
    }
    let (scheme, encoded) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    STANDARD.decode(encoded.trim_ascii()).ok()
}
