//! The seam where a route's stack loses its type.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::TryFutureExt;
use futures_util::future::ready;
use tower::{Service, ServiceExt};

use super::{Connection, Summary};
use crate::BoxError;

/// Everything that happens to the connections of a route.
pub type ConnectionStack = Stack<Connection>;

/// A route's stack, or a part of it, of whatever type, over connections or sessions.
///
/// Routes are data, so their stacks have different types and meet here: one boxed
/// future for each connection. Clones share the stack.
pub struct Stack<I>(Arc<dyn Call<I>>);

/// What a [`Stack`] answers with. Dropping it closes the connection or the session.
pub type StackFuture = Pin<Box<dyn Future<Output = Result<Summary, BoxError>> + Send>>;

impl<I: Send + 'static> Stack<I> {
    /// Erases the type of `service`.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<I, Response = Summary> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        Self(Arc::new(Erased(service)))
    }
}

impl<I> Clone for Stack<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I> Service<I> for Stack<I> {
    type Response = Summary;
    type Error = BoxError;
    type Future = StackFuture;

    /// Always ready: a layer inside that is not makes its own connection wait.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, input: I) -> StackFuture {
        self.0.call(input)
    }
}

impl<I> fmt::Debug for Stack<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").finish_non_exhaustive()
    }
}

trait Call<I>: Send + Sync {
    fn call(&self, input: I) -> StackFuture;
}

struct Erased<S>(S);

impl<S, I> Call<I> for Erased<S>
where
    S: Service<I, Response = Summary> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
    I: Send + 'static,
{
    fn call(&self, input: I) -> StackFuture {
        let mut service = self.0.clone();
        // Most are always ready: the connection need not be kept until they are.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Box::pin(service.call(input).err_into()),
            Poll::Ready(Err(error)) => Box::pin(ready(Err(error.into()))),
            Poll::Pending => Box::pin(service.oneshot(input).err_into()),
        }
    }
}
