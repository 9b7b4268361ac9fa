//! What policies remember, over changes of the configuration.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{ObjectName, RouteKind, SectionName, StreamRouteKind};

/// State that outlives the stacks that use it: how much of a limit is used, whether a circuit
/// is open.
///
/// It is found again by its place and, if its settings are the same, used again. Clones share
/// it.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    entries: Arc<Mutex<HashMap<Place, Arc<dyn Any + Send + Sync>>>>,
}

/// Somebody's share in what is kept: for as long as it is there, nothing is forgotten.
pub(crate) type Share = Arc<dyn Any + Send + Sync>;

/// Where something is that is remembered.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Place {
    pub(crate) scope: Scope,
    pub(crate) part: Part,
    /// Which one, of several.
    pub(crate) index: usize,
}

/// Whose it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Scope {
    /// A set of policies that has a name.
    Set(Arc<str>),
    Route(RouteKind, ObjectName),
    Rule(RouteKind, ObjectName, RuleName),
    /// Requests at a listener that no route wants.
    Unrouted(SectionName),
    Stream(StreamRouteKind, ObjectName),
    #[cfg(feature = "jwt")]
    Keys(
        gateway_filters::jwt::JwksRefresh,
        crate::model::BackendTarget,
    ),
}

/// What a rule is known by: its name, or else its place in the route.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum RuleName {
    Named(SectionName),
    At(usize),
}

/// Which list of its owner it is in.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Part {
    Policies,
    Filters,
    /// Those of a rule's backend.
    BackendFilters(usize),
    RetryBudget,
}

/// What is remembered, and under which settings.
struct Memory<S, T> {
    settings: S,
    state: T,
}

impl Kept {
    /// What is remembered at `place` under `settings`, or what `make` gives.
    pub(crate) fn keep<S, T>(
        &self,
        place: Place,
        settings: &S,
        make: impl FnOnce(&S) -> T,
    ) -> (T, Share)
    where
        S: Clone + Eq + Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.get(&place).cloned();
        let known = known.and_then(|known| known.downcast::<Memory<S, T>>().ok());
        if let Some(known) = known.filter(|known| known.settings == *settings) {
            return (known.state.clone(), known);
        }

        let made = Arc::new(Memory {
            settings: settings.clone(),
            state: make(settings),
        });
        entries.insert(place, made.clone());
        (made.state.clone(), made)
    }

    /// Forgets what nobody has a share in. To be called when new stacks have taken the places
    /// of the old ones.
    pub(crate) fn forget(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| Arc::strong_count(entry) > 1);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(entries.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn place(index: usize) -> Place {
        Place {
            scope: Scope::Set("edge".into()),
            part: Part::Policies,
            index,
        }
    }

    /// Counts how often it is asked.
    fn count(kept: &Kept, place: Place, settings: u32) -> (usize, Share) {
        let make = |_: &u32| Arc::new(AtomicUsize::new(0));
        let (state, share) = kept.keep(place, &settings, make);
        (state.fetch_add(1, Ordering::Relaxed) + 1, share)
    }

    #[test]
    fn state_stays_while_place_and_settings_do() {
        let kept = Kept::default();

        let (first, _share) = count(&kept, place(0), 7);
        let (second, _) = count(&kept, place(0), 7);
        let (elsewhere, _) = count(&kept, place(1), 7);
        let (changed, _) = count(&kept, place(0), 8);

        assert_eq!((first, second, elsewhere, changed), (1, 2, 1, 1));
    }

    #[test]
    fn what_nobody_uses_is_forgotten() {
        let kept = Kept::default();
        let (_, used) = count(&kept, place(0), 7);
        drop(count(&kept, place(1), 7));

        kept.forget();

        assert_eq!(count(&kept, place(0), 7).0, 2);
        assert_eq!(count(&kept, place(1), 7).0, 1);
        drop(used);
    }
}
