//! Which object is next.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use crate::world::ObjectRef;

/// Objects that wait, each of them once.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By the time they wait for.
    waiting: BTreeMap<(Instant, u64), ObjectRef>,
    /// By how much they matter, then in the order they became ready.
    ready: BTreeMap<(u8, u64), ObjectRef>,
    places: HashMap<ObjectRef, Place>,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Waiting(Instant, u64),
    Ready(u8, u64),
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Has `object` wait until `due`. Does nothing if it waits already: whatever it
    /// waits for, such as the end of a pause, is still there.
    pub(super) fn push(&mut self, object: &ObjectRef, due: Instant) {
        if self.places.contains_key(object) {
            return;
        }
        self.last += 1;
        self.waiting.insert((due, self.last), object.clone());
        let place = Place::Waiting(due, self.last);
        self.places.insert(object.clone(), place);
    }

    pub(super) fn remove(&mut self, object: &ObjectRef) {
        match self.places.remove(object) {
            Some(Place::Waiting(due, number)) => drop(self.waiting.remove(&(due, number))),
            Some(Place::Ready(rank, number)) => drop(self.ready.remove(&(rank, number))),
            None => {}
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next object whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<ObjectRef> {
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            let ((_, number), object) = first.remove_entry();
            let rank = rank(&object);
            self.places
                .insert(object.clone(), Place::Ready(rank, number));
            self.ready.insert((rank, number), object);
        }
        let (_, object) = self.ready.pop_first()?;
        self.places.remove(&object);

        Some(object)
    }

    /// When there is something to pop.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        if self.ready.is_empty() {
            let first = self.waiting.first_key_value();
            first.map(|((due, _), _)| *due)
        } else {
            Some(now)
        }
    }
}

/// One Gateway says more than the thousand routes it has, and there are few.
fn rank(object: &ObjectRef) -> u8 {
    match &*object.kind {
        "GatewayClass" | "Gateway" | "ListenerSet" => 0,
        _ => 1,
    }
}
