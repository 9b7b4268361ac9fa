//! Whom to ask, and what about.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{StatusCode, Uri};

use super::ask::AskGrpc;
use crate::answer::Answer;
use crate::inquiry::{ForwardBody, OnFailure};

/// Whom to ask about requests, and what else to tell it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtAuthz {
    pub(super) origin: Uri,
    pub(super) context: BTreeMap<String, String>,
    pub(super) forward_body: Option<(ForwardBody, BodyForm)>,
    pub(super) timeout: Duration,
    pub(super) on_failure: OnFailure,
}

/// Which field of the question a body is in. Complete: the protocol has two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyForm {
    /// `body`, which is text: bytes that are none are replaced by U+FFFD.
    Text,
    /// `raw_body`, byte by byte (Envoy's `pack_as_bytes`).
    Bytes,
}

impl ExtAuthz {
    /// Asks the service at `origin`: a scheme and an authority.
    #[must_use]
    pub fn new(origin: Uri) -> Self {
        Self {
            origin,
            context: BTreeMap::new(),
            forward_body: None,
            timeout: Duration::from_secs(1),
            on_failure: OnFailure::Deny(Answer::text(
                StatusCode::FORBIDDEN,
                "the request could not be authorized",
            )),
        }
    }

    /// Tells the service this, too, with every request: `context_extensions`. Nothing by default.
    #[must_use]
    pub fn with_context(mut self, key: &str, value: &str) -> Self {
        self.context.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Shows the service the bodies of requests, in this form; the header
    /// `x-envoy-auth-partial-body` says `true` where that is not all, and `false` where it is. By
    /// default it is told of no body. See [`inquiry`](crate::inquiry) for what that costs; servers
    /// have a limit of their own for messages, of 4 MiB mostly.
    #[must_use]
    pub fn with_forwarded_body(mut self, body: ForwardBody, form: BodyForm) -> Self {
        self.forward_body = Some((body, form));
        self
    }

    /// Waits so long for an answer. The default is a second.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What becomes of a request about which nothing is known. By default it gets 403.
    #[must_use]
    pub fn with_on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Asks through `client`, a transport for gRPC.
    #[must_use]
    pub fn ask<C>(self, client: C) -> AskGrpc<C> {
        AskGrpc::new(self, client)
    }
}
