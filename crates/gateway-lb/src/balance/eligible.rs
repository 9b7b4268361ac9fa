//! Which endpoints may be picked at the moment.

use crate::endpoint::{Endpoint, EndpointSet, Zone};
use crate::percent::Percent;

/// Which endpoints are preferred to which.
///
/// By default all that are healthy and no backups are picked from; backups, if no other endpoint
/// is healthy; and none, if no endpoint is healthy at all.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Preference {
    zone: Option<(Zone, Percent)>,
    backup_below: Percent,
    panic_below: Percent,
}

impl Preference {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Picks from the endpoints of `zone` alone, while at least `spill_below` of those are
    /// healthy; below that, from all zones, so that what is left of this one is not overrun. Off
    /// by default. With [`Percent::ZERO`] one healthy endpoint is enough.
    #[must_use]
    pub const fn with_zone(mut self, zone: Zone, spill_below: Percent) -> Self {
        self.zone = Some((zone, spill_below));
        self
    }

    /// Picks from the backups too, while fewer than this share of the others is healthy. Zero by
    /// default: they are used if no other is healthy.
    #[must_use]
    pub const fn with_backups_below(mut self, share: Percent) -> Self {
        self.backup_below = share;
        self
    }

    /// Takes no notice of health while less than this share is healthy, because what is thought
    /// of so many is more likely wrong, or the rest would be overrun. Zero by default: never.
    ///
    /// The share is that of the endpoints that are picked from: backups count where they
    /// [join](Self::with_backups_below), and count alone while no other endpoint is healthy. If
    /// none is healthy at all, backups are picked only where there are no others.
    #[must_use]
    pub const fn with_panic_below(mut self, share: Percent) -> Self {
        self.panic_below = share;
        self
    }

    /// For each of `endpoints`, whether it may be picked, if `healthy` says which of them are
    /// well by their place in the set.
    #[must_use]
    pub fn eligible(
        &self,
        endpoints: &EndpointSet,
        healthy: impl Fn(usize) -> bool,
    ) -> Box<[bool]> {
        let endpoints = endpoints.as_slice();
        let healthy: Vec<_> = (0..endpoints.len()).map(healthy).collect();
        let view = View {
            endpoints,
            healthy: &healthy,
        };

        let group = self.group(&view);
        let counts = view.count(|endpoint| group.has(endpoint));
        if self.panic_below.is_more_than(counts.healthy, counts.all) {
            return endpoints
                .iter()
                .map(|endpoint| group.has(endpoint))
                .collect();
        }
        let local = self.stays_in(&view, group);
        std::iter::zip(endpoints, &healthy)
            .map(|(endpoint, healthy)| {
                *healthy && group.has(endpoint) && (local.is_none() || endpoint.zone() == local)
            })
            .collect()
    }

    /// Those that are picked from, as far as that is no matter of zones.
    fn group(&self, view: &View<'_>) -> Group {
        let primaries = view.count(|endpoint| Group::PRIMARIES.has(endpoint));
        let backups = view.count(|endpoint| Group::BACKUPS.has(endpoint));
        match (primaries.healthy, backups.healthy) {
            // The backups are no less doubtful than the others.
            (0, 0) if primaries.all > 0 => Group::PRIMARIES,
            (0, _) => Group::BACKUPS,
            (healthy, _) => Group {
                backups: self.backup_below.is_more_than(healthy, primaries.all),
                ..Group::PRIMARIES
            },
        }
    }

    /// The zone that is picked from alone.
    fn stays_in(&self, view: &View<'_>, group: Group) -> Option<Zone> {
        let (zone, spill_below) = self.zone?;
        // What backups stand in for counts: they would be overrun.
        let counted = Group {
            primaries: true,
            ..group
        };
        let local = view.count(|endpoint| endpoint.zone() == Some(zone) && counted.has(endpoint));
        let enough = local.healthy > 0 && !spill_below.is_more_than(local.healthy, local.all);
        enough.then_some(zone)
    }
}

/// Endpoints that a weight makes eligible, of one kind or both.
#[derive(Clone, Copy)]
struct Group {
    primaries: bool,
    backups: bool,
}

impl Group {
    const PRIMARIES: Self = Self {
        primaries: true,
        backups: false,
    };
    const BACKUPS: Self = Self {
        primaries: false,
        backups: true,
    };

    fn has(self, endpoint: &Endpoint) -> bool {
        let kind = if endpoint.is_backup() {
            self.backups
        } else {
            self.primaries
        };
        kind && endpoint.weight() > 0
    }
}

struct View<'a> {
    endpoints: &'a [Endpoint],
    healthy: &'a [bool],
}

struct Counts {
    all: usize,
    healthy: usize,
}

impl View<'_> {
    fn count(&self, wanted: impl Fn(&Endpoint) -> bool) -> Counts {
        let mut counts = Counts { all: 0, healthy: 0 };
        for (endpoint, healthy) in std::iter::zip(self.endpoints, self.healthy) {
            if wanted(endpoint) {
                counts.all += 1;
                counts.healthy += usize::from(*healthy);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn endpoint(last: u8) -> Endpoint {
        Endpoint::new(SocketAddr::from(([10, 0, 0, last], 80)))
    }

    fn set(len: u8, change: impl Fn(u8, Endpoint) -> Endpoint) -> EndpointSet {
        (0..len).map(|last| change(last, endpoint(last))).collect()
    }

    fn picked_from(preference: Preference, set: &EndpointSet, unhealthy: &[usize]) -> Vec<usize> {
        let eligible = preference.eligible(set, |index| !unhealthy.contains(&index));
        (0..set.len()).filter(|index| eligible[*index]).collect()
    }

    #[test]
    fn backups_are_used_only_if_no_other_is_healthy() {
        let set = set(3, |last, endpoint| {
            if last == 2 {
                endpoint.as_backup()
            } else {
                endpoint
            }
        });

        assert_eq!(picked_from(Preference::new(), &set, &[]), [0, 1]);
        assert_eq!(picked_from(Preference::new(), &set, &[0]), [1]);
        assert_eq!(picked_from(Preference::new(), &set, &[0, 1]), [2]);
        assert!(picked_from(Preference::new(), &set, &[0, 1, 2]).is_empty());
    }

    #[test]
    fn backups_join_below_the_share() {
        let set = set(5, |last, endpoint| {
            if last == 4 {
                endpoint.as_backup()
            } else {
                endpoint
            }
        });
        let preference = Preference::new().with_backups_below(Percent::new(75));

        assert_eq!(picked_from(preference, &set, &[0]), [1, 2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1]), [2, 3, 4]);
    }

    #[test]
    fn zone_is_left_when_too_little_of_it_is_healthy() {
        let (here, there) = (Zone::new("a"), Zone::new("b"));
        let set = set(6, |last, endpoint| {
            endpoint.with_zone(if last < 4 { here } else { there })
        });
        let preference = Preference::new().with_zone(here, Percent::new(50));

        assert_eq!(picked_from(preference, &set, &[]), [0, 1, 2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1]), [2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1, 2]), [3, 4, 5]);
        let elsewhere = Preference::new().with_zone(Zone::new("c"), Percent::ZERO);
        assert_eq!(picked_from(elsewhere, &set, &[]).len(), 6);
    }

    #[test]
    fn panic_takes_no_notice_of_health() {
        let set = set(4, |_, endpoint| endpoint);
        let preference = Preference::new().with_panic_below(Percent::new(50));

        assert_eq!(picked_from(preference, &set, &[0, 1]), [2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1, 2]), [0, 1, 2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1, 2, 3]), [0, 1, 2, 3]);
    }

    #[test]
    fn panic_is_of_those_that_are_picked_from() {
        let set = set(4, |last, endpoint| {
            if last >= 2 {
                endpoint.as_backup()
            } else {
                endpoint
            }
        });
        let preference = Preference::new().with_panic_below(Percent::new(60));

        assert_eq!(picked_from(preference, &set, &[0]), [0, 1]);
        assert_eq!(picked_from(preference, &set, &[0, 1]), [2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1, 2]), [2, 3]);
        assert_eq!(picked_from(preference, &set, &[0, 1, 2, 3]), [0, 1]);
        let joined = preference.with_backups_below(Percent::ALL);
        assert_eq!(picked_from(joined, &set, &[0]), [1, 2, 3]);
        assert_eq!(picked_from(joined, &set, &[0, 2]), [0, 1, 2, 3]);
    }

    #[test]
    fn weight_of_zero_is_never_eligible() {
        let set = set(2, |last, endpoint| endpoint.with_weight(u32::from(last)));

        let panicking = Preference::new().with_panic_below(Percent::ALL);

        assert_eq!(picked_from(Preference::new(), &set, &[]), [1]);
        assert_eq!(picked_from(panicking, &set, &[1]), [1]);
    }

    fn preferences() -> impl Strategy<Value = Preference> {
        (any::<Option<bool>>(), 0..=100_u8, 0..=100_u8, 0..=100_u8).prop_map(
            |(zone, spill, backup, panic)| {
                let preference = Preference::new()
                    .with_backups_below(Percent::new(backup))
                    .with_panic_below(Percent::new(panic));
                match zone {
                    Some(zone) => preference
                        .with_zone(Zone::new(if zone { "a" } else { "b" }), Percent::new(spill)),
                    None => preference,
                }
            },
        )
    }

    /// An endpoint's weight, zone and kind, and whether it is healthy.
    type Made = (u32, Option<bool>, bool, bool);

    fn made() -> impl Strategy<Value = Vec<Made>> {
        let one = (
            0..3_u32,
            any::<Option<bool>>(),
            any::<bool>(),
            any::<bool>(),
        );
        vec(one, 0..12)
    }

    fn set_of(made: &[Made]) -> EndpointSet {
        let endpoints = made
            .iter()
            .zip(0..)
            .map(|((weight, zone, backup, _), last)| {
                let mut endpoint = endpoint(last).with_weight(*weight);
                if let Some(zone) = zone {
                    endpoint = endpoint.with_zone(Zone::new(if *zone { "a" } else { "b" }));
                }
                if *backup {
                    endpoint.as_backup()
                } else {
                    endpoint
                }
            });
        endpoints.collect()
    }

    proptest! {
        /// While anything that has a weight is healthy, something is eligible.
        #[test]
        fn something_is_eligible_while_something_is_healthy(
            preference in preferences(),
            made in made(),
        ) {
            let set = set_of(&made);
            let usable = |index: usize| made[index].3 && made[index].0 > 0;

            let eligible = preference.eligible(&set, |index| made[index].3);

            prop_assert_eq!(eligible.len(), set.len());
            prop_assert!(eligible.iter().any(|eligible| *eligible) || !(0..set.len()).any(usable));
            prop_assert!((0..set.len()).all(|index| !eligible[index] || made[index].0 > 0));
        }

        /// Unhealthy endpoints are eligible only in panic, and then no healthy one is left out but
        /// backups that are not to join yet.
        #[test]
        fn no_unhealthy_endpoint_is_preferred_to_a_healthy_one(
            preference in preferences(),
            made in made(),
        ) {
            let set = set_of(&made);
            let eligible = preference.eligible(&set, |index| made[index].3);
            let count = |wanted: &dyn Fn(usize, Made) -> bool| {
                (0..set.len()).filter(|index| wanted(*index, made[*index])).count()
            };

            let picked = count(&|index, _| eligible[index]);
            let healthy = count(&|index, (.., healthy)| eligible[index] && healthy);
            if healthy < picked {
                prop_assert!(preference.panic_below.is_more_than(healthy, picked));
                let primaries = count(&|_, (weight, _, backup, _)| weight > 0 && !backup);
                let well = count(&|_, (weight, _, backup, healthy)| weight > 0 && !backup && healthy);
                let backups_wait = well > 0 && !preference.backup_below.is_more_than(well, primaries);
                prop_assert_eq!(
                    count(&|index, (weight, _, backup, healthy)| {
                        let left_out = weight > 0 && healthy && !eligible[index];
                        left_out && !(backup && backups_wait)
                    }),
                    0
                );
            }
        }
    }
}
