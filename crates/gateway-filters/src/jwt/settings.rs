//! Who signs tokens, and what becomes of them.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::error::InvalidJwt;
use super::source::JwksSource;
use crate::answer::Answer;
use crate::framing::{is_senders, named};

/// Whose tokens are accepted, where they are, and what the backend learns from them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwt {
    pub(super) providers: Vec<JwtProvider>,
    /// None is `Authorization`, after `Bearer`.
    pub(super) header: Option<HeaderName>,
    pub(super) claim_headers: Vec<(Vec<String>, HeaderName)>,
    pub(super) forwarded: bool,
    pub(super) optional: bool,
    pub(super) missing: Answer,
    pub(super) invalid: Answer,
    pub(super) no_keys: Answer,
}

impl Jwt {
    /// Accepts the tokens of `provider`, in `Authorization` after `Bearer`.
    #[must_use]
    pub fn new(provider: JwtProvider) -> Self {
        let refuse = |text, challenge| {
            Answer::text(StatusCode::UNAUTHORIZED, text).and_header(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            )
        };
        Self {
            providers: vec![provider],
            header: None,
            claim_headers: Vec::new(),
            forwarded: false,
            optional: false,
            missing: refuse("a token is required", "Bearer"),
            invalid: refuse("the token is not valid", "Bearer error=\"invalid_token\""),
            no_keys: Answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "tokens cannot be checked at present",
            ),
        }
    }

    /// Accepts the tokens of `provider` too. Of two with the same issuer, the first counts.
    #[must_use]
    pub fn with_provider(mut self, provider: JwtProvider) -> Self {
        self.providers.push(provider);
        self
    }

    /// Looks for tokens in this header, where they stand alone. The default is `Authorization`,
    /// after `Bearer`.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, in HTTP's sense, or says how a message is sent, as
    /// `Content-Length`.
    pub fn in_header(mut self, name: &str) -> Result<Self, InvalidJwt> {
        self.header = Some(named(name, is_senders)?);
        Ok(self)
    }

    /// Tells the backend a claim in a header; `path` is its name, and names inside of it. None is
    /// told by default.
    ///
    /// # Errors
    ///
    /// If `path` is empty, or `name` not a token, in HTTP's sense, or one that says how a message
    /// is sent.
    pub fn with_claim_header(mut self, path: &[&str], name: &str) -> Result<Self, InvalidJwt> {
        if path.is_empty() {
            return Err(InvalidJwt::Claim);
        }
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        self.claim_headers.push((path, named(name, is_senders)?));
        Ok(self)
    }

    /// Answers this to who has no token, or one that is not valid. The default is 401 with a
    /// challenge (RFC 6750). While there are no keys it is 503 all the same.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.missing = answer.clone();
        self.invalid = answer;
        self
    }

    /// Whether the backend gets the token too. It does not by default.
    #[must_use]
    pub fn with_forwarded_token(mut self, forwarded: bool) -> Self {
        self.forwarded = forwarded;
        self
    }

    /// With what `replace` gives for the keys of each provider, in their order.
    #[must_use]
    pub fn with_sources(mut self, mut replace: impl FnMut(&JwksSource) -> JwksSource) -> Self {
        for provider in &mut self.providers {
            provider.keys = replace(&provider.keys);
        }
        self
    }

    /// Whether requests without a token pass, as nobody's. They do not by default. A token that
    /// is there must be valid in any case.
    #[must_use]
    pub fn with_missing_allowed(mut self, allowed: bool) -> Self {
        self.optional = allowed;
        self
    }
}

/// Someone who signs tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwtProvider {
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    pub(super) keys: JwksSource,
    pub(super) leeway: u64,
}

impl JwtProvider {
    /// Tokens whose `iss` is `issuer`, signed with one of `keys`.
    #[must_use]
    pub fn new(issuer: &str, keys: JwksSource) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences: Vec::new(),
            keys,
            leeway: 60,
        }
    }

    /// Wants `audience` among those that the token is for, or another one that was given so. By
    /// default it may be for anybody.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.to_owned());
        self
    }

    /// Lets clocks differ so much, in whole seconds, and not more than an hour. The default is a
    /// minute.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.as_secs().min(3_600);
        self
    }
}
