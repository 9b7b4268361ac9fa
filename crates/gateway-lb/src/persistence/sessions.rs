//! Reads, issues and obeys tokens.

use std::net::SocketAddr;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::settings::SessionCarrier;
use super::token::{Seal, SessionKey, Token};
use crate::balance::{Balancer, NoReadyEndpoint, Pick};
use crate::cookies;

/// The sessions of one backend. See the [module docs](super) for an example.
#[derive(Debug)]
pub struct Sessions {
    carrier: SessionCarrier,
    seal: Seal,
    /// Of keys that nothing is issued with any more.
    older: Vec<Seal>,
    bound_to: Box<[u8]>,
}

impl Sessions {
    /// Sessions that `carrier` carries, of the backend that `scope` names, under `key`.
    ///
    /// The scope has to be the same on all replicas; it is part of what makes a token valid.
    #[must_use]
    pub fn new(carrier: impl Into<SessionCarrier>, key: SessionKey, scope: &[u8]) -> Self {
        let carrier = carrier.into();
        let name = carrier.name().as_bytes();
        Self {
            // A name has no zero byte, so no two pairs are written alike.
            bound_to: [name, &[0], scope].concat().into(),
            carrier,
            seal: Seal::new(&key),
            older: Vec::new(),
        }
    }

    /// Reads tokens of `key` too, so that sessions outlive a change of keys. None by default.
    #[must_use]
    pub fn with_older_key(mut self, key: SessionKey) -> Self {
        self.older.push(Seal::new(&key));
        self
    }

    /// What carries the tokens.
    #[must_use]
    pub const fn carrier(&self) -> &SessionCarrier {
        &self.carrier
    }

    /// The token of a request with `headers` at `now`; `None` if it has none that is valid.
    #[must_use]
    pub fn read(&self, headers: &HeaderMap, now: SystemTime) -> Option<Token> {
        match &self.carrier {
            SessionCarrier::Cookie(cookie) => cookies::named(headers, cookie.name())
                .take(MOST_TRIED)
                .find_map(|value| self.open(value, now)),
            SessionCarrier::Header(session) => headers
                .get_all(session.name())
                .into_iter()
                .take(MOST_TRIED)
                .find_map(|value| self.open(value.as_bytes(), now)),
        }
    }

    /// The header field that makes a client stay with the endpoint at `address` from `now` on,
    /// to be appended to the response.
    ///
    /// `None` if the system has no randomness to give; the response is then as good without.
    #[must_use]
    pub fn issue(&self, address: SocketAddr, now: SystemTime) -> Option<(HeaderName, HeaderValue)> {
        let token = self.seal.seal(Token::new(address, now), &self.bound_to)?;
        let (name, value) = match &self.carrier {
            SessionCarrier::Cookie(cookie) => (header::SET_COOKIE, cookie.set_cookie(&token)),
            SessionCarrier::Header(session) => (session.name().clone(), token),
        };
        Some((name, HeaderValue::try_from(value).ok()?))
    }

    /// The endpoint of the session of a request with `headers`, or a new one of `balancer` and
    /// the field to [issue](Self::issue) with the response. A new session goes by `key`, if that
    /// is given.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if there is no session and nothing to begin one with.
    pub fn pick(
        &self,
        balancer: &Balancer,
        key: Option<u64>,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<(Pick, Option<(HeaderName, HeaderValue)>), NoReadyEndpoint> {
        let kept = self
            .read(headers, now)
            .and_then(|token| balancer.pick_at(token.address()));
        if let Some(pick) = kept {
            return Ok((pick, None));
        }
        let pick = match key {
            Some(key) => balancer.pick_keyed(key),
            None => balancer.pick(),
        }?;
        let issued = self.issue(pick.address(), now);
        Ok((pick, issued))
    }

    fn open(&self, text: &[u8], now: SystemTime) -> Option<Token> {
        let token = std::iter::once(&self.seal)
            .chain(&self.older)
            .find_map(|seal| seal.open(text, &self.bound_to))?;
        (!token.has_ended(self.carrier.timeout(), now)).then_some(token)
    }
}

/// How many values of one name are looked at: browsers send one for each path that matches.
const MOST_TRIED: usize = 8;
