//! Results that are used again while what they came from is the same.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::view::{Looks, View};
use crate::world::World;

/// Results by name.
///
/// After a round, every result that is left was asked for in that round and
/// holds for that round's world.
#[derive(Debug)]
pub(super) struct Memo<T> {
    entries: HashMap<String, Entry<T>, RandomState>,
    round: u64,
    working: usize,
    worked: usize,
}

/// The world that the last round was about, and the one that this round is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) before: &'a World,
    pub(super) now: &'a World,
}

#[derive(Debug)]
struct Entry<T> {
    looks: Looks,
    result: Arc<T>,
    round: u64,
}

impl<T: PartialEq> Memo<T> {
    /// The result called `name`: the last one if its inputs are what they were
    /// and `stands` agrees, and otherwise worked out anew. What is equal to the
    /// last result is the last result.
    pub(super) fn get(
        &mut self,
        name: &str,
        step: Step<'_>,
        stands: impl FnOnce(&T) -> bool,
        work: impl FnOnce(&View<'_>) -> T,
    ) -> Arc<T> {
        if let Some(entry) = self.entries.get_mut(name)
            && entry.looks.hold(step.before, step.now)
            && stands(&entry.result)
        {
            entry.round = self.round;
            return Arc::clone(&entry.result);
        }

        self.put(name, step.now, work)
    }

    /// Forgets what was not asked for since the last time.
    pub(super) fn end_round(&mut self) {
        let round = self.round;
        self.entries.retain(|_, entry| entry.round == round);
        self.round += 1;
        self.worked = std::mem::take(&mut self.working);
    }

    /// How many results the last round had to work out.
    pub(super) fn worked(&self) -> usize {
        self.worked
    }

    fn put(&mut self, name: &str, now: &World, work: impl FnOnce(&View<'_>) -> T) -> Arc<T> {
        self.working += 1;
        let view = View::new(now);
        let result = work(&view);
        let known = self.entries.remove(name);
        let result = match known {
            Some(entry) if *entry.result == result => entry.result,
            _ => Arc::new(result),
        };
        let entry = Entry {
            looks: view.into_looks(),
            result: Arc::clone(&result),
            round: self.round,
        };
        self.entries.insert(name.to_owned(), entry);

        result
    }
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::default(),
            round: 0,
            working: 0,
            worked: 0,
        }
    }
}
