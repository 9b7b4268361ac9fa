//! Who is trusted besides the site itself.

use http::StatusCode;

use crate::answer::Answer;
use crate::cors::Origins;

/// Which other sites may send requests that change something. There are none by default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Csrf {
    pub(super) trusted: Origins,
    pub(super) answer: Answer,
}

impl Csrf {
    /// Trusts nobody but the site itself.
    #[must_use]
    pub fn new() -> Self {
        Self {
            trusted: Origins::default(),
            answer: Answer::text(StatusCode::FORBIDDEN, "cross-site request refused"),
        }
    }

    /// Trusts an origin, `https://shop.example`, or those below one, `https://*.shop.example`.
    ///
    /// # Errors
    ///
    /// If it is not an origin. Everybody, `*`, cannot be trusted.
    pub fn with_trusted_origin(mut self, origin: &str) -> Result<Self, InvalidTrustedOrigin> {
        let invalid = || InvalidTrustedOrigin {
            origin: origin.to_owned(),
        };
        if origin == "*" {
            return Err(invalid());
        }
        self.trusted.push(origin).map_err(|_| invalid())?;
        Ok(self)
    }

    /// Answers this to what is refused. The default is 403 with a short text.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }
}

impl Default for Csrf {
    fn default() -> Self {
        Self::new()
    }
}

/// An origin that is none, or that is everybody.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{origin:?} is not an origin to trust")]
pub struct InvalidTrustedOrigin {
    /// As it was written.
    pub origin: String,
}
