//! A hash table whose copies share what was not edited.

use std::sync::Arc;

/// A hash table in small parts, each searched from its start: few places of memory
/// are read to find a value. Copying the table copies pointers to the parts;
/// editing a copy copies the one part that the key falls into. Keys live in the
/// values, and whoever uses the table computes the hashes.
#[derive(Clone, Debug)]
pub(super) struct SharedTable<V> {
    // None, or a power of two.
    parts: Vec<Arc<[Slot<V>]>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    hash: u64,
    value: V,
}

impl<V: Clone> SharedTable<V> {
    /// The value of that hash for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&V) -> bool) -> Option<&V> {
        #[cfg(test)]
        super::tests::note_probe();

        self.parts
            .get(part_of(hash, self.parts.len()))?
            .iter()
            .find(|slot| slot.hash == hash && is_it(&slot.value))
            .map(|slot| &slot.value)
    }

    /// Adds `value`, or replaces the one for which `is_it` holds.
    pub(super) fn put(&mut self, hash: u64, value: V, is_it: impl Fn(&V) -> bool) {
        if self.len >= self.parts.len() * PART_LEN {
            self.grow();
        }
        self.replace(hash, Some(value), is_it);
    }

    /// Removes the value for which `is_it` holds.
    pub(super) fn remove(&mut self, hash: u64, is_it: impl Fn(&V) -> bool) {
        self.replace(hash, None, is_it);
        if self.len == 0 {
            *self = Self::default();
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn replace(&mut self, hash: u64, value: Option<V>, is_it: impl Fn(&V) -> bool) {
        let index = part_of(hash, self.parts.len());
        let Some(part) = self.parts.get_mut(index) else {
            return;
        };
        let others = part
            .iter()
            .filter(|slot| slot.hash != hash || !is_it(&slot.value));
        let new = value.map(|value| Slot { hash, value });
        let edited: Arc<[_]> = others.cloned().chain(new).collect();

        self.len = self.len - part.len() + edited.len();
        *part = edited;
    }

    fn grow(&mut self) {
        let count = (self.parts.len() * 2).max(1);
        let mut parts = vec![Vec::new(); count];

        for slot in self.parts.iter().flat_map(|part| part.iter()) {
            parts[part_of(slot.hash, count)].push(slot.clone());
        }
        self.parts = parts.into_iter().map(Arc::from).collect();
    }
}

impl<V> Default for SharedTable<V> {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            len: 0,
        }
    }
}

fn part_of(hash: u64, parts: usize) -> usize {
    hash as usize & parts.wrapping_sub(1)
}

/// How many values a part has on average before there are more parts.
const PART_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use foldhash::fast::FixedState;
    use proptest::prelude::*;

    use super::*;

    fn hash(key: u16) -> u64 {
        std::hash::BuildHasher::hash_one(&FixedState::default(), key)
    }

    fn find(table: &SharedTable<(u16, u16)>, key: u16) -> Option<u16> {
        table
            .find(hash(key), |pair| pair.0 == key)
            .map(|pair| pair.1)
    }

    #[test]
    fn an_edit_leaves_the_other_parts_shared() {
        let mut before = SharedTable::default();
        for key in 0..1000 {
            before.put(hash(key), (key, 0), |pair| pair.0 == key);
        }

        let mut after = before.clone();
        after.put(hash(7), (7, 1), |pair| pair.0 == 7);

        let pairs = before.parts.iter().zip(&after.parts);
        assert_eq!(pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count(), 1);
        assert_eq!((find(&before, 7), find(&after, 7)), (Some(0), Some(1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// It holds what an ordinary map holds, and copies do not see later edits.
        #[test]
        fn agrees_with_a_map(edits in prop::collection::vec((0u16..300, any::<Option<u16>>()), 0..600)) {
            let (mut table, mut map) = (SharedTable::default(), HashMap::new());
            let (first, second) = edits.split_at(edits.len() / 2);
            let mut apply = |table: &mut SharedTable<(u16, u16)>, edits: &[(u16, Option<u16>)]| {
                for &(key, value) in edits {
                    match value {
                        Some(value) => {
                            table.put(hash(key), (key, value), |pair| pair.0 == key);
                            map.insert(key, value);
                        }
                        None => {
                            table.remove(hash(key), |pair| pair.0 == key);
                            map.remove(&key);
                        }
                    }
                }
                map.clone()
            };

            let before = apply(&mut table, first);
            let copy = table.clone();
            let after = apply(&mut table, second);

            prop_assert_eq!((copy.len(), table.len()), (before.len(), after.len()));
            for key in 0..300 {
                prop_assert_eq!(find(&copy, key), before.get(&key).copied());
                prop_assert_eq!(find(&table, key), after.get(&key).copied());
            }
        }
    }
}
