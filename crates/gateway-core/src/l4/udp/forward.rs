//! The innermost service: an endpoint for a session, and datagrams both ways.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use gateway_lb::Distribution;
use gateway_lb::balance::{Outcome, Pick};
use tower::Service;

use super::socket::Socket;
use super::{Burst, Session};
use crate::BoxError;
use crate::l4::dial::pick;
use crate::l4::{End, NotForwarded, Summary};
use crate::listen::Signal;
use crate::model::Backend;
use crate::stack::LiveBackend;

/// Forwards sessions to backends.
///
/// A backend is chosen by weight and an endpoint of it by its balancer, which may hash the
/// client's address, when the first datagram comes. The session stays there until it ends,
/// unless the endpoint leaves the backend. Where nobody listens the session ends, so that
/// what the client sends next has another chance.
#[derive(Clone)]
pub struct ForwardDatagrams {
    legs: Arc<Distribution<Arc<LiveBackend>>>,
}

impl ForwardDatagrams {
    /// To the endpoints at `addresses`, in turn.
    pub fn to(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::new([(LiveBackend::of(Backend::new(addresses)), 1)])
    }

    pub(crate) fn new(legs: impl IntoIterator<Item = (Arc<LiveBackend>, u32)>) -> Self {
        Self {
            legs: Arc::new(legs.into_iter().collect()),
        }
    }
}

impl Service<Session> for ForwardDatagrams {
    type Response = Summary;
    type Error = BoxError;
    type Future = ForwardDatagramsFuture;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, session: Session) -> ForwardDatagramsFuture {
        ForwardDatagramsFuture {
            session,
            leg: self.legs.choose().cloned(),
            pinned: None,
            received: 0,
            sent: 0,
        }
    }
}

impl fmt::Debug for ForwardDatagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardDatagrams")
            .field("backends", &self.legs.len())
            .finish_non_exhaustive()
    }
}

/// The future of [`ForwardDatagrams`]. Dropping it ends the session.
#[must_use = "futures do nothing unless polled"]
pub struct ForwardDatagramsFuture {
    session: Session,
    leg: Option<Arc<LiveBackend>>,
    pinned: Option<Pinned>,
    received: u64,
    sent: u64,
}

/// The endpoint of a session.
struct Pinned {
    pick: Pick,
    socket: Socket,
    /// Whether it is known how it does.
    answered: bool,
}

impl ForwardDatagramsFuture {
    /// Why the session has to end, if it was told to.
    fn told(&self, cx: &mut Context<'_>) -> Option<End> {
        let watch = self.session.watch()?;
        watch.register(cx.waker());
        match watch.signal() {
            Signal::None => None,
            Signal::Drain => {
                // A session never says that it is over.
                watch.shorten_still_limit(DRAIN_IDLE);
                None
            }
            Signal::Close => Some(End::Idle),
        }
    }

    /// Takes what the client has sent.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, BoxError>> {
        for _ in 0..ROUNDS {
            let Some(burst) = ready!(self.session.poll_receive(cx)) else {
                return Poll::Ready(Ok(End::Finished));
            };
            self.moved();
            let pinned = self.pinned()?;
            let sent = pinned
                .socket
                .send(pinned.pick.address(), None, burst.as_datagrams());
            match sent {
                Ok(()) => self.received += length(&burst),
                Err(error) if is_nobody_there(&error) => {
                    self.answered(Outcome::Failure);
                    return Poll::Ready(Ok(End::Upstream));
                }
                Err(error) => tracing::debug!(%error, "datagram dropped"),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes what the endpoint has sent.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS {
            let Some(pinned) = &self.pinned else {
                return Poll::Pending;
            };
            let (session, sent) = (&self.session, &mut self.sent);
            let received = pinned.socket.poll_receive(cx, |_, datagrams| {
                *sent += datagrams.bytes().len() as u64;
                session.reply(datagrams);
            });
            match ready!(received) {
                Ok(()) => {
                    self.moved();
                    self.answered(Outcome::Success);
                }
                Err(_) => {
                    self.answered(Outcome::Failure);
                    return Poll::Ready(End::Upstream);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The endpoint, chosen anew if there is none or it has left.
    fn pinned(&mut self) -> Result<&Pinned, BoxError> {
        let leg = self.leg.as_ref().ok_or(NotForwarded::NoBackend)?;
        let active = leg.active();
        let active = active.as_ref().ok_or(NotForwarded::InvalidBackend)?;
        let stays = |pinned: &Pinned| active.balancer.contains(pinned.pick.address());

        match self.pinned.take().filter(stays) {
            Some(pinned) => Ok(self.pinned.insert(pinned)),
            None => {
                let key = leg.key_of_client(self.session.client_address().ip());
                let pick = pick(&active.balancer, key, &[])?;
                let socket = Socket::connect(pick.address())?;
                Ok(self.pinned.insert(Pinned {
                    pick,
                    socket,
                    answered: false,
                }))
            }
        }
    }

    /// Tells how the endpoint has answered, once: what comes later is no answer to what it was
    /// picked for.
    fn answered(&mut self, outcome: Outcome) {
        let Some((pinned, leg)) = self.pinned.as_mut().zip(self.leg.as_ref()) else {
            return;
        };
        if std::mem::replace(&mut pinned.answered, true) {
            return;
        }
        if let Some(active) = leg.active().as_ref() {
            active.balancer.answered(&mut pinned.pick, outcome);
        }
    }

    fn moved(&self) {
        if let Some(watch) = self.session.watch() {
            watch.moved();
        }
    }
}

impl Future for ForwardDatagramsFuture {
    type Output = Result<Summary, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = match self.told(cx) {
            Some(end) => end,
            None => match self.poll_up(cx)? {
                Poll::Ready(end) => end,
                Poll::Pending => ready!(self.poll_down(cx)),
            },
        };
        Poll::Ready(Ok(Summary::new(self.received, self.sent, end)))
    }
}

impl fmt::Debug for ForwardDatagramsFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardDatagramsFuture")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

fn length(burst: &Burst) -> u64 {
    burst.as_datagrams().bytes().len() as u64
}

/// Whether the endpoint's machine said that nobody listens there.
fn is_nobody_there(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

/// How much is taken from one side before the other has its turn.
const ROUNDS: usize = 16;

/// How long a session is still when it is over, in the eyes of a drain.
const DRAIN_IDLE: Duration = Duration::from_secs(2);
