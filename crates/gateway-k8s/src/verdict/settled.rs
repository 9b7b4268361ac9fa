//! Verdicts with what came of them, followed from one resolution to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_core::model::ObjectName;

use super::{BindFailure, Condition, Problem, Verdict, Verdicts};
use crate::world::ObjectRef;

/// What became of the configuration of a resolution.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// The addresses that could not be listened on.
    pub failed: Vec<BindFailure>,
    /// What Gateways lack of the cluster.
    pub hindrances: Arc<BTreeMap<ObjectName, Problem>>,
}

/// What objects are told: verdicts as they were resolved, with what became of them and
/// with the dates of certificates.
///
/// Of a resolution that was made from the one before, and led to the same, following it
/// costs what was changed; so does to ask what is wrong.
#[derive(Debug)]
pub struct Settled {
    resolved: Verdicts,
    applied: Applied,
    /// When there is nothing else to tell of certificates.
    dates: RangeInclusive<SystemTime>,
    verdicts: Verdicts,
    /// The objects that have a problem.
    troubled: BTreeSet<ObjectRef>,
}

impl Settled {
    /// Follows a resolution, and what became of it, as things are at `now`.
    pub fn settle(&mut self, resolved: &Verdicts, applied: Applied, now: SystemTime) {
        let is_as_before = applied == self.applied && self.dates.contains(&now);
        let before = std::mem::replace(&mut self.resolved, resolved.clone());
        if !is_as_before {
            self.applied = applied;
            self.dates = now..=now.checked_add(FOR_EVER).unwrap_or(now);
            for verdict in resolved.listening() {
                self.take(&verdict, now);
            }
        }
        for edit in resolved.objects.edits(&before.objects) {
            match (edit.now, edit.before) {
                (Some(verdict), _) => self.take(verdict, now),
                (None, Some(gone)) => {
                    self.verdicts.remove(&gone.object);
                    self.troubled.remove(&gone.object);
                }
                (None, None) => {}
            }
        }
    }

    /// What every object is told.
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// Everything that is wrong, as [`Verdicts::problems`] has it.
    pub fn problems(&self) -> impl Iterator<Item = (&Verdict, Option<&Condition>, &Problem)> {
        let troubled = self.troubled.iter();
        let troubled = troubled.filter_map(|object| self.verdicts.get(object));
        troubled.flat_map(Verdict::told)
    }

    fn take(&mut self, resolved: &Arc<Verdict>, now: SystemTime) {
        let mut verdict = Arc::clone(resolved);
        if verdict.listeners().is_some() {
            let settled = Arc::make_mut(&mut verdict);
            settled.programmed(&self.applied.failed);
            let object = &settled.object;
            let name = ObjectName::new(&*object.namespace, &*object.name);
            if let Some(problem) = self.applied.hindrances.get(&name) {
                settled.hindered(problem.clone());
            }
            settled.dated(now);
            let until = settled.dated_until(now);
            self.shorten(until);
        }
        if verdict.problems().is_empty() {
            self.troubled.remove(&verdict.object);
        } else {
            self.troubled.insert(verdict.object.clone());
        }
        self.verdicts.share(verdict);
    }

    fn shorten(&mut self, until: Option<SystemTime>) {
        let (from, end) = self.dates.clone().into_inner();
        self.dates = from..=until.map_or(end, |until| until.min(end));
    }
}

impl Default for Settled {
    fn default() -> Self {
        Self {
            resolved: Verdicts::default(),
            applied: Applied::default(),
            dates: SystemTime::UNIX_EPOCH..=SystemTime::UNIX_EPOCH,
            verdicts: Verdicts::default(),
            troubled: BTreeSet::new(),
        }
    }
}

/// Nothing is known to happen before.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
