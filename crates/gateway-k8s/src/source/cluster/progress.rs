//! How following goes.

use std::sync::Arc;

use tokio::time::Instant;

use super::reading::KindState;

/// A kind, as it is followed.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// The version; nothing if the kind is not installed.
    pub(super) version: Option<Arc<str>>,
    /// One for each namespace that is looked at.
    pub(super) scopes: Vec<Scope>,
}

/// Where objects of a kind are looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) is_listed: bool,
    pub(super) phase: Phase,
}

/// How following goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Phase {
    #[default]
    Well,
    Retrying {
        since: Instant,
        error: String,
        /// Whether it may not be, and not only cannot be just now.
        is_refused: bool,
    },
}

/// What a phase is to the one before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// The same.
    None,
    /// It still does not go well, for another reason.
    Reason,
    /// It begins, or ceases, to go well.
    Turn,
}

impl Scope {
    /// Whether its objects may not be looked at.
    pub(super) fn is_refused(&self) -> bool {
        matches!(
            self.phase,
            Phase::Retrying {
                is_refused: true,
                ..
            }
        )
    }

    /// Takes in how it goes. Since when is not told anew while it does not go well.
    pub(super) fn set_phase(&mut self, phase: Phase) -> Change {
        let (change, phase) = match (&self.phase, phase) {
            (before, now) if *before == now => return Change::None,
            (Phase::Retrying { error: before, .. }, Phase::Retrying { error, .. })
                if *before == error =>
            {
                return Change::None;
            }
            (
                Phase::Retrying { since, .. },
                Phase::Retrying {
                    error, is_refused, ..
                },
            ) => (
                Change::Reason,
                Phase::Retrying {
                    since: *since,
                    error,
                    is_refused,
                },
            ),
            (_, phase) => (Change::Turn, phase),
        };
        self.phase = phase;
        change
    }
}

impl Followed {
    /// How watching it goes, in all places together.
    pub(super) fn state(&self) -> KindState {
        if self.version.is_none() {
            return KindState::NotInstalled;
        }
        let retrying = self.scopes.iter().find_map(|scope| match &scope.phase {
            Phase::Well => None,
            Phase::Retrying { since, error, .. } => Some(KindState::Retrying {
                since: *since,
                error: error.clone(),
            }),
        });
        let is_listed = self.scopes.iter().all(|scope| scope.is_listed);
        let well = if is_listed {
            KindState::Watching
        } else {
            KindState::Listing
        };
        retrying.unwrap_or(well)
    }
}
