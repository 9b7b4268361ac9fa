//! The seam where a rule's stack loses its type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::TryFutureExt;
use futures_util::future::ready;
use http::{Request, Response};
use tower::{Service, ServiceExt};

use crate::{Body, BoxError};

/// A rule's stack, or a part of it, of whatever type.
///
/// Rules are data, so their stacks have different types and meet here: one boxed
/// future for each request. Unlike tower's `BoxCloneSyncService` a clone shares the
/// stack; what a call needs of it is cloned when it is called, without the heap.
#[derive(Clone)]
pub struct RuleStack(Arc<dyn Call>);

/// What a [`RuleStack`] answers with. Dropping it gives the request up.
pub type StackFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

impl RuleStack {
    /// Erases the type of `service`.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(Erased {
            service,
            prepare: |_: &mut Request<Body>| {},
        }))
    }

    /// Erases the type of `service`, whose requests something happens to before. What that
    /// takes is not cloned.
    pub(super) fn prepared<S>(
        prepare: impl Fn(&mut Request<Body>) + Send + Sync + 'static,
        service: S,
    ) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(Erased { service, prepare }))
    }
}

impl Service<Request<Body>> for RuleStack {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = StackFuture;

    /// Always ready: a layer inside that is not makes its own request wait.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> StackFuture {
        self.0.call(request)
    }
}

impl fmt::Debug for RuleStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleStack").finish_non_exhaustive()
    }
}

trait Call: Send + Sync {
    fn call(&self, request: Request<Body>) -> StackFuture;
}

struct Erased<S, P> {
    service: S,
    prepare: P,
}

impl<S, P> Call for Erased<S, P>
where
    P: Fn(&mut Request<Body>) + Send + Sync,
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    fn call(&self, mut request: Request<Body>) -> StackFuture {
        (self.prepare)(&mut request);
        let mut service = self.service.clone();
        // The services of the gateway are always ready, and so are most others: the
        // request need not be kept until they are. Whoever is not is asked again.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Box::pin(service.call(request).err_into()),
            Poll::Ready(Err(error)) => Box::pin(ready(Err(error.into()))),
            Poll::Pending => Box::pin(service.oneshot(request).err_into()),
        }
    }
}
