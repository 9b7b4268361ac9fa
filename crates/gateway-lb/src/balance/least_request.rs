//! The less busy one of two.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;

use super::pick::{Hold, InFlight, Pick};
use super::table::Table;
use super::two::better_of_two;
use crate::endpoint::EndpointSet;
use crate::per_thread::PerThread;

/// A table of requests in flight for each thread.
#[derive(Debug)]
pub(super) struct LeastRequest {
    tables: PerThread<RefCell<Table<InFlight>>>,
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
        table.follow(endpoints, |_| InFlight::default());
        table.pick(avoid)
    }
}

impl Table<InFlight> {
    fn pick(&self, avoid: &[SocketAddr]) -> Option<Pick> {
        let index = better_of_two(self.endpoints(), avoid, |one, other| {
            self.no_busier(one, other)
        });

        let (endpoint, in_flight) = self.get(index)?;
        let hold = Hold::Counted {
            _endpoint: in_flight.enter(),
        };
        Some(Pick::new(endpoint.clone(), hold))
    }

    /// Whether `one`, with one request more, is no busier for its weight than `other` with one
    /// more.
    fn no_busier(&self, one: usize, other: usize) -> bool {
        let (counts, endpoints) = (self.entries(), self.endpoints().as_slice());
        let load = |index: usize| (counts[index].count() + 1) as u64;
        let weight = |index: usize| u64::from(endpoints[index].weight());

        load(one) * weight(other) <= load(other) * weight(one)
    }
}

#[cfg(test)]
mod tests {
    use std::iter::zip;

    use proptest::collection::{btree_set, vec};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn table(counts: &[usize]) -> (Table<InFlight>, Vec<InFlight>) {
        let endpoints = (0..counts.len() as u16).map(address);
        let mut table = Table::default();
        table.follow(&Arc::new(endpoints.collect()), |_| InFlight::default());

        let held = zip(table.entries(), counts)
            .flat_map(|(in_flight, count)| (0..*count).map(|_| in_flight.enter()))
            .collect();
        (table, held)
    }

    proptest! {
        /// Of any two, the one that is strictly busier is not taken.
        #[test]
        fn busier_of_two_is_never_taken(
            counts in vec(0..5_usize, 2..8),
            one in any::<proptest::sample::Index>(),
            other in any::<proptest::sample::Index>(),
        ) {
            let (table, _held) = table(&counts);
            let (one, other) = (one.index(counts.len()), other.index(counts.len()));

            let lighter = if table.no_busier(one, other) { one } else { other };

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
            let counts = || table.entries().iter().map(InFlight::count).sum::<usize>();
            let staying = held.iter().flatten().filter(|pick| table.endpoints().contains(pick.address()));
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

            table.follow(&Arc::new(after.iter().copied().map(address).collect()), |_| InFlight::default());

            for (in_flight, port) in zip(table.entries(), &after) {
                let before = counts.get(usize::from(*port)).copied().unwrap_or(0);
                prop_assert_eq!(in_flight.count(), before);
            }
            prop_assert_eq!(table.entries().len(), after.len());
        }
    }
}
