//! HTTP/2 connections, which requests share.

use std::sync::Arc;

use super::place::{Giver, Place};
use super::waiting::{Turn, Waiter, Waiting};
use super::{Gate, Runtime, Shared, State, current_runtime};
use crate::pool::destination::Destination;
use crate::pool::error::Overload;
use crate::pool::http2::{Choice, Connecting, Http2Connection, Seat, Slot};

/// What a request for a shared connection finds.
pub(in crate::pool) enum Ask<B: Send> {
    Chosen(Choice<B>),
    Later(Box<Waiting<B>>),
}

/// What there is for a request.
struct Found<B> {
    own: Option<There<B>>,
    /// Of another runtime.
    elsewhere: Option<There<B>>,
}

enum There<B> {
    WithRoom(Http2Connection<B>),
    Opening(Connecting<B>),
}

impl<B: Send> Gate<B> {
    /// A connection to `destination`: with room and of this runtime, or else one more, or else
    /// any; or a wait for either. Whoever has waited for a `place` brings it; whoever has
    /// `awaited` a connection that was being opened, and had no seat on it, is in line then.
    ///
    /// # Errors
    ///
    /// As many wait already as may.
    pub(in crate::pool) fn ask_shared(
        self: &Arc<Self>,
        mut place: Option<Place>,
        destination: &Destination,
        awaited: bool,
        open: impl FnOnce(Place) -> Connecting<B>,
    ) -> Result<Ask<B>, Overload> {
        let runtime = current_runtime();
        let mut leaving = Vec::new();
        let mut leaving_shared = Vec::new();
        let mut state = self.lock();
        leaving_shared.extend(state.unusable());
        if place.is_none() && state.queue.has_sharer(destination) {
            let waiting = self.line_up(&mut state, destination, runtime, true);
            return waiting.map(Ask::Later);
        }
        let Found { own, elsewhere } = state.find(destination, runtime, !awaited);
        if let Some(there) = own {
            // If there was a place, it goes to the next: after the lock, as an argument does.
            return Ok(Ask::Chosen(there.choose()));
        }
        if place.is_none() {
            place = self.place(&mut state, &mut leaving);
        }
        if let Some(place) = place {
            // Without the lock: if the runtime is ending, the place comes back at once.
            drop(state);
            let connecting = open(place);
            self.add_shared(destination, connecting.clone());
            return Ok(Ask::Chosen(Choice::Await(connecting)));
        }
        if let Some(there) = elsewhere {
            return Ok(Ask::Chosen(there.choose()));
        }
        // A connection that is of no use to this request may make room for one that is.
        let others =
            |shared: &mut Shared<B>| shared.destination != *destination && shared.slot.is_unused();
        leaving_shared.extend(state.shared.extract_if(.., others).take(1));
        self.line_up(&mut state, destination, runtime, true)
            .map(Ask::Later)
    }

    /// Adds a connection that is being opened.
    pub(in crate::pool) fn add_shared(
        self: &Arc<Self>,
        destination: &Destination,
        opening: Connecting<B>,
    ) {
        let mut state = self.lock();
        state.shared.push(Shared {
            destination: destination.clone(),
            runtime: current_runtime(),
            slot: Slot::Opening(opening),
        });
        drop(state);
        // On another thread it may be open by now.
        Arc::clone(self).seat_all();
    }

    /// A place on a connection that has just opened, for whoever has waited for it.
    pub(in crate::pool) fn seat(
        &self,
        destination: &Destination,
        connection: &Http2Connection<B>,
    ) -> Option<Seat> {
        let state = self.lock();
        let is_free = connection.has_room() && !connection.is_used_and_up();
        // Those in line come first.
        let is_free = is_free && !state.queue.has_sharer(destination);
        is_free.then(|| connection.seat())
    }

    /// How many connections to `destination` this runtime has.
    pub(in crate::pool) fn shared_to(&self, destination: &Destination) -> usize {
        let runtime = current_runtime();
        let mut leaving = Vec::new();
        let mut state = self.lock();
        leaving.extend(state.unusable());
        let is_own =
            |shared: &&Shared<B>| shared.runtime == runtime && shared.destination == *destination;
        state.shared.iter().filter(is_own).count()
    }
}

impl<B: Send> State<B> {
    /// Takes out the connections that take no more requests, and takes note of those that have
    /// opened.
    pub(super) fn unusable(&mut self) -> impl Iterator<Item = Shared<B>> {
        self.shared.extract_if(.., |shared| !shared.slot.settle())
    }

    /// What there is to `destination`, if need be with those that are `opening`.
    fn find(&mut self, destination: &Destination, runtime: Runtime, opening: bool) -> Found<B> {
        let (mut own, mut elsewhere) = (None, None);
        for shared in &mut self.shared {
            if shared.destination != *destination {
                continue;
            }
            let found = match shared.runtime == runtime {
                true => &mut own,
                false => &mut elsewhere,
            };
            match &mut shared.slot {
                Slot::Opening(connecting) if opening && found.is_none() => {
                    *found = Some(There::Opening(connecting.clone()));
                }
                // Better than one that is only being opened.
                Slot::Open {
                    connection,
                    idle_since,
                } if connection.has_room() && !matches!(found, Some(There::WithRoom(_))) => {
                    *idle_since = None;
                    *found = Some(There::WithRoom(connection.clone()));
                }
                Slot::Opening(_) | Slot::Open { .. } => {}
            }
        }
        Found { own, elsewhere }
    }

    /// The first in the queue who can share a connection that has room, and the place on it.
    pub(super) fn next_to_share(&mut self) -> Option<(Waiter<B>, Turn<B>)> {
        self.shared.iter_mut().find_map(|shared| {
            let Slot::Open {
                connection,
                idle_since,
            } = &mut shared.slot
            else {
                return None;
            };
            if !connection.has_room() {
                return None;
            }
            let first = self.queue.pop_sharer(&shared.destination)?;
            *idle_since = None;
            Some((first, Turn::Share(connection.clone(), connection.seat())))
        })
    }
}

impl<B> There<B> {
    /// Takes it. To be called with the lock.
    fn choose(self) -> Choice<B> {
        match self {
            Self::WithRoom(connection) => {
                let seat = connection.seat();
                Choice::Use(connection, seat)
            }
            Self::Opening(connecting) => Choice::Await(connecting),
        }
    }
}
