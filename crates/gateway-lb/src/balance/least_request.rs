//! The less busy one of two.

use std::cell::RefCell;
use std::iter::zip;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use super::pick::{InFlight, Pick};
use crate::endpoint::{Endpoint, EndpointSet};
use crate::per_thread::PerThread;

/// A table of requests in flight for each thread.
#[derive(Debug)]
pub(super) struct LeastRequest {
    tables: PerThread<RefCell<Table>>,
}

impl LeastRequest {
    pub(super) const fn new() -> Self {
        Self {
            tables: PerThread::new(),
        }
    }

    /// The endpoint with fewer requests in flight among two that are not at `avoid`, if there are
    /// as many.
    ///
    /// A single endpoint is counted too, because its requests still matter when it gets company.
    pub(super) fn pick(&self, endpoints: &Arc<EndpointSet>, avoid: &[SocketAddr]) -> Option<Pick> {
        if endpoints.is_empty() {
            return None;
        }

        // Nothing below calls back into a balancer, so the borrow cannot meet another.
        let mut table = self.tables.get_or(RefCell::default).borrow_mut();
        if !Arc::ptr_eq(&table.endpoints, endpoints) {
            table.update(endpoints);
        }
        table.pick(avoid)
    }
}

/// The endpoints as this thread saw them last, and what it has in flight to each.
#[derive(Debug, Default)]
struct Table {
    endpoints: Arc<EndpointSet>,
    in_flight: Vec<InFlight>,
}

impl Table {
    /// Goes over to `endpoints`, taking along the counts of those that stay.
    fn update(&mut self, endpoints: &Arc<EndpointSet>) {
        let before = mem::replace(&mut self.endpoints, Arc::clone(endpoints));
        // Both sets are sorted, so one pass through the two is enough.
        let mut counted = zip(before.iter(), mem::take(&mut self.in_flight)).peekable();

        self.in_flight = endpoints
            .iter()
            .map(|endpoint| {
                while counted
                    .next_if(|(old, _)| old.address() < endpoint.address())
                    .is_some()
                {}
                counted
                    .next_if(|(old, _)| old.address() == endpoint.address())
                    .map_or_else(InFlight::default, |(_, in_flight)| in_flight)
            })
            .collect();
    }

    fn pick(&self, avoid: &[SocketAddr]) -> Option<Pick> {
        let index = if avoid.is_empty() {
            self.lighter(two_of(self.in_flight.len()))
        } else {
            self.choose_avoiding(avoid)
        };

        let endpoint = self.endpoints.as_slice().get(index)?;
        Some(Pick::counted(
            endpoint.clone(),
            self.in_flight.get(index)?.enter(),
        ))
    }

    /// As without `avoid`, but among the others. Looks through all, which only retries do.
    fn choose_avoiding(&self, avoid: &[SocketAddr]) -> usize {
        let allowed = |endpoint: &Endpoint| !avoid.contains(&endpoint.address());
        let others: Vec<_> = zip(0.., self.endpoints.iter())
            .filter_map(|(index, endpoint)| allowed(endpoint).then_some(index))
            .collect();

        match *others {
            [] => self.lighter(two_of(self.in_flight.len())),
            [only] => only,
            _ => {
                let (one, other) = two_of(others.len());
                self.lighter((others[one], others[other]))
            }
        }
    }

    /// The one with fewer requests in flight; the first if they have the same.
    fn lighter(&self, (one, other): (usize, usize)) -> usize {
        if self.in_flight[other].count() < self.in_flight[one].count() {
            other
        } else {
            one
        }
    }
}

/// Two different indices below `len`, in any order; the same twice if there is only one.
fn two_of(len: usize) -> (usize, usize) {
    if len < 2 {
        return (0, 0);
    }
    let one = fastrand::usize(..len);
    let other = fastrand::usize(..len - 1);
    (one, if other < one { other } else { other + 1 })
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn table(counts: &[usize]) -> (Table, Vec<InFlight>) {
        let endpoints = (0..counts.len() as u16).map(address);
        let mut table = Table::default();
        table.update(&Arc::new(endpoints.collect()));

        let held = zip(&table.in_flight, counts)
            .flat_map(|(in_flight, count)| (0..*count).map(|_| in_flight.enter()))
            .collect();
        (table, held)
    }

    proptest! {
        /// The two to compare are never one and the same, and never out of range.
        #[test]
        fn two_are_different(len in 2..100_usize) {
            let (one, other) = two_of(len);

            prop_assert!(one < len);
            prop_assert!(other < len);
            prop_assert!(one != other);
        }

        /// Of any two, the one that is strictly busier is not taken.
        #[test]
        fn busier_of_two_is_never_taken(
            counts in vec(0..5_usize, 2..8),
            one in any::<proptest::sample::Index>(),
            other in any::<proptest::sample::Index>(),
        ) {
            let (table, _held) = table(&counts);
            let (one, other) = (one.index(counts.len()), other.index(counts.len()));

            let lighter = table.lighter((one, other));

            prop_assert!(lighter == one || lighter == other);
            prop_assert_eq!(counts[lighter], counts[one].min(counts[other]));
        }

        /// An endpoint that is busier than all others is not picked.
        #[test]
        fn busiest_of_all_is_not_picked(mut counts in vec(0..5_usize, 2..8)) {
            counts[0] = 5;
            let (table, _held) = table(&counts);

            for _ in 0..20 {
                let pick = table.pick(&[]).expect("there are endpoints");
                prop_assert!(pick.address().port() != 0);
            }
        }

        /// Once every pick is dropped nothing is in flight, wherever the set has gone meanwhile.
        #[test]
        fn counts_return_to_zero(rounds in vec((btree_set(0..6_u16, 1..6), 0..6_usize), 1..10)) {
            let balancer = LeastRequest::new();
            let mut held = Vec::new();

            for (ports, picks) in rounds {
                let set = Arc::new(ports.into_iter().map(address).collect());
                held.extend((0..picks).map(|_| balancer.pick(&set, &[])));
            }
            let table = balancer.tables.get_or(RefCell::default).borrow();
            let counts = || table.in_flight.iter().map(InFlight::count).sum::<usize>();
            let staying = held.iter().flatten().filter(|pick| table.endpoints.contains(pick.address()));
            prop_assert!(counts() <= staying.count());
            drop(held);

            prop_assert_eq!(counts(), 0);
        }

        /// Endpoints that stay keep their counts, those that join begin with none.
        #[test]
        fn change_keeps_the_counts_of_those_that_stay(
            counts in vec(0..5_usize, 1..8),
            after in btree_set(0..10_u16, 0..8),
        ) {
            let (mut table, _held) = table(&counts);

            table.update(&Arc::new(after.iter().copied().map(address).collect()));

            for (in_flight, port) in zip(&table.in_flight, &after) {
                let before = counts.get(usize::from(*port)).copied().unwrap_or(0);
                prop_assert_eq!(in_flight.count(), before);
            }
            prop_assert_eq!(table.in_flight.len(), after.len());
        }
    }
}
