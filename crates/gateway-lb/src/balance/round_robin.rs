//! One endpoint after the other.

use std::cell::Cell;
use std::net::SocketAddr;

use super::pick::{Hold, Pick};
use crate::endpoint::{Endpoint, EndpointSet};
use crate::fraction;
use crate::per_thread::PerThread;
use crate::sync::{AtomicU64, Ordering};

/// A rotation for each thread.
#[derive(Debug)]
pub(super) struct RoundRobin {
    /// Where the next thread starts, as a fraction of the set. Written once per thread.
    next_start: AtomicU64,
    turns: PerThread<Cell<Turn>>,
}

impl RoundRobin {
    pub(super) fn new() -> Self {
        // Random, so that not all backends of all processes begin with their first endpoint.
        Self {
            next_start: AtomicU64::new(fastrand::u64(..)),
            turns: PerThread::new(),
        }
    }

    /// The endpoint whose turn it is, or the next one that is not at `avoid` if there is any.
    pub(super) fn pick(&self, endpoints: &EndpointSet, avoid: &[SocketAddr]) -> Option<Pick> {
        let endpoint = match endpoints.as_slice() {
            [] => return None,
            [only] => only,
            several => self.next(several, avoid)?,
        };
        Some(Pick::new(endpoint.clone(), Hold::None))
    }

    fn next<'a>(&self, endpoints: &'a [Endpoint], avoid: &[SocketAddr]) -> Option<&'a Endpoint> {
        let turn = self
            .turns
            .get_or(|| Cell::new(Turn::of(endpoints, self.start(endpoints.len()))));

        let first = turn.get().position(endpoints);
        let (before, after) = endpoints.split_at(first);
        let passed = after
            .iter()
            .chain(before)
            .position(|endpoint| !avoid.contains(&endpoint.address()))
            .unwrap_or(0);
        let chosen = wrap(first + passed, endpoints.len());

        turn.set(Turn::of(endpoints, wrap(chosen + 1, endpoints.len())));
        endpoints.get(chosen)
    }

    /// Where a new thread begins: each a golden section further, which keeps any number of them
    /// far apart.
    fn start(&self, len: usize) -> usize {
        let start = self
            .next_start
            .fetch_add(fraction::GOLDEN, Ordering::Relaxed);
        fraction::point(start, len as u64) as usize
    }
}

/// Whose turn it is. The address decides, so that a change of the set neither passes over an
/// endpoint that stays nor asks one twice; the index is where it was and most likely still is.
#[derive(Clone, Copy, Debug)]
struct Turn {
    index: usize,
    address: SocketAddr,
}

impl Turn {
    fn of(endpoints: &[Endpoint], index: usize) -> Self {
        Self {
            index,
            address: endpoints[index].address(),
        }
    }

    fn position(self, endpoints: &[Endpoint]) -> usize {
        match endpoints.get(self.index) {
            Some(endpoint) if endpoint.address() == self.address => self.index,
            _ => {
                let next = endpoints.partition_point(|endpoint| endpoint.address() < self.address);
                wrap(next, endpoints.len())
            }
        }
    }
}

/// `index` in a ring of `len`, for an index that is less than twice as large.
fn wrap(index: usize, len: usize) -> usize {
    if index < len { index } else { index - len }
}

#[cfg(all(test, every_order))]
mod every_order {
    use std::sync::Arc;

    use loom::thread;

    use super::*;

    #[test]
    fn threads_do_not_begin_with_the_same_endpoint() {
        loom::model(|| {
            let rotation = Arc::new(RoundRobin {
                next_start: AtomicU64::new(0),
                turns: PerThread::new(),
            });
            let others = [(); 2].map(|()| {
                let rotation = Arc::clone(&rotation);
                thread::spawn(move || rotation.start(5))
            });
            let mut starts = vec![rotation.start(5)];
            starts.extend(others.map(|other| other.join().expect("no panic")));

            starts.sort_unstable();
            assert_eq!(starts, [0, 1, 3]);
        });
    }
}
