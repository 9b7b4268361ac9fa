//! HTTP/2 connections, which requests share.

use std::sync::Arc;

use super::place::Place;
use super::waiting::{Turn, Waiting};
use super::{Gate, Runtime, Shared, State, current_runtime};
use crate::pool::destination::Destination;
use crate::pool::error::Overload;
use crate::pool::http2::{Choice, Connecting, Http2Connection, Slot};

/// What a request for a shared connection finds.
pub(in crate::pool) enum Ask<B: Send> {
    Chosen(Choice<B>),
    Later(Box<Waiting<B>>),
}

/// What there is for a request.
struct Found<B> {
    /// Those of its own runtime.
    own: usize,
    ready: Option<Choice<B>>,
    /// Of another runtime.
    elsewhere: Option<Choice<B>>,
    /// One that takes no more streams at the moment.
    emptiest: Option<Http2Connection<B>>,
}

impl<B: Send> Gate<B> {
    /// A connection to `destination`: with room and of this runtime, or else one more, or else
    /// any. Whoever has waited for a `place` brings it.
    ///
    /// # Errors
    ///
    /// As many wait already as may.
    pub(in crate::pool) fn ask_shared(
        self: &Arc<Self>,
        mut place: Option<Place>,
        destination: &Destination,
        max_own: usize,
        open: impl FnOnce(Place) -> Connecting<B>,
    ) -> Result<Ask<B>, Overload> {
        let runtime = current_runtime();
        let mut leaving = Vec::new();
        let mut leaving_shared = Vec::new();
        let mut state = self.lock();
        leaving_shared.extend(state.shared.extract_if(.., |shared| !shared.slot.settle()));
        let found = state.find(destination, runtime);
        if let Some(choice) = found.ready {
            // If there was a place, it goes to the next.
            drop(state);
            return Ok(Ask::Chosen(choice));
        }
        if place.is_none() && found.own < max_own {
            place = self.place(&mut state, &mut leaving);
        }
        if let Some(place) = place.take_if(|_| found.own < max_own) {
            // Without the lock: if the runtime is ending, the place comes back at once.
            drop(state);
            let connecting = open(place);
            self.add_shared(destination, connecting.clone());
            return Ok(Ask::Chosen(Choice::Await(connecting)));
        }
        if let Some(choice) = found.elsewhere {
            return Ok(Ask::Chosen(choice));
        }
        if let Some(emptiest) = found.emptiest {
            if emptiest.excess() >= self.limit.pending {
                return Err(Overload::Full);
            }
            return Ok(Ask::Chosen(Choice::Use(emptiest)));
        }
        // All places are taken by connections that are not for this request.
        let others = |shared: &mut Shared<B>| shared.slot.is_unused();
        leaving_shared.extend(state.shared.extract_if(.., others).take(1));
        self.line_up(&mut state, destination, runtime, true)
            .map(Ask::Later)
    }

    /// Adds a connection, and tells those who have waited for one like it.
    pub(in crate::pool) fn add_shared(&self, destination: &Destination, opening: Connecting<B>) {
        let mut state = self.lock();
        state.shared.push(Shared {
            destination: destination.clone(),
            runtime: current_runtime(),
            slot: Slot::Opening(opening),
        });
        let sharers = state.queue.sharers(destination);
        drop(state);
        for sharer in sharers {
            // Who has gone has lost nothing.
            let _: Result<(), _> = sharer.tell(Turn::Look);
        }
    }

    /// How many connections to `destination` this runtime has.
    pub(in crate::pool) fn shared_to(&self, destination: &Destination) -> usize {
        self.lock().find(destination, current_runtime()).own
    }
}

impl<B: Send> State<B> {
    fn find(&mut self, destination: &Destination, runtime: Runtime) -> Found<B> {
        let mut found = Found {
            own: 0,
            ready: None,
            elsewhere: None,
            emptiest: None,
        };
        let mut opening = None;
        for shared in &mut self.shared {
            if shared.destination != *destination {
                continue;
            }
            let is_own = shared.runtime == runtime;
            found.own += usize::from(is_own);
            match &mut shared.slot {
                Slot::Opening(connecting) if is_own => opening = Some(connecting.clone()),
                Slot::Opening(connecting) => {
                    let choice = || Choice::Await(connecting.clone());
                    found.elsewhere.get_or_insert_with(choice);
                }
                Slot::Open {
                    connection,
                    idle_since,
                } if connection.has_room() => {
                    let choice = Choice::Use(connection.clone());
                    if is_own {
                        *idle_since = None;
                        found.ready = Some(choice);
                        return found;
                    }
                    // Better than one that is only being opened.
                    if !matches!(found.elsewhere, Some(Choice::Use(_))) {
                        *idle_since = None;
                        found.elsewhere = Some(choice);
                    }
                }
                Slot::Open { connection, .. } => {
                    let emptiest = found.emptiest.as_ref();
                    if emptiest.is_none_or(|other| connection.excess() < other.excess()) {
                        found.emptiest = Some(connection.clone());
                    }
                }
            }
        }
        found.ready = opening.map(Choice::Await);
        found
    }
}
