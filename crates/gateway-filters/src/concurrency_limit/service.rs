//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::LimitedBody;
use super::future::ResponseFuture;
use super::places::{Place, Places};

/// Calls `S` with a limited number of requests at a time.
///
/// It is ready when `S` is. A request that waits keeps a clone of `S` for its turn.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimitService<S> {
    inner: S,
    places: Arc<Places>,
}

impl<S> ConcurrencyLimitService<S> {
    pub(super) fn new(inner: S, places: Arc<Places>) -> Self {
        Self { inner, places }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ConcurrencyLimitService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<LimitedBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.places.enter() {
            Place::Served(permit) => ResponseFuture::forward(self.inner.call(request), permit),
            Place::Queued(queued) => {
                // The one that said it is ready is the one to be called.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::wait(ready, request, queued, Arc::clone(&self.places))
            }
            Place::Refused => {
                let answer = self.places.settings.answer().to_response();
                ResponseFuture::answer(answer.map(LimitedBody::answer))
            }
        }
    }
}
