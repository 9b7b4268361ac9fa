//! The service.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::MirrorBody;
use super::mirrors::Mirrors;
use super::split::split;
use super::tee::TeeBody;

/// Calls `S`, and a clone of `M` with a copy of the request.
///
/// Only `S` is asked whether it is ready; a clone of `M` waits in the copy's task.
/// The future is that of `S`. Dropping it does not end the copy; dropping the body
/// that `S` was given does, unless it had been read to its end.
#[derive(Clone)]
pub struct Mirror<S, M> {
    inner: S,
    mirror: M,
    mirrors: Mirrors,
}

impl<S, M> Mirror<S, M> {
    pub(super) fn new(inner: S, mirror: M, mirrors: Mirrors) -> Self {
        Self {
            inner,
            mirror,
            mirrors,
        }
    }
}

impl<S, M, B, R> Service<Request<B>> for Mirror<S, M>
where
    S: Service<Request<TeeBody<B>>>,
    M: Service<Request<MirrorBody>, Response = Response<R>> + Clone + Send + 'static,
    M::Future: Send,
    B: Body<Data = Bytes>,
    R: Body + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        let slot = self.mirrors.admit(&request);
        let (request, copies) = split(request, slot.iter().map(|slot| slot.body_limit()));

        for (slot, copy) in slot.into_iter().zip(copies) {
            slot.send(self.mirror.clone(), copy);
        }
        self.inner.call(request)
    }
}

impl<S: fmt::Debug, M> fmt::Debug for Mirror<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror")
            .field("inner", &self.inner)
            .field("mirrors", &self.mirrors)
            .finish_non_exhaustive()
    }
}
