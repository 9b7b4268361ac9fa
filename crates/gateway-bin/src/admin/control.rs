//! What the control plane counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What happens between the source of objects and the configuration. Nothing of it is
/// met by requests.
#[derive(Debug, Default)]
pub(crate) struct ControlMetrics {
    facts: Mutex<Facts>,
    status_writes: [AtomicU64; StatusWrite::ALL.len()],
}

/// What is known at the moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Nothing before the first configuration.
    pub(super) source: Option<Source>,
    pub(super) read_at: Option<SystemTime>,
    /// Errors and warnings, once there is a configuration.
    pub(super) problems: Option<[usize; 2]>,
    /// By kind. Empty where nothing is watched.
    pub(super) watches: BTreeMap<String, bool>,
    /// Nothing where nobody is elected.
    pub(super) leads: Option<bool>,
}

/// Where the configuration that is served comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// From the folder or the API server.
    Live,
    /// From what was kept of the last run.
    Snapshot,
}

impl Source {
    pub(super) const ALL: [Self; 2] = [Self::Live, Self::Snapshot];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What became of a status that was written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StatusWrite {
    /// It is there.
    Written,
    /// Somebody else was quicker; it is tried again.
    Conflict,
    /// It could not be written.
    Failed,
}

impl StatusWrite {
    pub(super) const ALL: [Self; 3] = [Self::Written, Self::Conflict, Self::Failed];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

impl ControlMetrics {
    /// All objects have been read from `source`, now.
    pub(crate) fn read(&self, source: Source) {
        let mut facts = self.lock();
        facts.source = Some(source);
        facts.read_at = Some(SystemTime::now());
    }

    /// There is so much wrong with the objects.
    pub(crate) fn problems(&self, errors: usize, warnings: usize) {
        self.lock().problems = Some([errors, warnings]);
    }

    /// The watch of a kind is connected, or is not.
    pub(crate) fn watch(&self, kind: &str, connected: bool) {
        self.lock().watches.insert(kind.to_owned(), connected);
    }

    /// There is no such kind to be watched.
    pub(crate) fn unwatch(&self, kind: &str) {
        self.lock().watches.remove(kind);
    }

    /// This replica leads, or does not.
    pub(crate) fn leads(&self, leads: bool) {
        self.lock().leads = Some(leads);
    }

    /// So many statuses were written, were written too late, and could not be written.
    pub(crate) fn statuses(&self, counts: [u64; StatusWrite::ALL.len()]) {
        for (known, count) in self.status_writes.iter().zip(counts) {
            known.store(count, Ordering::Relaxed);
        }
    }

    pub(super) fn facts(&self) -> Facts {
        self.lock().clone()
    }

    pub(super) fn status_writes(&self) -> impl Iterator<Item = (StatusWrite, u64)> {
        let counts = self.status_writes.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));

        StatusWrite::ALL.into_iter().zip(counts)
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
