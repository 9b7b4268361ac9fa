//! Whose keys are right, and where they are.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::error::InvalidApiKeys;
use super::place::Place;
use crate::answer::Answer;
use crate::framing::{is_senders, named};

/// Keys, their consumers, and where to look for them. There are none by default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeys {
    pub(super) places: Vec<Place>,
    pub(super) keys: Vec<Key>,
    pub(super) consumer_header: Option<HeaderName>,
    pub(super) forwarded: bool,
    pub(super) challenge: Answer,
}

#[derive(Clone, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) consumer: Arc<str>,
    pub(super) header: HeaderValue,
    pub(super) secret: Box<[u8]>,
}

impl ApiKeys {
    /// No keys, and no place to look for them.
    #[must_use]
    pub fn new() -> Self {
        let challenge = HeaderValue::from_static("ApiKey");
        Self {
            places: Vec::new(),
            keys: Vec::new(),
            consumer_header: None,
            forwarded: false,
            challenge: Answer::text(StatusCode::UNAUTHORIZED, "a valid API key is required")
                .and_header(header::WWW_AUTHENTICATE, challenge),
        }
    }

    /// Looks for keys in this header; if that is `authorization`, after `Bearer`.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn in_header(mut self, name: &str) -> Result<Self, InvalidApiKeys> {
        self.places.push(Place::Header(named(name, is_senders)?));
        Ok(self)
    }

    /// Looks for keys in this query parameter.
    ///
    /// # Errors
    ///
    /// If `name` is empty.
    pub fn in_query(mut self, name: &str) -> Result<Self, InvalidApiKeys> {
        if name.is_empty() {
            return Err(InvalidApiKeys::Query);
        }
        self.places.push(Place::Query(name.into()));
        Ok(self)
    }

    /// Looks for keys in this cookie.
    ///
    /// # Errors
    ///
    /// If `name` is not a token.
    pub fn in_cookie(mut self, name: &str) -> Result<Self, InvalidApiKeys> {
        // Cookies have the same characters in their names as headers.
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(InvalidApiKeys::Cookie {
                name: name.to_owned(),
            });
        }
        self.places.push(Place::Cookie(name.into()));
        Ok(self)
    }

    /// Lets `consumer` pass with `key`. A consumer may have several.
    ///
    /// # Errors
    ///
    /// If `consumer` cannot be the value of a header, `key` is empty, or another's.
    pub fn with_key(mut self, consumer: &str, key: &str) -> Result<Self, InvalidApiKeys> {
        let header = HeaderValue::from_bytes(consumer.as_bytes())
            .ok()
            .filter(|_| !consumer.is_empty())
            .ok_or_else(|| InvalidApiKeys::Consumer {
                name: consumer.to_owned(),
            })?;
        if key.is_empty() {
            return Err(InvalidApiKeys::Empty {
                consumer: consumer.to_owned(),
            });
        }
        let same = self
            .keys
            .iter()
            .find(|there| *there.secret == *key.as_bytes());
        if let Some(there) = same.filter(|there| &*there.consumer != consumer) {
            return Err(InvalidApiKeys::Shared {
                consumer: consumer.to_owned(),
                other: there.consumer.to_string(),
            });
        }
        self.keys.push(Key {
            consumer: consumer.into(),
            header,
            secret: key.as_bytes().into(),
        });
        Ok(self)
    }

    /// Tells the backend the consumer's name in this header. It is not told by default.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_consumer_header(mut self, name: &str) -> Result<Self, InvalidApiKeys> {
        self.consumer_header = Some(named(name, is_senders)?);
        Ok(self)
    }

    /// Answers this to who has no right key. The default is 401 with a challenge, without which a
    /// 401 should not be (RFC 9110, section 15.5.2).
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.challenge = answer;
        self
    }

    /// Whether the backend gets the key too. It does not by default.
    #[must_use]
    pub fn with_forwarded_keys(mut self, forwarded: bool) -> Self {
        self.forwarded = forwarded;
        self
    }
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.consumer).finish()
    }
}
