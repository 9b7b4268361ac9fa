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

        let primary = |endpoint: &Endpoint| endpoint.weight() > 0 && !endpoint.is_backup();
        let any = |endpoint: &Endpoint| endpoint.weight() > 0;
        let primaries = view.count(primary);
        let with_backups = primaries.healthy == 0
            || self
                .backup_below
                .is_more_than(primaries.healthy, primaries.all);
        let considered = |endpoint: &Endpoint| {
            if with_backups {
                any(endpoint)
            } else {
                primary(endpoint)
            }
        };

        let counts = view.count(considered);
        if self.panic_below.is_more_than(counts.healthy, counts.all) {
            // The backups would be no less doubtful than the others.
            let in_panic = |endpoint: &Endpoint| {
                if primaries.all > 0 {
                    primary(endpoint)
                } else {
                    any(endpoint)
                }
            };
            return endpoints.iter().map(in_panic).collect();
        }
        let local = self.stays_in(&view, considered);
        std::iter::zip(endpoints, &healthy)
            .map(|(endpoint, healthy)| {
                *healthy && considered(endpoint) && (local.is_none() || endpoint.zone() == local)
            })
            .collect()
    }

    /// The zone that is picked from alone.
    fn stays_in(&self, view: &View<'_>, considered: impl Fn(&Endpoint) -> bool) -> Option<Zone> {
        let (zone, spill_below) = self.zone?;
        let local = view.count(|endpoint| endpoint.zone() == Some(zone) && considered(endpoint));
        let enough = local.healthy > 0 && !spill_below.is_more_than(local.healthy, local.all);
        enough.then_some(zone)
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

    proptest! {
        /// While anything that has a weight is healthy, something is eligible.
        #[test]
        fn something_is_eligible_while_something_is_healthy(
            preference in preferences(),
            made in vec((0..3_u32, any::<Option<bool>>(), any::<bool>(), any::<bool>()), 0..12),
        ) {
            let set: EndpointSet = made.iter().zip(0..).map(|((weight, zone, backup, _), last)| {
                let mut endpoint = endpoint(last).with_weight(*weight);
                if let Some(zone) = zone {
                    endpoint = endpoint.with_zone(Zone::new(if *zone { "a" } else { "b" }));
                }
                if *backup { endpoint.as_backup() } else { endpoint }
            }).collect();
            let usable = |index: usize| made[index].3 && made[index].0 > 0;

            let eligible = preference.eligible(&set, |index| made[index].3);

            prop_assert_eq!(eligible.len(), set.len());
            prop_assert!(eligible.iter().any(|eligible| *eligible) || !(0..set.len()).any(usable));
            prop_assert!((0..set.len()).all(|index| !eligible[index] || made[index].0 > 0));
        }
    }
}
