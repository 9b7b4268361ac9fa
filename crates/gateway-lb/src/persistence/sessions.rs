//! Reads, issues and obeys tokens.

use std::net::SocketAddr;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::settings::SessionCarrier;
use super::token::{Seal, SessionKey, Token, is_token};
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
    /// How many tokens of other backends are kept beside one of this.
    others: usize,
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
            others: 0,
        }
    }

    /// Shares its name with the sessions of so many other backends: those that the weights of a
    /// rule choose from. None by default.
    ///
    /// A client keeps one value under a name. With others, that has a token for each, of which
    /// the newest comes first, and a new session with one of them ends none with the others.
    #[must_use]
    pub const fn with_others(mut self, others: usize) -> Self {
        self.others = others;
        self
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
        self.tokens(headers)
            .filter_map(|text| self.open(text))
            .find(|token| !token.has_ended(self.carrier.timeout(), now))
    }

    /// The header field that makes a client, who has sent `headers`, stay with the endpoint at
    /// `address` from `now` on, to be appended to the response.
    ///
    /// `None` if the system has no randomness to give; the response is then as good without.
    #[must_use]
    pub fn issue(
        &self,
        headers: &HeaderMap,
        address: SocketAddr,
        now: SystemTime,
    ) -> Option<(HeaderName, HeaderValue)> {
        let mut value = self.seal.seal(Token::new(address, now), &self.bound_to)?;
        self.keep_others(headers, &mut value);
        let (name, value) = match &self.carrier {
            SessionCarrier::Cookie(cookie) => (header::SET_COOKIE, cookie.set_cookie(&value)),
            SessionCarrier::Header(session) => (session.name().clone(), value),
        };
        Some((name, HeaderValue::try_from(value).ok()?))
    }

    /// Adds the tokens in `headers` that are of others: whose is for them to find out.
    fn keep_others(&self, headers: &HeaderMap, value: &mut String) {
        let mut left = self.others;
        for text in self.tokens(headers) {
            if left == 0 {
                return;
            }
            let Some(token) = is_token(text).filter(|token| !value.contains(*token)) else {
                continue;
            };
            // One of ours has just been replaced.
            if self.open(text).is_none() {
                value.push(char::from(BETWEEN));
                value.push_str(token);
                left -= 1;
            }
        }
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
        let issued = self.issue(headers, pick.address(), now);
        Ok((pick, issued))
    }

    /// What a client has sent that may be a token.
    fn tokens<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let (cookies, fields) = match &self.carrier {
            SessionCarrier::Cookie(cookie) => (Some(cookies::named(headers, cookie.name())), None),
            SessionCarrier::Header(session) => {
                let fields = headers.get_all(session.name()).into_iter();
                (None, Some(fields.map(HeaderValue::as_bytes)))
            }
        };
        let cookies = cookies.into_iter().flatten();
        cookies
            .chain(fields.into_iter().flatten())
            .take(MOST_TRIED)
            .flat_map(|value| value.split(|byte| *byte == BETWEEN).take(1 + self.others))
    }

    /// What `text` says, if it is a token of these sessions, however old.
    fn open(&self, text: &[u8]) -> Option<Token> {
        std::iter::once(&self.seal)
            .chain(&self.older)
            .find_map(|seal| seal.open(text, &self.bound_to))
    }
}

/// How many values of one name are looked at: browsers send one for each path that matches.
const MOST_TRIED: usize = 8;
/// What stands between the tokens of several backends: no digit, and nothing to be quoted.
const BETWEEN: u8 = b'.';
