//! Whom to ask, and about what.

use std::time::Duration;

use http::{StatusCode, Uri};

use super::ask::AskLimits;
use super::error::InvalidDescriptor;
use crate::answer::Answer;
use crate::grpc::origin_of;
use crate::inquiry::OnFailure;
use crate::template::Template;

/// Whom to ask about requests, and how these are described.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GlobalRateLimit {
    pub(super) origin: Uri,
    pub(super) domain: String,
    pub(super) descriptors: Vec<Descriptor>,
    pub(super) timeout: Duration,
    pub(super) headers: bool,
    pub(super) answer: Answer,
    pub(super) on_failure: OnFailure,
}

impl GlobalRateLimit {
    /// Asks the service at `origin`, a scheme and an authority, about the limits of `domain`.
    ///
    /// Without a scheme it is `http`. A path is put before that of the service.
    #[must_use]
    pub fn new(origin: Uri, domain: &str, on_failure: OnFailure) -> Self {
        Self {
            origin: origin_of(origin),
            domain: domain.to_owned(),
            descriptors: Vec::new(),
            timeout: Duration::from_millis(100),
            headers: false,
            answer: Answer::text(StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded"),
            on_failure,
        }
    }

    /// Describes requests in one more way. Without any, nothing is limited.
    #[must_use]
    pub fn with_descriptor(mut self, descriptor: Descriptor) -> Self {
        self.descriptors.push(descriptor);
        self
    }

    /// Waits so long for an answer. The default is 100 milliseconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether responses say what is left, in `RateLimit-…` headers. They do not by default.
    /// Where the service says so itself, only what it says is passed on.
    #[must_use]
    pub fn with_headers(mut self, headers: bool) -> Self {
        self.headers = headers;
        self
    }

    /// Answers this to what is over the limit. The default is 429 with a short text.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// Asks through `client`, a transport for gRPC.
    #[must_use]
    pub fn ask<C>(self, client: C) -> AskLimits<C> {
        AskLimits::new(self, client)
    }
}

/// What a request is counted by: keys and their values, in the order of the service's limits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Descriptor {
    pub(super) entries: Vec<(String, Template)>,
}

impl Descriptor {
    /// Nothing to count by yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts by `value` too, which may have [variables](crate::template).
    ///
    /// # Errors
    ///
    /// If `key` is empty, or `value` has a variable that does not exist.
    pub fn with_entry(mut self, key: &str, value: &str) -> Result<Self, InvalidDescriptor> {
        if key.is_empty() {
            return Err(InvalidDescriptor::Key);
        }
        let value = Template::parse_header(value).map_err(|source| InvalidDescriptor::Value {
            key: key.to_owned(),
            source,
        })?;
        self.entries.push((key.to_owned(), value));
        Ok(self)
    }
}
