//! The layers.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use tower_layer::Layer;

use super::error::{BackendRequestTimedOut, RequestTimedOut};
use super::service::Timeout;

/// Bounds the whole exchange with the client, retries and pauses included.
///
/// `HTTPRouteTimeouts.request`. See the [module docs](super) for an example.
pub type RequestTimeoutLayer = TimeoutLayer<RequestTimedOut>;

/// Bounds one try at a backend; each retry starts it again.
///
/// `HTTPRouteTimeouts.backendRequest`: from when the request is given to the
/// inner service until the response has been received in full. Once the head of
/// the response has been passed on there is nothing to retry, so a body that is
/// late ends in the error.
pub type BackendRequestTimeoutLayer = TimeoutLayer<BackendRequestTimedOut>;

/// Applies [`Timeout`], which fails with a `T`.
///
/// Usually named by [`RequestTimeoutLayer`] or [`BackendRequestTimeoutLayer`].
/// The default is no limit.
pub struct TimeoutLayer<T> {
    limit: Option<Duration>,
    error: PhantomData<fn() -> T>,
}

impl<T> TimeoutLayer<T> {
    /// Allows `limit`; `None` and zero are no limit, as the Gateway API has it.
    ///
    /// Takes a `Duration` or an `Option<Duration>`.
    #[must_use]
    pub fn new(limit: impl Into<Option<Duration>>) -> Self {
        Self {
            limit: limit.into().filter(|limit| !limit.is_zero()),
            error: PhantomData,
        }
    }

    /// How long an exchange may take; `None` is for ever.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl<S, T> Layer<S> for TimeoutLayer<T> {
    type Service = Timeout<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        Timeout::new(inner, self.limit)
    }
}

// By hand, here and in the other types of this module: a derive would ask `T` to
// be what only its absence is.
impl<T> Clone for TimeoutLayer<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TimeoutLayer<T> {}

impl<T> Default for TimeoutLayer<T> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<T> fmt::Debug for TimeoutLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutLayer")
            .field("limit", &self.limit)
            .finish()
    }
}
