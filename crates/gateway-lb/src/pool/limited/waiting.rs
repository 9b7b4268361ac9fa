//! A request that waits for a connection.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::place::Place;
use super::{Gate, Runtime};
use crate::pool::codec::BoxHttp1Connection;
use crate::pool::destination::Destination;
use crate::pool::error::{Overload, UpstreamError};
use crate::pool::http2::{Http2Connection, Seat};

/// What a request is to do.
pub(in crate::pool) enum Turn<B: Send> {
    /// Open a connection.
    Open(Place),
    /// Use this one.
    Use(BoxHttp1Connection<B>),
    /// Share this one, on which there is a place for the request.
    Share(Http2Connection<B>, Seat),
}

/// A request's place in the queue, in which it is by the time it came. Dropping it leaves the
/// queue, and passes on what the request was given and did not take.
pub(in crate::pool) struct Waiting<B: Send> {
    gate: Arc<Gate<B>>,
    number: u64,
    turn: oneshot::Receiver<Turn<B>>,
    patience: Pin<Box<Sleep>>,
}

impl<B: Send> Waiting<B> {
    pub(super) fn new(
        gate: &Arc<Gate<B>>,
        number: u64,
        turn: oneshot::Receiver<Turn<B>>,
    ) -> Box<Self> {
        Box::new(Self {
            gate: Arc::clone(gate),
            number,
            turn,
            patience: Box::pin(tokio::time::sleep(gate.limit.patience)),
        })
    }

    pub(in crate::pool) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Turn<B>, UpstreamError>> {
        // First, so that a turn that has come wins over patience just lost.
        if let Poll::Ready(turn) = Pin::new(&mut self.turn).poll(cx) {
            // The gate is there as long as this is, and keeps the other end.
            return Poll::Ready(turn.map_err(|_| Overload::WaitedTooLong.into()));
        }
        ready!(self.patience.as_mut().poll(cx));
        Poll::Ready(Err(Overload::WaitedTooLong.into()))
    }
}

impl<B: Send> Drop for Waiting<B> {
    fn drop(&mut self) {
        self.gate.leave(self.number);
    }
}

/// Those who wait, the first of whom is next.
pub(super) struct Queue<B: Send> {
    waiters: VecDeque<Waiter<B>>,
    next: u64,
}

/// One of them.
pub(super) struct Waiter<B: Send> {
    number: u64,
    destination: Destination,
    runtime: Runtime,
    /// Whether it would share a connection.
    shares: bool,
    turn: oneshot::Sender<Turn<B>>,
}

impl<B: Send> Queue<B> {
    pub(super) fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// The last in the queue: its number, and where its turn comes.
    pub(super) fn push(
        &mut self,
        destination: &Destination,
        runtime: Runtime,
        shares: bool,
    ) -> (u64, oneshot::Receiver<Turn<B>>) {
        let (turn, receiver) = oneshot::channel();
        let number = self.next;
        self.next += 1;
        self.waiters.push_back(Waiter {
            number,
            destination: destination.clone(),
            runtime,
            shares,
            turn,
        });
        (number, receiver)
    }

    pub(super) fn pop(&mut self) -> Option<Waiter<B>> {
        self.waiters.pop_front()
    }

    /// The first in the queue, if it can use a connection to `destination`.
    pub(super) fn pop_for(
        &mut self,
        destination: &Destination,
        runtime: Runtime,
    ) -> Option<Waiter<B>> {
        let first = self.waiters.front()?;
        let fits = !first.shares && first.runtime == runtime && first.destination == *destination;
        if fits { self.waiters.pop_front() } else { None }
    }

    /// Whether somebody would share a connection to `destination`.
    pub(super) fn has_sharer(&self, destination: &Destination) -> bool {
        self.first_sharer(destination).is_some()
    }

    /// The first who would share a connection to `destination`.
    pub(super) fn pop_sharer(&mut self, destination: &Destination) -> Option<Waiter<B>> {
        self.waiters.remove(self.first_sharer(destination)?)
    }

    fn first_sharer(&self, destination: &Destination) -> Option<usize> {
        let shares = |waiter: &Waiter<B>| waiter.shares && waiter.destination == *destination;
        self.waiters.iter().position(shares)
    }

    /// Takes one out that gave up. It may have been taken out before.
    pub(super) fn remove(&mut self, number: u64) -> Option<Waiter<B>> {
        let found = self
            .waiters
            .binary_search_by_key(&number, |waiter| waiter.number);
        self.waiters.remove(found.ok()?)
    }
}

impl<B: Send> Waiter<B> {
    /// Tells it, or gives back what is for the next because it has gone.
    pub(super) fn tell(self, turn: Turn<B>) -> Result<(), Turn<B>> {
        self.turn.send(turn)
    }
}
