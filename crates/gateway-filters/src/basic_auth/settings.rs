//! Who may pass.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::error::InvalidBasicAuth;
use super::password::Password;
use crate::answer::Answer;
use crate::framing::{is_senders, named};

/// Users and their passwords. There are none by default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BasicAuth {
    pub(super) users: Vec<User>,
    pub(super) user_header: Option<HeaderName>,
    pub(super) forwarded: bool,
    pub(super) challenge: Answer,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct User {
    pub(super) name: Arc<str>,
    pub(super) header: HeaderValue,
    pub(super) password: Password,
}

impl BasicAuth {
    /// No users; `realm` is what a browser shows when it asks.
    ///
    /// # Errors
    ///
    /// If `realm` has quotes, backslashes or anything but visible ASCII and spaces.
    pub fn new(realm: &str) -> Result<Self, InvalidBasicAuth> {
        let fits = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let challenge = format!("Basic realm=\"{realm}\", charset=\"UTF-8\"");
        match HeaderValue::try_from(challenge) {
            Ok(challenge) if realm.bytes().all(fits) => Ok(Self {
                users: Vec::new(),
                user_header: None,
                forwarded: false,
                challenge: Answer::text(StatusCode::UNAUTHORIZED, "authentication required")
                    .and_header(header::WWW_AUTHENTICATE, challenge),
            }),
            Ok(_) | Err(_) => Err(InvalidBasicAuth::Realm {
                realm: realm.to_owned(),
            }),
        }
    }

    /// Lets a user pass.
    ///
    /// # Errors
    ///
    /// If `name` is empty, has a colon or control characters, or is there already.
    pub fn with_user(mut self, name: &str, password: Password) -> Result<Self, InvalidBasicAuth> {
        let invalid = || InvalidBasicAuth::Name {
            name: name.to_owned(),
        };
        if name.is_empty() || name.contains(':') {
            return Err(invalid());
        }
        if self.users.iter().any(|user| &*user.name == name) {
            return Err(InvalidBasicAuth::Twice {
                name: name.to_owned(),
            });
        }
        self.users.push(User {
            name: name.into(),
            header: HeaderValue::from_bytes(name.as_bytes()).map_err(|_| invalid())?,
            password,
        });
        Ok(self)
    }

    /// Lets the users of a file pass that `htpasswd` made: `name:hash` on each line. Empty lines
    /// and those that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// If a line is something else, its hash none that [`Password::hashed`] reads, or a name as
    /// in [`with_user`](Self::with_user).
    #[cfg(feature = "htpasswd")]
    pub fn with_htpasswd(mut self, file: &str) -> Result<Self, InvalidBasicAuth> {
        for (line, text) in (1..).zip(file.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (name, hash) = text
                .split_once(':')
                .ok_or(InvalidBasicAuth::Line { line })?;
            let password =
                Password::hashed(hash).map_err(|source| InvalidBasicAuth::Hash { line, source })?;
            self = self.with_user(name, password)?;
        }
        Ok(self)
    }

    /// Tells the backend the user's name in this header. It is not told by default.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_user_header(mut self, name: &str) -> Result<Self, InvalidBasicAuth> {
        self.user_header = Some(named(name, is_senders)?);
        Ok(self)
    }

    /// Answers this to who has no right password. The default is 401 with a challenge, without
    /// which browsers show no dialogue.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.challenge = answer;
        self
    }

    /// Whether the backend gets the `Authorization` header too. It does not by default.
    #[must_use]
    pub fn with_forwarded_credentials(mut self, forwarded: bool) -> Self {
        self.forwarded = forwarded;
        self
    }
}
