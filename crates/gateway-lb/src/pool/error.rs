//! What can go wrong between this gateway and a backend.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// An error of any type, as bodies have them.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// A cause that every request waiting for the same connection gets.
pub(super) type Cause = Arc<dyn Error + Send + Sync>;

/// A request that no response came back for, or a response body that broke off.
#[derive(Clone, Debug)]
pub struct UpstreamError {
    kind: UpstreamErrorKind,
    unsent: bool,
    source: Option<Cause>,
}

/// What an [`UpstreamError`] is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum UpstreamErrorKind {
    /// No connection could be opened.
    Dial,
    /// No connection was open within the dial timeout.
    DialTimeout,
    /// The connection opened, but HTTP could not begin on it.
    Handshake,
    /// The connection or the stream ended before the response began.
    Closed,
    /// The backend refused the stream or is shutting down, and has not looked at the request.
    Refused,
    /// The backend sent something that is not a response to this request.
    InvalidResponse,
    /// The request's own body failed. That is the client's doing, not the backend's.
    RequestBody,
    /// The response's body ended before its end.
    ResponseBody,
    /// The request cannot be sent as it is: `CONNECT`, or no usable authority.
    InvalidRequest,
    /// There are as many connections as there may be, and none was free for the request in
    /// time: too many wait already, or it has waited too long. That is our own limit, and says
    /// nothing about the backend.
    Overloaded,
}

impl UpstreamError {
    pub(super) fn new(kind: UpstreamErrorKind) -> Self {
        Self {
            kind,
            unsent: false,
            source: None,
        }
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    pub(super) fn with_cause(mut self, cause: Cause) -> Self {
        self.source = Some(cause);
        self
    }

    /// Says that the backend has certainly not seen the request.
    pub(super) fn with_unsent(mut self, unsent: bool) -> Self {
        self.unsent = unsent;
        self
    }

    pub(super) fn invalid_response(reason: InvalidResponse) -> Self {
        Self::new(UpstreamErrorKind::InvalidResponse).with_source(reason)
    }

    /// What this error is about.
    #[must_use]
    pub fn kind(&self) -> UpstreamErrorKind {
        self.kind
    }

    /// Whether the backend has certainly not seen the request, so that any request
    /// may be sent again. When this is false it may have.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        self.unsent
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            UpstreamErrorKind::Dial => "no connection could be opened",
            UpstreamErrorKind::DialTimeout => "no connection was open in time",
            UpstreamErrorKind::Handshake => "the connection did not begin",
            UpstreamErrorKind::Closed => "the connection closed before a response",
            UpstreamErrorKind::Refused => "the backend refused the request unseen",
            UpstreamErrorKind::InvalidResponse => "the backend sent an invalid response",
            UpstreamErrorKind::RequestBody => "the request body failed",
            UpstreamErrorKind::ResponseBody => "the response body broke off",
            UpstreamErrorKind::InvalidRequest => "the request cannot be sent upstream",
            UpstreamErrorKind::Overloaded => "no connection became free for the request",
        })
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Why a response that could be parsed is refused all the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidResponse {
    /// RFC 9112 section 6.3 calls this an attempt at response splitting.
    #[error("both content-length and transfer-encoding")]
    TwoLengths,
    #[error("a transfer coding other than chunked")]
    ForeignTransferCoding,
    #[error("a content-length that is no number, or two that differ")]
    NoLength,
    #[error("a line that does not end in CR LF")]
    BareLineFeed,
    #[error("a response before the request")]
    Unasked,
    #[error("a switch of protocols that the request did not ask for")]
    UnaskedUpgrade,
    #[error("a switch of protocols before the end of the request")]
    EarlyUpgrade,
    /// It has not answered at all; but it is what its port promises that is wrong.
    #[error("settings of HTTP/2 that allow no WebSocket (RFC 8441)")]
    NoExtendedConnect,
    #[error("more than one head and its informational responses may have")]
    HeadTooLong,
}

/// Why no connection became free.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Overload {
    #[error("as many requests wait for one as may")]
    Full,
    #[error("it waited too long for one")]
    WaitedTooLong,
}

impl From<Overload> for UpstreamError {
    fn from(reason: Overload) -> Self {
        Self::new(UpstreamErrorKind::Overloaded)
            .with_source(reason)
            .with_unsent(true)
    }
}

/// Why a request cannot be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidRequest {
    #[error("CONNECT is not supported")]
    Connect,
    #[error("the host is not an authority")]
    Host,
    #[error("the target is not a path")]
    Target,
}
