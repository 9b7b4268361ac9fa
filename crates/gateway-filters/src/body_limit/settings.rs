//! How long bodies may be.

use http::{HeaderMap, StatusCode, header};
use http_body::Body;

use crate::answer::Answer;

/// How many bytes the bodies of requests and responses may have.
///
/// There are no limits by default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BodyLimit {
    request: Option<u64>,
    response: Option<u64>,
    request_answer: Answer,
    response_answer: Answer,
}

impl BodyLimit {
    /// No limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            request: None,
            response: None,
            request_answer: Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "request body too large"),
            response_answer: Answer::text(StatusCode::BAD_GATEWAY, "response body too large"),
        }
    }

    /// Refuses requests whose body has more than `limit` bytes. No limit by default; 0 forbids
    /// bodies.
    #[must_use]
    pub fn with_request(mut self, limit: u64) -> Self {
        self.request = Some(limit);
        self
    }

    /// Refuses responses whose body has more than `limit` bytes. No limit by default.
    #[must_use]
    pub fn with_response(mut self, limit: u64) -> Self {
        self.response = Some(limit);
        self
    }

    /// Answers this to a request that is too long. The default is 413 with a short text.
    #[must_use]
    pub fn with_request_answer(mut self, answer: Answer) -> Self {
        self.request_answer = answer;
        self
    }

    /// Answers this in the place of a response that says it is too long. The default is 502 with
    /// a short text.
    #[must_use]
    pub fn with_response_answer(mut self, answer: Answer) -> Self {
        self.response_answer = answer;
        self
    }

    /// How many bytes a request may have.
    #[must_use]
    pub fn request(&self) -> Option<u64> {
        self.request
    }

    /// How many bytes a response may have.
    #[must_use]
    pub fn response(&self) -> Option<u64> {
        self.response
    }

    /// What is answered to a request that is too long.
    #[must_use]
    pub fn request_answer(&self) -> &Answer {
        &self.request_answer
    }

    /// What is answered in the place of a response that is too long.
    #[must_use]
    pub fn response_answer(&self) -> &Answer {
        &self.response_answer
    }
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// What is known of the size of a body before it is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Foreseen {
    /// It is within the limit.
    Within,
    /// It is beyond.
    Beyond,
    /// It has to be counted.
    Unknown,
}

/// What `headers` and `body` say of its size.
pub(crate) fn foresee<B: Body>(limit: u64, headers: &HeaderMap, body: &B) -> Foreseen {
    if body.is_end_stream() {
        // Also where the length is that of what was not asked for: HEAD, 304.
        return Foreseen::Within;
    }
    let hint = body.size_hint();
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    if hint.lower().max(declared) > limit {
        Foreseen::Beyond
    } else if hint.upper().is_some_and(|upper| upper <= limit) {
        Foreseen::Within
    } else {
        Foreseen::Unknown
    }
}
