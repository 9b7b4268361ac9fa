//! Whom to ask, and what about.

use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, Request, StatusCode, Uri, header};
use tower_service::Service;

use super::ask::AskHttp;
use crate::answer::Answer;
use crate::framing::{InvalidHeaderName, named};
use crate::inquiry::{ForwardBody, OnFailure, is_free};

/// Whom to ask about requests, and what becomes of what it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExtAuth {
    pub(super) uri: Uri,
    pub(super) told: Vec<HeaderName>,
    pub(super) to_backend: Vec<HeaderName>,
    pub(super) to_client: Vec<HeaderName>,
    pub(super) forward_body: Option<ForwardBody>,
    pub(super) body_limit: usize,
    pub(super) timeout: Duration,
    pub(super) on_failure: OnFailure,
}

impl ExtAuth {
    /// Asks at `uri`, to whose path that of the request is added. An authority alone is one of
    /// `http`.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self {
            uri: with_path(uri),
            told: vec![header::AUTHORIZATION, header::COOKIE],
            to_backend: Vec::new(),
            to_client: Vec::new(),
            forward_body: None,
            body_limit: 64 * 1024,
            timeout: Duration::from_secs(1),
            on_failure: OnFailure::Deny(Answer::text(
                StatusCode::FORBIDDEN,
                "the request could not be authorized",
            )),
        }
    }

    /// Tells the service this header of the request. By default it is told `authorization` and
    /// `cookie`.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_header_to_authority(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        push(&mut self.told, named(name, |name| !is_free(name))?);
        Ok(self)
    }

    /// Tells the backend this header of a favourable answer, and nobody else's, also where there is
    /// no answer and the request passes. None is told by default.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_header_to_backend(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        push(&mut self.to_backend, named(name, |name| !is_free(name))?);
        Ok(self)
    }

    /// Tells the client this header of a favourable answer, with the backend's response: instead of
    /// the backend's own, or besides if it is `set-cookie`. None is told by default. An unfavourable
    /// answer is passed on with all of its headers.
    ///
    /// # Errors
    ///
    /// If `name` is not a token, or says how a message is sent, as `Content-Length`.
    pub fn with_header_to_client(mut self, name: &str) -> Result<Self, InvalidHeaderName> {
        push(&mut self.to_client, named(name, |name| !is_free(name))?);
        Ok(self)
    }

    /// Shows the service the bodies of requests, as theirs, with `content-type` and
    /// `content-encoding`; `x-envoy-auth-partial-body` says `true` where that is not all, and
    /// `false` where it is. By default it is told of no body. See [`inquiry`](crate::inquiry) for
    /// what that costs.
    #[must_use]
    pub fn with_forwarded_body(mut self, body: ForwardBody) -> Self {
        self.forward_body = Some(body);
        self
    }

    /// Passes on unfavourable answers with at most so many bytes; with more, they are passed on
    /// without any. The default is 64 KiB.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
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

    /// Asks through `client`.
    #[must_use]
    pub fn ask<C, B>(self, client: C) -> AskHttp<C, B>
    where
        C: Service<Request<B>>,
    {
        AskHttp::new(self, client)
    }
}

/// `uri` as what paths can be added to, which an authority alone is not.
fn with_path(uri: Uri) -> Uri {
    let mut parts = uri.into_parts();
    if parts.authority.is_some() {
        parts.scheme.get_or_insert(Scheme::HTTP);
    }
    parts
        .path_and_query
        .get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or_default()
}

/// Once: what is named twice is not told twice.
fn push(names: &mut Vec<HeaderName>, name: HeaderName) {
    if !names.contains(&name) {
        names.push(name);
    }
}
