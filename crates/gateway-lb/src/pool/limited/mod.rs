//! Connections to one endpoint whose number is limited.
//!
//! A limit holds for all threads together, and exactly. So these connections are not each
//! thread's own: a [`Gate`] keeps them for all, behind a lock that is held for some
//! comparisons and no longer. Connections without a limit do not come here.
//!
//! A socket is driven by the runtime that it was opened on, so a connection is used again on
//! that runtime alone. A thread of another takes its [`Place`]: the connection is closed, and
//! a new one opened. Streams of an HTTP/2 connection are given out to any thread, but to those
//! of its own runtime first.
//!
//! What always holds: while a request waits, every place is taken, no connection of HTTP/1
//! is idle and none of HTTP/2 that it could share has room. So whatever becomes free goes to
//! the first who waits and can use it, and who comes later does not get ahead. Only those who
//! wait for an HTTP/2 connection that is being opened are not in the queue: when it opens, they
//! have what the queue leaves of it.
//!
//! Neither connections nor seats are ever dropped while the lock is held, for that gives back
//! what they have.

use std::mem;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use self::place::Giver;
use self::waiting::Queue;
use super::codec::BoxHttp1Connection;
use super::connections::Connections;
use super::destination::Destination;
use super::error::Overload;
use super::http2::Slot;
use crate::connections::ConnectionLimit;
use crate::sync::{Mutex, MutexGuard};

mod place;
mod shared;
#[cfg(test)]
mod tests;
mod waiting;

pub(super) use self::place::{Place, Room};
pub(super) use self::shared::Ask;
pub(super) use self::waiting::{Turn, Waiting};

/// Who drives a socket; nobody, in tests without any.
pub(super) type Runtime = Option<runtime::Id>;

/// The connections to one endpoint, and those who wait for them.
pub(super) struct Gate<B: Send> {
    /// What it is known by, which must not become somebody else's.
    connections: Connections,
    limit: ConnectionLimit,
    /// Itself, for those who have a place.
    giver: Weak<dyn Giver>,
    state: Mutex<State<B>>,
}

struct State<B: Send> {
    /// How many places are taken: by connections, open or being opened, and by requests that
    /// are about to open one.
    taken: usize,
    /// HTTP/1 connections that nobody uses, the last used last.
    idle: Vec<Idle<B>>,
    /// HTTP/2 connections.
    shared: Vec<Shared<B>>,
    queue: Queue<B>,
}

struct Idle<B> {
    connection: BoxHttp1Connection<B>,
    runtime: Runtime,
}

struct Shared<B> {
    destination: Destination,
    runtime: Runtime,
    slot: Slot<B>,
}

/// What a request finds.
pub(super) enum Admission<B: Send> {
    Idle(BoxHttp1Connection<B>),
    Open(Place),
    Later(Box<Waiting<B>>),
}

impl<B: Send + 'static> Gate<B> {
    pub(super) fn new(connections: &Connections, limit: ConnectionLimit) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            connections: connections.clone(),
            limit,
            giver: this.clone(),
            state: Mutex::new(State {
                taken: 0,
                idle: Vec::new(),
                shared: Vec::new(),
                queue: Queue::new(),
            }),
        })
    }
}

impl<B: Send> Gate<B> {
    /// An idle connection to `destination`, or a place for one, or a wait for either.
    ///
    /// # Errors
    ///
    /// As many wait already as may.
    pub(super) fn ask(
        self: &Arc<Self>,
        destination: &Destination,
        idle_timeout: Duration,
    ) -> Result<Admission<B>, Overload> {
        let runtime = current_runtime();
        let mut leaving = Vec::new();
        let mut state = self.lock();
        if let Some(connection) = state.take_idle(destination, runtime, idle_timeout, &mut leaving)
        {
            return Ok(Admission::Idle(connection));
        }
        if let Some(place) = self.place(&mut state, &mut leaving) {
            return Ok(Admission::Open(place));
        }
        self.line_up(&mut state, destination, runtime, false)
            .map(Admission::Later)
    }

    /// A place, if it is not needed by a request.
    pub(super) fn spare_place(&self) -> Option<Place> {
        let mut state = self.lock();
        let is_spare = state.taken < self.limit.connections.get();
        is_spare.then(|| self.one_more(&mut state))
    }

    /// A connection that can be used again. The first who waits has it, or it is kept, unless
    /// `max_idle` to where it leads are idle on this runtime.
    pub(super) fn check_in(&self, mut connection: BoxHttp1Connection<B>, max_idle: usize) {
        let runtime = current_runtime();
        loop {
            let mut state = self.lock();
            if state.queue.is_empty() {
                let is_many = state.idle.len() >= max_idle;
                if !is_many || state.idle_to(connection.destination(), runtime) < max_idle {
                    state.idle.push(Idle {
                        connection,
                        runtime,
                    });
                }
                // Else it is dropped: after the lock, as an argument is.
                return;
            }
            let Some(first) = state.queue.pop_for(connection.destination(), runtime) else {
                // Whoever is first has more use for its place.
                return;
            };
            drop(state);
            match first.tell(Turn::Use(connection)) {
                Err(Turn::Use(again)) => connection = again,
                Ok(()) | Err(Turn::Open(_) | Turn::Share(..)) => return,
            }
        }
    }

    /// Closes what is dead, too old or idle for too long, on whatever runtime.
    pub(super) fn sweep(&self, now: Instant, idle_timeout: Duration) {
        let mut leaving = Vec::new();
        let mut leaving_shared = Vec::new();
        let mut state = self.lock();
        let State {
            idle,
            shared,
            queue,
            ..
        } = &mut *state;
        leaving.extend(idle.extract_if(.., |idle| {
            let age = now.saturating_duration_since(idle.connection.idle_since());
            age > idle_timeout || idle.connection.is_used_up() || !idle.connection.is_alive()
        }));
        // Those who wait could not use it: they would.
        let patience = if queue.is_empty() {
            idle_timeout
        } else {
            Duration::ZERO
        };
        leaving_shared.extend(shared.extract_if(.., |shared| {
            !shared.slot.settle() || shared.slot.expire(now, patience)
        }));
    }

    /// Whether nothing is there, and nobody waits for anything.
    pub(super) fn is_unused(&self) -> bool {
        let state = self.lock();
        state.taken == 0 && state.queue.is_empty() && state.shared.is_empty()
    }

    /// How many HTTP/1 connections to `destination` are idle on this runtime.
    pub(super) fn idle_to(&self, destination: &Destination) -> usize {
        self.lock().idle_to(destination, current_runtime())
    }

    pub(super) fn idle(&self) -> usize {
        self.lock().idle.len()
    }

    pub(super) fn idle_timeout(&self) -> Option<Duration> {
        self.connections.idle_timeout()
    }

    /// A place for a connection: a free one, or that of a connection that nobody uses.
    fn place(&self, state: &mut State<B>, leaving: &mut Vec<Idle<B>>) -> Option<Place> {
        if state.taken < self.limit.connections.get() {
            return Some(self.one_more(state));
        }
        let place = |idle: &mut Idle<B>| idle.connection.take_place();
        if let Some(place) = leaving.iter_mut().find_map(place) {
            return Some(place);
        }
        if !state.idle.is_empty() {
            let mut oldest = state.idle.remove(0);
            let place = oldest.connection.take_place();
            leaving.push(oldest);
            return place;
        }
        None
    }

    fn one_more(&self, state: &mut State<B>) -> Place {
        state.taken += 1;
        self.again()
    }

    /// A place that is counted already.
    fn again(&self) -> Place {
        Place::new(Weak::clone(&self.giver))
    }

    fn line_up(
        self: &Arc<Self>,
        state: &mut State<B>,
        destination: &Destination,
        runtime: Runtime,
        shares: bool,
    ) -> Result<Box<Waiting<B>>, Overload> {
        if state.queue.len() >= self.limit.pending {
            return Err(Overload::Full);
        }
        let (number, turn) = state.queue.push(destination, runtime, shares);
        Ok(Waiting::new(self, number, turn))
    }

    fn leave(&self, number: u64) {
        let left = self.lock().queue.remove(number);
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send> State<B> {
    /// How many HTTP/1 connections to `destination` are idle on `runtime`.
    fn idle_to(&self, destination: &Destination, runtime: Runtime) -> usize {
        let to = |idle: &&Idle<B>| {
            idle.runtime == runtime && idle.connection.destination() == destination
        };
        self.idle.iter().filter(to).count()
    }

    /// The connection used last, of those that can be used here and now. Those that cannot be
    /// used any more are leaving.
    fn take_idle(
        &mut self,
        destination: &Destination,
        runtime: Runtime,
        timeout: Duration,
        leaving: &mut Vec<Idle<B>>,
    ) -> Option<BoxHttp1Connection<B>> {
        let now = Instant::now();
        let mut index = self.idle.len();
        while index > 0 {
            index -= 1;
            let idle = &self.idle[index];
            if idle.runtime != runtime || idle.connection.destination() != destination {
                continue;
            }
            let idle = self.idle.remove(index);
            let since = now.saturating_duration_since(idle.connection.idle_since());
            if since <= timeout && !idle.connection.is_used_up() {
                return Some(idle.connection);
            }
            leaving.push(idle);
        }
        None
    }
}

impl<B: Send> Giver for Gate<B> {
    fn regain(self: Arc<Self>) {
        loop {
            let mut state = self.lock();
            let Some(first) = state.queue.pop() else {
                state.taken -= 1;
                return;
            };
            drop(state);
            match first.tell(Turn::Open(self.again())) {
                Ok(()) => return,
                Err(Turn::Open(place)) => place.forget(),
                Err(other) => mem::drop(other),
            }
        }
    }

    fn seat_all(self: Arc<Self>) {
        loop {
            let mut leaving = Vec::new();
            let mut state = self.lock();
            if state.queue.is_empty() {
                return;
            }
            leaving.extend(state.unusable());
            let Some((first, turn)) = state.next_to_share() else {
                return;
            };
            drop(state);
            // If it has gone, its seat comes back, and is seen to there.
            let _: Result<(), _> = first.tell(turn);
        }
    }
}

fn current_runtime() -> Runtime {
    let handle = runtime::Handle::try_current().ok()?;
    Some(handle.id())
}
