//! The buckets of all keys, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::bucket::Bucket;
use super::quota::Quota;

/// A bucket for each of the keys that were seen of late.
///
/// When there is no room for another key, the bucket that is fullest, or will be so the soonest,
/// among a few makes room: forgetting a full one changes nothing. So a flood of keys that are
/// used once drives itself out, and not those that used up what they may.
///
/// Keys are spread over parts with a lock each, so that threads seldom meet at one. All the
/// memory that is ever used is that of so many buckets.
#[derive(Debug)]
pub(super) struct Store {
    shards: Box<[Mutex<Shard>]>,
    /// How many buckets a part may have.
    room: usize,
}

#[derive(Debug, Default)]
struct Shard {
    places: HashMap<u64, usize, BuildHasherDefault<AsItIs>>,
    buckets: Vec<(u64, Arc<Bucket>)>,
}

impl Store {
    /// Has room for `keys` keys, at least one.
    pub(super) fn new(keys: usize) -> Self {
        let shards = (keys / LEAST_ROOM).clamp(1, MOST_SHARDS);
        Self {
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            room: (keys / shards).max(1),
        }
    }

    /// The bucket of `key`: a full one, if it was not seen or was forgotten.
    pub(super) fn bucket(&self, key: u64, quota: &Quota) -> Arc<Bucket> {
        // Not the lowest bits nor the highest, by which the map finds its places.
        let shard = &self.shards[(key >> 24) as u32 as usize % self.shards.len()];
        // Whoever panics while holding it has changed nothing by halves.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = shard.places.get(&key) {
            return Arc::clone(&shard.buckets[*place].1);
        }
        let bucket = Arc::new(Bucket::default());
        shard.insert(key, Arc::clone(&bucket), self.room, quota);
        bucket
    }

    /// How many keys it has a bucket for.
    #[cfg(all(test, not(loom)))]
    fn len(&self) -> usize {
        let lens = self.shards.iter().map(|shard| {
            let shard = shard.lock().expect("not poisoned");
            assert_eq!(shard.places.len(), shard.buckets.len());
            shard.buckets.len()
        });
        lens.sum()
    }
}

impl Shard {
    fn insert(&mut self, key: u64, bucket: Arc<Bucket>, room: usize, quota: &Quota) {
        let place = if self.buckets.len() < room {
            self.buckets.push((key, bucket));
            self.buckets.len() - 1
        } else {
            let place = self.least_to_lose(quota);
            let (forgotten, _) = std::mem::replace(&mut self.buckets[place], (key, bucket));
            self.places.remove(&forgotten);
            place
        };
        self.places.insert(key, place);
    }

    /// The place, among a few, of the bucket that is full the soonest.
    fn least_to_lose(&self, quota: &Quota) -> usize {
        let places = (0..LOOKED_AT).map(|_| fastrand::usize(..self.buckets.len()));
        let full_at = |place: &usize| self.buckets[*place].1.full_at(quota);
        places.min_by_key(full_at).expect("a few are not none")
    }
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

const MOST_SHARDS: usize = 64;

/// With fewer keys in a part, chance would leave some parts full and others empty.
const LEAST_ROOM: usize = 1024;

const LOOKED_AT: usize = 8;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn quota() -> Quota {
        Quota::new(10, Duration::from_secs(1))
    }

    /// Spreads small numbers as hashes are.
    fn key(number: u64) -> u64 {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn key_keeps_its_bucket() {
        let store = Store::new(100_000);

        let first = store.bucket(key(1), &quota());
        let other = store.bucket(key(2), &quota());

        assert!(Arc::ptr_eq(&first, &store.bucket(key(1), &quota())));
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn flood_of_keys_stays_within_the_room() {
        for room in [1, 7, 1_500, 5_000] {
            let store = Store::new(room);

            (0..20_000).for_each(|number| {
                store.bucket(key(number), &quota());
            });

            assert!(store.len() <= room, "{} of {room}", store.len());
            assert!(store.len() * 10 >= room * 9, "{} of {room}", store.len());
        }
    }

    #[test]
    fn flood_does_not_drive_out_who_used_up_its_quota() {
        fastrand::seed(11);
        let store = Store::new(1_000);
        let victim = store.bucket(key(0), &quota());
        while victim.take(&quota(), 0).is_ok() {}

        for number in 1..50_000 {
            let flood = store.bucket(key(number), &quota());
            assert!(flood.take(&quota(), 0).is_ok());
        }

        assert!(Arc::ptr_eq(&victim, &store.bucket(key(0), &quota())));
    }

    proptest! {
        /// Whatever is asked for, in whatever order: the room is never exceeded, and who was
        /// asked for last is there.
        #[test]
        fn room_is_never_exceeded(numbers in vec(0..40_u64, 1..200), room in 1..20_usize) {
            let store = Store::new(room);

            for number in numbers {
                let bucket = store.bucket(key(number), &quota());
                prop_assert!(Arc::ptr_eq(&bucket, &store.bucket(key(number), &quota())));
                prop_assert!(store.len() <= room);
            }
        }
    }
}
