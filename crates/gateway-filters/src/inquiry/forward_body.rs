//! How much of a body the other service is shown.

use std::num::NonZeroUsize;

use bytes::Bytes;
use http::{HeaderName, StatusCode};

use crate::answer::Answer;

/// How much of the body of a request the other service is shown.
///
/// Source: `HTTPRouteFilter.externalAuth.forwardBody` (GEP-1494), and Envoy's
/// `with_request_body`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForwardBody {
    limit: NonZeroUsize,
    longer: Longer,
}

/// What becomes of a request whose body is longer than what may be shown of it.
///
/// The list is complete: it is shown in part or not at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Longer {
    /// It is answered with this, and nobody is asked.
    Refuse(Answer),
    /// Its first bytes are shown, and that they are not all of it is said.
    Cut,
}

impl ForwardBody {
    /// Shows bodies of so many bytes at most. A request whose body is longer gets 413.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        let answer = Answer::text(StatusCode::PAYLOAD_TOO_LARGE, "request body too large");
        Self {
            limit,
            longer: Longer::Refuse(answer),
        }
    }

    /// What becomes of a request whose body is longer. By default it gets 413.
    #[must_use]
    pub fn with_longer(mut self, longer: Longer) -> Self {
        self.longer = longer;
        self
    }

    /// How many bytes are shown at most.
    #[must_use]
    pub const fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    /// What becomes of a request whose body is longer.
    #[must_use]
    pub const fn longer(&self) -> &Longer {
        &self.longer
    }
}

/// What the other service is shown of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excerpt {
    /// The first bytes.
    pub bytes: Bytes,
    /// Whether there are more.
    pub is_partial: bool,
}

impl Excerpt {
    /// Whether there are more bytes: the value of [`PARTIAL_BODY`].
    pub(crate) const fn partial(&self) -> &'static str {
        if self.is_partial { "true" } else { "false" }
    }
}

/// The header that comes with a body that is shown. No client can say it.
pub(crate) const PARTIAL_BODY: HeaderName = HeaderName::from_static("x-envoy-auth-partial-body");
