//! Counts connections, over all workers.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// The open connections of an address.
///
/// Those of single clients are counted only where they are limited. There are never
/// more clients in the books than connections.
#[derive(Debug, Default)]
pub(super) struct Counts {
    total: AtomicUsize,
    sources: [Mutex<HashMap<IpAddr, usize, RandomState>>; SHARDS],
    hasher: RandomState,
}

impl Counts {
    /// A place for one more connection; `None` if there are `limit` already.
    pub(super) fn enter(self: &Arc<Self>, limit: Option<usize>) -> Option<Permit> {
        self.total
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                limit.is_none_or(|limit| open < limit).then_some(open + 1)
            })
            .ok()?;
        Some(Permit {
            counts: Arc::clone(self),
            source: None,
        })
    }

    fn shard(&self, source: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize, RandomState>> {
        let hash = self.hasher.hash_one(source);
        let shard = &self.sources[hash as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Permit {
    counts: Arc<Counts>,
    source: Option<IpAddr>,
}

impl Permit {
    /// Counts it as one of `client`, if that is limited; `None` if it has `limit`
    /// already.
    pub(super) fn of(&mut self, client: IpAddr, limit: Option<usize>) -> Option<()> {
        let Some(limit) = limit else {
            return Some(());
        };
        let source = network(client);
        let mut shard = self.counts.shard(source);
        let open = shard.get(&source).copied().unwrap_or(0);
        if open >= limit {
            return None;
        }
        shard.insert(source, open + 1);
        drop(shard);
        self.source = Some(source);
        Some(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.counts.total.fetch_sub(1, Ordering::Relaxed);
        let Some(source) = self.source else {
            return;
        };
        let mut shard = self.counts.shard(source);
        if let Some(open) = shard.get_mut(&source) {
            *open -= 1;
            if *open == 0 {
                shard.remove(&source);
            }
        }
    }
}

/// Whoever has one IPv6 address has all that begin with the same 64 bits.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// So that workers seldom wait for each other.
const SHARDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let counts = Arc::new(Counts::default());
        let first = counts.enter(Some(2)).unwrap();
        let _second = counts.enter(Some(2)).unwrap();
        assert!(counts.enter(Some(2)).is_none());

        drop(first);

        assert!(counts.enter(Some(2)).is_some());
    }

    #[test]
    fn one_client_does_not_take_the_places_of_others() {
        let counts = Arc::new(Counts::default());
        let (one, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let enter = |client| {
            let mut permit = counts.enter(None)?;
            permit.of(client, Some(1))?;
            Some(permit)
        };

        let first = enter(one).unwrap();
        assert!(enter(one).is_none());
        assert!(enter(other).is_some());
        drop(first);

        assert!(enter(one).is_some());
        assert!(
            counts
                .sources
                .iter()
                .all(|shard| shard.lock().unwrap().is_empty())
        );
    }

    #[test]
    fn network_of_ipv6_is_one_client() {
        let counts = Arc::new(Counts::default());
        let mut first = counts.enter(None).unwrap();
        first.of("2001:db8::1".parse().unwrap(), Some(1)).unwrap();

        let mut second = counts.enter(None).unwrap();
        assert!(second.of("2001:db8::2".parse().unwrap(), Some(1)).is_none());
        assert!(
            second
                .of("2001:db8:0:1::1".parse().unwrap(), Some(1))
                .is_some()
        );
    }

    #[test]
    fn limit_is_exact_over_threads() {
        let counts = Arc::new(Counts::default());
        let permits: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let entered = (0..100).filter_map(|_| counts.enter(Some(50)));
                        entered.collect::<Vec<_>>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });

        assert_eq!(permits.len(), 50);
        drop(permits);
        assert_eq!(counts.total.load(Ordering::Relaxed), 0);
    }
}
