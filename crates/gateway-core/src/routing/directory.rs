//! The values of a large hash table, and where each of them is.

use std::fmt;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use super::shared::{Change, Keyed};

/// Values in groups, a few in each, told apart within a group by one byte of their
/// hashes. A look-up reads its group, which is small, so that those of thousands of
/// values stay in the nearest caches, and of the values mostly the one it finds.
///
/// The values of neighbouring groups lie together in a part. Parts are what copies
/// share.
#[derive(Clone)]
pub(super) struct Directory<V> {
    // As many as a power of two, and whole parts of them.
    groups: Vec<Group>,
    parts: Vec<Arc<[V]>>,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Group {
    // Of its first values.
    tags: [u8; TAGS],
    // Where its values are in their part.
    start: u32,
    len: u32,
}

impl<V: Keyed> Directory<V> {
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&V> {
        let place = group_of(hash, self.groups.len());
        let group = self.groups.get(place)?;
        let values = self.parts.get(place / PART_GROUPS)?.get(group.range())?;

        let mut hits = group.hits(hash);
        while hits != 0 {
            let hit = values.get(hits.trailing_zeros() as usize / 8);
            if let Some(value) = hit.filter(|value| value.key() == key) {
                return Some(value);
            }
            hits &= hits - 1;
        }
        values.get(TAGS..)?.iter().find(|value| value.key() == key)
    }
}

impl<V: Keyed + Clone> Directory<V> {
    /// Of values that have different keys.
    pub(super) fn new(values: Vec<V>, hash: &impl Fn(&[u8]) -> u64) -> Self {
        let groups = values.len().div_ceil(GROUP_LEN).next_power_of_two();
        let parts = groups.div_ceil(PART_GROUPS);
        let empty = Self {
            groups: vec![Group::default(); parts * PART_GROUPS],
            parts: vec![Arc::default(); parts],
            len: 0,
        };

        empty.edited(values.into_iter().map(Change::Put).collect(), hash)
    }

    /// With every change made, of which there is one at most for a key.
    pub(super) fn edited(&self, changes: Vec<Change<'_, V>>, hash: &impl Fn(&[u8]) -> u64) -> Self {
        let hashed = changes.into_iter().map(|change| {
            let hash = hash(change.key());
            (group_of(hash, self.groups.len()), change)
        });
        let mut hashed: Vec<_> = hashed.collect();
        hashed.sort_unstable_by_key(|(group, _)| *group);

        let mut edited = self.clone();
        let mut changes = hashed.into_iter().peekable();
        while let Some((group, _)) = changes.peek() {
            edited.rebuild(group / PART_GROUPS, &mut changes, hash);
        }
        edited
    }

    /// Takes the changes of one part from the `changes`, which are in the order of
    /// their groups.
    fn rebuild<'k>(
        &mut self,
        part: usize,
        changes: &mut Peekable<impl Iterator<Item = (usize, Change<'k, V>)>>,
        hash: &impl Fn(&[u8]) -> u64,
    ) where
        V: 'k,
    {
        let old = &self.parts[part];
        let mut values = Vec::with_capacity(old.len() + 1);

        for place in part * PART_GROUPS..(part + 1) * PART_GROUPS {
            let group = &mut self.groups[place];
            let kept = &old[group.range()];
            group.start = values.len() as u32;
            if changes.peek().is_none_or(|(first, _)| *first != place) {
                values.extend_from_slice(kept);
                continue;
            }

            let mut own = Vec::new();
            while let Some((_, change)) = changes.next_if(|(group, _)| *group == place) {
                own.push(change);
            }
            let is_kept = |value: &&V| own.iter().all(|change| change.key() != value.key());
            values.extend(kept.iter().filter(is_kept).cloned());
            values.extend(own.into_iter().filter_map(Change::value));

            let values = &values[group.start as usize..];
            *group = Group::new(group.start, values.iter().map(|value| hash(value.key())));
        }

        self.len = self.len - old.len() + values.len();
        self.parts[part] = values.into();
    }
}

impl<V> Directory<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether there are as many groups as there should be.
    pub(super) fn fits(&self) -> bool {
        let groups = self.groups.len();

        self.len <= groups * GROUP_LEN && (self.len * 4 >= groups || groups == PART_GROUPS)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    #[cfg(test)]
    pub(super) fn parts(&self) -> &[Arc<[V]>] {
        &self.parts
    }
}

impl<V> fmt::Debug for Directory<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("groups", &self.groups.len())
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Group {
    fn new(start: u32, hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let len = hashes.len() as u32;
        let mut tags = [0; TAGS];
        for (tag, hash) in tags.iter_mut().zip(hashes) {
            *tag = tag_of(hash);
        }

        Self { tags, start, len }
    }

    #[inline]
    fn range(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }

    /// The highest bit of every byte whose tag is that of `hash`, and of a few more.
    #[inline]
    fn hits(&self, hash: u64) -> u64 {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);

        let different = u64::from_le_bytes(self.tags) ^ (ONES * u64::from(tag_of(hash)));
        different.wrapping_sub(ONES) & !different & (ONES << 7)
    }
}

/// Of as many groups as a power of two.
fn group_of(hash: u64, groups: usize) -> usize {
    hash as usize & groups.wrapping_sub(1)
}

/// Of bits that do not choose the group.
fn tag_of(hash: u64) -> u8 {
    (hash >> 56) as u8
}

/// How many values of a group are told apart without reading them.
const TAGS: usize = 8;

/// How many values a group has on average before there are more groups. Few groups
/// are then larger than their tags.
const GROUP_LEN: usize = 5;

/// How many groups have their values in one part. An edit copies one part, and
/// pointers to the others.
const PART_GROUPS: usize = 16;
