//! A hash table whose copies share what was not edited.

use std::sync::Arc;

use super::directory::Directory;

/// A hash table of values that know their keys. Copies share the values: editing a
/// copy copies those that happen to be near the key. Whoever uses the table says how
/// keys are hashed.
#[derive(Clone, Debug)]
pub(super) enum SharedTable<V> {
    /// So few that each is looked at.
    Few(Arc<[V]>),
    Many(Box<Directory<V>>),
}

/// What is found by a key.
pub(super) trait Keyed {
    fn key(&self) -> &[u8];
}

/// What becomes of a key.
pub(super) enum Change<'k, V> {
    Put(V),
    Remove(&'k [u8]),
}

impl<V: Keyed> SharedTable<V> {
    /// The value of a key, whose `hash` is asked for where it is needed.
    #[inline]
    pub(super) fn find(&self, hash: impl FnOnce() -> u64, key: &[u8]) -> Option<&V> {
        #[cfg(test)]
        super::tests::note_probe();

        match self {
            Self::Few(values) => values.iter().find(|value| value.key() == key),
            Self::Many(directory) => directory.find(hash(), key),
        }
    }
}

impl<V: Keyed + Clone> SharedTable<V> {
    /// Makes every change, of which there is one at most for a key.
    pub(super) fn edit(&mut self, changes: Vec<Change<'_, V>>, hash: impl Fn(&[u8]) -> u64) {
        if changes.is_empty() {
            return;
        }
        let values: Vec<_> = match self {
            Self::Few(values) => {
                let is_kept = |value: &&V| changes.iter().all(|it| it.key() != value.key());
                let kept: Vec<_> = values.iter().filter(is_kept).cloned().collect();
                let new = changes.into_iter().filter_map(Change::value);

                kept.into_iter().chain(new).collect()
            }
            Self::Many(directory) => {
                let edited = directory.edited(changes, &hash);
                if edited.fits() && edited.len() > A_FEW {
                    **directory = edited;
                    return;
                }
                edited.values().cloned().collect()
            }
        };

        *self = if values.len() > A_FEW {
            Self::Many(Box::new(Directory::new(values, &hash)))
        } else {
            Self::Few(values.into())
        };
    }
}

impl<V> SharedTable<V> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(values) => values.len(),
            Self::Many(directory) => directory.len(),
        }
    }
}

impl<V> Default for SharedTable<V> {
    fn default() -> Self {
        Self::Few(Arc::default())
    }
}

impl<V: Keyed> Change<'_, V> {
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Put(value) => value.key(),
            Self::Remove(key) => key,
        }
    }

    /// The new value.
    pub(super) fn value(self) -> Option<V> {
        match self {
            Self::Put(value) => Some(value),
            Self::Remove(_) => None,
        }
    }
}

/// As many values are compared one after the other.
const A_FEW: usize = 4;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::BuildHasher;

    use foldhash::fast::FixedState;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Pair([u8; 2], u16);

    impl Keyed for Pair {
        fn key(&self) -> &[u8] {
            &self.0
        }
    }

    /// A hash that is often the same for different keys.
    fn poor_hash(key: &[u8]) -> u64 {
        let few = u64::from(key[0] % 8);

        few << 56 | u64::from(key[1] % 2)
    }

    fn good_hash(key: &[u8]) -> u64 {
        FixedState::default().hash_one(key)
    }

    fn find(table: &SharedTable<Pair>, key: u16, hash: fn(&[u8]) -> u64) -> Option<u16> {
        let key = key.to_le_bytes();

        table.find(|| hash(&key), &key).map(|pair| pair.1)
    }

    #[test]
    fn an_edit_leaves_the_other_parts_shared() {
        let put = |key: u16, value| Change::Put(Pair(key.to_le_bytes(), value));
        let mut before = SharedTable::default();
        before.edit((0..1000).map(|key| put(key, 0)).collect(), good_hash);

        let mut after = before.clone();
        after.edit(vec![put(7, 1)], good_hash);

        let (SharedTable::Many(old), SharedTable::Many(new)) = (&before, &after) else {
            panic!("a thousand are many");
        };
        let pairs = old.parts().iter().zip(new.parts());
        assert_eq!(pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count(), 1);
        assert_eq!(find(&before, 7, good_hash), Some(0));
        assert_eq!(find(&after, 7, good_hash), Some(1));
    }

    /// Batches of changes to a few hundred keys.
    fn batches() -> impl Strategy<Value = Vec<BTreeMap<u16, Option<u16>>>> {
        let some = prop::collection::btree_map(0u16..300, any::<Option<u16>>(), 0..6);
        let none = prop::collection::btree_map(0u16..300, Just(None), 0..300);
        let many = prop::collection::btree_map(0u16..300, any::<Option<u16>>(), 0..300);

        prop::collection::vec(prop_oneof![3 => some, 1 => none, 1 => many], 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// It holds what an ordinary map holds, and copies do not see later edits.
        #[test]
        fn agrees_with_a_map(batches in batches(), is_poor in any::<bool>()) {
            let hash = if is_poor { poor_hash } else { good_hash };
            let mut states = vec![(SharedTable::default(), BTreeMap::new())];

            for batch in batches {
                let (mut table, mut map) = states[states.len() - 1].clone();
                let keys: Vec<_> = batch.iter().map(|(key, value)| (key.to_le_bytes(), value)).collect();
                let changes = keys.iter().map(|(key, value)| match value {
                    Some(value) => Change::Put(Pair(*key, *value)),
                    None => Change::Remove(key),
                });
                table.edit(changes.collect(), hash);
                map.extend(batch);
                map.retain(|_, value: &mut Option<u16>| value.is_some());
                states.push((table, map));
            }

            for (table, map) in states {
                prop_assert_eq!(table.len(), map.len());
                for key in 0..300 {
                    prop_assert_eq!(find(&table, key, hash), map.get(&key).copied().flatten());
                }
            }
        }
    }
}
