//! Asks an entry before anything else.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::entry::{Entry, NoEntry};
use crate::BoxError;
use crate::l4::udp::Session;
use crate::l4::{Connection, Summary};

/// What somebody begins: a connection or a session.
pub trait Arriving {
    /// Who does.
    fn client_address(&self) -> SocketAddr;

    /// Ends it, and says nothing.
    fn refuse(self);
}

impl Arriving for Connection {
    fn client_address(&self) -> SocketAddr {
        self.client_address()
    }

    fn refuse(self) {
        self.reset();
    }
}

impl Arriving for Session {
    fn client_address(&self) -> SocketAddr {
        self.client_address()
    }

    fn refuse(self) {}
}

/// Applies [`EntryService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct EntryLayer {
    entry: Arc<Entry>,
}

impl EntryLayer {
    /// Lets in whom `entry` lets in.
    #[must_use]
    pub fn new(entry: impl Into<Arc<Entry>>) -> Self {
        Self {
            entry: entry.into(),
        }
    }
}

impl<S> Layer<S> for EntryLayer {
    type Service = EntryService<S>;

    fn layer(&self, inner: S) -> EntryService<S> {
        EntryService {
            inner,
            entry: Arc::clone(&self.entry),
        }
    }
}

/// Calls `S` with those that may enter, and refuses the others with [`NoEntry`].
#[derive(Clone, Debug)]
pub struct EntryService<S> {
    inner: S,
    entry: Arc<Entry>,
}

impl<S, I> Service<I> for EntryService<S>
where
    S: Service<I, Response = Summary>,
    S::Error: Into<BoxError>,
    I: Arriving,
{
    type Response = Summary;
    type Error = BoxError;
    type Future = EntryFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, arriving: I) -> EntryFuture<S::Future> {
        let state = match self.entry.admit(arriving.client_address().ip()) {
            Ok(()) => State::Forward {
                call: self.inner.call(arriving),
            },
            Err(error) => {
                arriving.refuse();
                State::Refuse { error: Some(error) }
            }
        };
        EntryFuture { state }
    }
}

pin_project! {
    /// The future of [`EntryService`]. Dropping it drops the inner call.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct EntryFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProj]
    enum State<F> {
        Forward { #[pin] call: F },
        Refuse { error: Option<NoEntry> },
    }
}

impl<F, E> Future for EntryFuture<F>
where
    F: Future<Output = Result<Summary, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Summary, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { call } => call.poll(cx).map_err(Into::into),
            StateProj::Refuse { error } => {
                let error = error.take().expect("polled only until ready");
                Poll::Ready(Err(error.into()))
            }
        }
    }
}
