//! The service.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::Redirect;
use crate::BoxError;
use crate::context::RouteContext;

/// Redirects every request, and so never reaches the service of type `S` in whose place it
/// stands.
///
/// Fails with [`UnknownHost`](super::UnknownHost). It is always ready.
pub struct RedirectService<S> {
    redirect: Arc<Redirect>,
    // Only its kind of response matters. It is not kept: a service that was asked whether it is
    // ready may hold something back for a call, and that would never come.
    instead_of: PhantomData<fn(S)>,
}

impl<S> RedirectService<S> {
    pub(super) fn new(redirect: Arc<Redirect>) -> Self {
        Self {
            redirect,
            instead_of: PhantomData,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RedirectService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = BoxError;
    type Future = ResponseFuture<ResBody>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let context = RouteContext::of(&request);
        ResponseFuture::new(self.redirect.response(&request, &context))
    }
}

// By hand, as `Debug` below: a derive would ask `S` for what only its place needs.
impl<S> Clone for RedirectService<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.redirect))
    }
}

impl<S> fmt::Debug for RedirectService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectService")
            .field("redirect", &self.redirect)
            .finish_non_exhaustive()
    }
}
