//! Whether a request has the right password.

use std::pin::Pin;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use subtle::ConstantTimeEq;

use super::settings::BasicAuth;
use crate::consumer::Consumer;

/// Settings, and what is known beside them.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) auth: Arc<BasicAuth>,
    #[cfg(feature = "bcrypt")]
    pub(super) slow: Option<Arc<super::slow::Slow>>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The user with this place in the settings sent it.
    Pass(usize),
    Refuse,
    /// Too many others wait to be told.
    #[cfg_attr(not(feature = "bcrypt"), expect(dead_code, reason = "nobody waits"))]
    Overloaded,
}

/// A password that is being checked.
pub(super) type Checking = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// What becomes of a request, now or later.
pub(super) enum Decision {
    Now(Verdict),
    #[cfg_attr(not(feature = "bcrypt"), expect(dead_code, reason = "all are quick"))]
    Later(Checking),
}

impl Gate {
    /// Who sent a request with these headers.
    pub(super) fn decide(&self, headers: &HeaderMap) -> Decision {
        let Some(credentials) = credentials(headers) else {
            return Decision::Now(Verdict::Refuse);
        };
        let Some(colon) = credentials.iter().position(|byte| *byte == b':') else {
            return Decision::Now(Verdict::Refuse);
        };
        let (name, password) = (&credentials[..colon], &credentials[colon + 1..]);

        let mut found = None;
        // All of them: the time may not tell which names there are.
        for (index, user) in self.auth.users.iter().enumerate() {
            let same = user.name.as_bytes().ct_eq(name) & user.password.is(password);
            if same.into() {
                found = Some(index);
            }
        }
        #[cfg(feature = "bcrypt")]
        if let (None, Some(slow)) = (found, &self.slow) {
            return match slow.check(&self.auth, name, password) {
                Ok(index) => Decision::Now(Verdict::Pass(index)),
                Err(checking) => Decision::Later(checking),
            };
        }
        Decision::Now(found.map_or(Verdict::Refuse, Verdict::Pass))
    }

    /// Tells those inside who sent `request`.
    pub(super) fn admit<B>(&self, index: usize, request: &mut Request<B>) {
        let user = &self.auth.users[index];
        if !self.auth.forwarded {
            request.headers_mut().remove(AUTHORIZATION);
        }
        if let Some(name) = &self.auth.user_header {
            request.headers_mut().insert(name, user.header.clone());
        }
        request.extensions_mut().insert(Consumer(user.name.clone()));
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
