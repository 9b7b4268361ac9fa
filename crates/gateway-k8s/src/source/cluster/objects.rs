//! Following the objects of a kind into what is known.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::Failure;
use super::follow::Follower;
use super::kinds::Watched;
use super::object::{Seen, name_of};
use super::progress::{Change, Phase};
use super::state::{Staged, State};

/// Keeps the objects of one kind, in one namespace or in all, up to date.
#[derive(Debug)]
pub(super) struct ObjectFollower {
    /// The place of the kind in [`Watched::all`].
    pub(super) kind: usize,
    pub(super) version: Arc<str>,
    /// The place of the namespace among those that are looked at.
    pub(super) scope: usize,
    /// The namespace; nothing for all of them.
    pub(super) namespace: Option<String>,
    pub(super) state: watch::Sender<State>,
    /// How often a kind was missing that was thought to be installed.
    pub(super) missing: watch::Sender<u64>,
}

impl ObjectFollower {
    fn watched(&self) -> &'static Watched {
        &Watched::all()[self.kind]
    }

    /// Says how it goes, if that is new, and whether it is.
    fn set_phase(&self, phase: Phase) -> bool {
        let mut turns = false;
        self.state.send_if_modified(|state| {
            let change = state.set_phase(self.kind, self.scope, phase);
            turns = change == Change::Turn;
            change != Change::None
        });
        turns
    }
}

impl Follower for ObjectFollower {
    type Staged = Staged;

    fn stage(&self, staged: &mut Staged, object: Map<String, Value>) {
        if let Some(seen) = Seen::read(self.watched(), &self.version, object) {
            staged.add(seen, &self.state.borrow());
        }
    }

    fn swap(&self, staged: Staged) {
        let namespace = self.namespace.as_deref();
        self.state
            .send_if_modified(|state| state.swap(self.kind, self.scope, namespace, staged));
    }

    fn put(&self, object: Map<String, Value>) {
        if let Some(seen) = Seen::read(self.watched(), &self.version, object) {
            self.state
                .send_if_modified(|state| state.put(self.watched(), seen));
        }
    }

    fn remove(&self, object: &Map<String, Value>) {
        if let Some(name) = name_of(self.watched(), object) {
            self.state
                .send_if_modified(|state| state.remove(self.watched(), &name));
        }
    }

    fn is_well(&self) {
        if self.set_phase(Phase::Well) {
            tracing::info!(kind = %self.watched().kind, "is watched again");
        }
    }

    fn fails(&self, failure: &Failure) {
        let error = failure.to_string();
        let phase = Phase::Retrying {
            since: Instant::now(),
            error: error.clone(),
            is_refused: failure.is_refusal(),
        };
        if self.set_phase(phase) {
            tracing::warn!(kind = %self.watched().kind, error, "cannot be watched now");
        }
        if failure.is_missing() {
            self.missing.send_modify(|missing| *missing += 1);
        }
    }
}
