//! Whose turn it is, by one's own clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

use super::LeaseSettings;

/// What a candidate has seen of the Lease.
#[derive(Debug, Default)]
pub(super) struct Election {
    seen: Option<(LeaseSpec, Instant)>,
}

impl Election {
    /// Takes note of a Lease as it is at `now`, or was shortly before.
    pub(super) fn observe(&mut self, lease: &Lease, now: Instant) {
        let spec = lease.spec.clone().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != spec) {
            self.seen = Some((spec, now));
        }
    }

    /// When the Lease that was seen can be taken by somebody else than its holder.
    /// Whoever has seen none knows nothing.
    pub(super) fn free_at(&self, settings: &LeaseSettings) -> Option<Instant> {
        let (spec, since) = self.seen.as_ref()?;
        if holder(spec).is_none() {
            return Some(*since);
        }
        let seconds = spec.lease_duration_seconds;
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        // A holder that promises less may know it from another version of this.
        let duration = seconds.map_or(settings.duration, Duration::from_secs);

        Some(*since + duration.max(settings.duration))
    }

    /// Whether the Lease that was seen may be taken or renewed at `now`.
    pub(super) fn may_take(&self, settings: &LeaseSettings, now: Instant) -> bool {
        self.is_held_by(&settings.identity)
            || self.free_at(settings).is_some_and(|free_at| free_at <= now)
    }

    /// Who held the Lease when it was last seen.
    pub(super) fn holder(&self) -> Option<&str> {
        self.seen.as_ref().and_then(|(spec, _)| holder(spec))
    }

    fn is_held_by(&self, identity: &str) -> bool {
        self.holder() == Some(identity)
    }
}

/// The same Lease, held by this candidate from `now` on.
pub(super) fn held(lease: &Lease, settings: &LeaseSettings, now: Timestamp) -> Lease {
    let mut lease = lease.clone();
    let spec = lease.spec.get_or_insert_default();
    let is_new = holder(spec) != Some(&settings.identity);
    // Others see by this that it was renewed, also from a clock that stands still.
    let renewed = match &spec.renew_time {
        Some(MicroTime(last)) if last.as_microsecond() == now.as_microsecond() => {
            now + SignedDuration::from_micros(1)
        }
        _ => now,
    };

    if is_new {
        // It counts who held it, and that is nobody before the first.
        let transitions = spec
            .lease_transitions
            .map_or(0, |count| count.saturating_add(1));
        spec.lease_transitions = Some(transitions);
        spec.acquire_time = Some(MicroTime(renewed));
    }
    spec.holder_identity = Some(settings.identity.clone());
    let seconds = i32::try_from(settings.duration.as_secs());
    spec.lease_duration_seconds = Some(seconds.unwrap_or(i32::MAX));
    spec.renew_time = Some(MicroTime(renewed));

    lease
}

/// The same Lease, held by nobody.
pub(super) fn released(lease: &Lease) -> Lease {
    let mut lease = lease.clone();
    lease.spec.get_or_insert_default().holder_identity = None;
    lease
}

/// A Lease that nobody has held.
pub(super) fn new_lease(settings: &LeaseSettings) -> Lease {
    let mut lease = Lease::default();
    lease.metadata.namespace = Some(settings.namespace.clone());
    lease.metadata.name = Some(settings.name.clone());
    lease
}

pub(super) fn holder(spec: &LeaseSpec) -> Option<&str> {
    let holder = spec.holder_identity.as_deref();
    holder.filter(|identity| !identity.is_empty())
}
