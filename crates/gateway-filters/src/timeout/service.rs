//! The service.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Response;
use tower_service::Service;

use super::body::TimeoutBody;
use super::deadline::Deadline;
use super::error::{BackendRequestTimedOut, RequestTimedOut, TimedOut};
use super::future::ResponseFuture;
use crate::BoxError;

/// Fails exchanges that take longer than the client was promised.
pub type RequestTimeout<S> = Timeout<S, RequestTimedOut>;

/// Fails tries that take a backend too long.
pub type BackendRequestTimeout<S> = Timeout<S, BackendRequestTimedOut>;

/// Fails calls to `S`, and the bodies of its responses, with a `T` when they take
/// too long.
pub struct Timeout<S, T> {
    inner: S,
    limit: Option<Duration>,
    error: PhantomData<fn() -> T>,
}

impl<S, T> Timeout<S, T> {
    pub(super) fn new(inner: S, limit: Option<Duration>) -> Self {
        Self {
            inner,
            limit,
            error: PhantomData,
        }
    }
}

impl<S, T, Req, B> Service<Req> for Timeout<S, T>
where
    S: Service<Req, Response = Response<B>>,
    S::Error: Into<BoxError>,
    T: TimedOut,
{
    type Response = Response<TimeoutBody<B, T>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, T>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let deadline = self.limit.and_then(Deadline::start);
        ResponseFuture::new(self.inner.call(request), deadline)
    }
}

impl<S: Clone, T> Clone for Timeout<S, T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.limit)
    }
}

impl<S: fmt::Debug, T> fmt::Debug for Timeout<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("inner", &self.inner)
            .field("limit", &self.limit)
            .finish()
    }
}
