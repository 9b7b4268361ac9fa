//! Values in order, of which copies share what was not edited.

use std::cmp::Ordering;
use std::sync::Arc;

/// What can be kept in a [`Sorted`]: it says itself where it belongs, and is cheap
/// to clone.
pub(crate) trait Entry: Clone {
    /// How the two stand to each other. Of equal ones there is one in a list.
    fn order(&self, other: &Self) -> Ordering;

    /// Whether both are the same allocation, so that nothing need be compared.
    fn is_same(&self, other: &Self) -> bool;
}

/// A list in order, in chunks.
///
/// A clone costs nothing, an edit of a shared list a copy of one chunk and of the
/// pointers to the others. What was edited between two lists is found without
/// looking into the chunks that they share.
#[derive(Debug)]
pub(crate) struct Sorted<V> {
    // None is empty.
    chunks: Arc<Vec<Arc<Vec<V>>>>,
    len: usize,
}

/// What is different between two lists: at least one of the two is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit<'a, V> {
    pub(crate) before: Option<&'a V>,
    pub(crate) now: Option<&'a V>,
}

impl<V> Sorted<V> {
    /// Every value, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The value for which `order`, which tells how a value stands to the one that
    /// is looked for, says that it is equal.
    pub(crate) fn get(&self, order: impl Fn(&V) -> Ordering) -> Option<&V> {
        let (chunk, found) = self.find(order);
        self.chunks.get(chunk)?.get(found.ok()?)
    }

    /// The values from the first on that `order` does not call less.
    pub(crate) fn from<F: Fn(&V) -> Ordering>(
        &self,
        order: F,
    ) -> impl Iterator<Item = &V> + use<'_, V, F> {
        let (chunk, found) = self.find(order);
        let (Ok(skip) | Err(skip)) = found;
        let rest = self.chunks.get(chunk..).unwrap_or_default();
        rest.iter().flat_map(|chunk| chunk.iter()).skip(skip)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether neither was edited since one was cloned from the other.
    pub(crate) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chunks, &other.chunks)
    }

    /// The chunk where a value is or belongs, and its place there. The chunk is one
    /// behind the last for what is greater than everything.
    fn find(&self, order: impl Fn(&V) -> Ordering) -> (usize, Result<usize, usize>) {
        let is_before = |chunk: &Arc<Vec<V>>| {
            chunk
                .last()
                .is_some_and(|last| order(last) == Ordering::Less)
        };
        let chunk = self.chunks.partition_point(is_before);
        let place = self
            .chunks
            .get(chunk)
            .map_or(Err(0), |chunk| chunk.binary_search_by(&order));
        (chunk, place)
    }
}

impl<V: Entry> Sorted<V> {
    /// Puts a value in, and returns the equal one that was there. Putting in the
    /// very same again is no edit.
    pub(crate) fn insert(&mut self, value: V) -> Option<V> {
        let (chunk, place) = self.find(|other| other.order(&value));
        if let Ok(place) = place
            && self.chunks[chunk][place].is_same(&value)
        {
            return Some(value);
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        match place {
            Ok(place) => {
                let known = &mut Arc::make_mut(&mut chunks[chunk])[place];
                return Some(std::mem::replace(known, value));
            }
            Err(_) if chunk == chunks.len() => append(chunks, value),
            Err(place) => put(chunks, chunk, place, value),
        }
        self.len += 1;
        None
    }

    /// Takes the value out for which `order` says that it is equal.
    pub(crate) fn remove(&mut self, order: impl Fn(&V) -> Ordering) -> Option<V> {
        let (chunk, place) = self.find(order);
        let place = place.ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let values = Arc::make_mut(&mut chunks[chunk]);
        let removed = values.remove(place);
        if values.is_empty() {
            chunks.remove(chunk);
        } else if chunks.get(chunk + 1).map_or(CHUNK_LEN, |next| next.len()) + chunks[chunk].len()
            < CHUNK_LEN / 2
        {
            let next = chunks.remove(chunk + 1);
            Arc::make_mut(&mut chunks[chunk]).extend(next.iter().cloned());
        }
        self.len -= 1;
        Some(removed)
    }

    /// Everything that is different from `before`, in order.
    pub(crate) fn edits<'a>(&'a self, before: &'a Self) -> Vec<Edit<'a, V>> {
        let mut edits = Vec::new();
        if self.same(before) {
            return edits;
        }
        let (mut old, mut new) = (Cursor::at(&before.chunks), Cursor::at(&self.chunks));
        loop {
            if old.skip_shared(&mut new) {
                continue;
            }
            let edit = match (old.value(), new.value()) {
                (None, None) => return edits,
                (before @ Some(one), now @ Some(other)) => match one.order(other) {
                    Ordering::Less => Edit { before, now: None },
                    Ordering::Equal => Edit { before, now },
                    Ordering::Greater => Edit { before: None, now },
                },
                (before, now) => Edit { before, now },
            };
            if edit.before.is_some() {
                old.step();
            }
            if edit.now.is_some() {
                new.step();
            }
            let is_same = |one: &V| edit.now.is_some_and(|now| one.is_same(now));
            if !edit.before.is_some_and(is_same) {
                edits.push(edit);
            }
        }
    }
}

/// The place in a list that was reached.
struct Cursor<'a, V> {
    chunks: &'a [Arc<Vec<V>>],
    place: usize,
}

impl<'a, V> Cursor<'a, V> {
    fn at(chunks: &'a [Arc<Vec<V>>]) -> Self {
        Self { chunks, place: 0 }
    }

    fn value(&self) -> Option<&'a V> {
        self.chunks.first()?.get(self.place)
    }

    fn step(&mut self) {
        self.place += 1;
        if self
            .chunks
            .first()
            .is_some_and(|chunk| chunk.len() == self.place)
        {
            *self = Self::at(&self.chunks[1..]);
        }
    }

    /// Goes past a chunk if both have just come to the same.
    fn skip_shared(&mut self, other: &mut Self) -> bool {
        match (self.chunks, other.chunks) {
            ([one, rest @ ..], [two, others @ ..])
                if self.place + other.place == 0 && Arc::ptr_eq(one, two) =>
            {
                (*self, *other) = (Self::at(rest), Self::at(others));
                true
            }
            _ => false,
        }
    }
}

/// Puts a value behind all others. What comes in order fills its chunks.
fn append<V: Clone>(chunks: &mut Vec<Arc<Vec<V>>>, value: V) {
    match chunks.last_mut() {
        Some(last) if last.len() < CHUNK_LEN => Arc::make_mut(last).push(value),
        _ => chunks.push(Arc::new(vec![value])),
    }
}

fn put<V: Clone>(chunks: &mut Vec<Arc<Vec<V>>>, chunk: usize, place: usize, value: V) {
    let values = Arc::make_mut(&mut chunks[chunk]);
    values.insert(place, value);
    if values.len() > CHUNK_LEN {
        let upper = values.split_off(CHUNK_LEN / 2);
        values.shrink_to_fit();
        chunks.insert(chunk + 1, Arc::new(upper));
    }
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self {
            chunks: Arc::default(),
            len: 0,
        }
    }
}

impl<V> Clone for Sorted<V> {
    fn clone(&self) -> Self {
        Self {
            chunks: Arc::clone(&self.chunks),
            len: self.len,
        }
    }
}

impl<V: PartialEq> PartialEq for Sorted<V> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<V: Eq> Eq for Sorted<V> {}

const CHUNK_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A number with a text that can be another allocation.
    type Named = Arc<(u16, u8)>;

    impl Entry for Named {
        fn order(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }

        fn is_same(&self, other: &Self) -> bool {
            Arc::ptr_eq(self, other)
        }
    }

    fn edited(list: &mut Sorted<Named>, map: &mut BTreeMap<u16, u8>, edits: &[(u16, Option<u8>)]) {
        for (key, value) in edits {
            let (was, expected) = match value {
                Some(value) => (
                    list.insert(Arc::new((*key, *value))),
                    map.insert(*key, *value),
                ),
                None => (list.remove(|entry| entry.0.cmp(key)), map.remove(key)),
            };
            assert_eq!(was.map(|entry| entry.1), expected);
        }
    }

    fn steps(most: usize) -> impl Strategy<Value = Vec<(u16, Option<u8>)>> {
        let value = prop_oneof![3 => any::<u8>().prop_map(Some), 2 => Just(None)];
        prop::collection::vec((0..500u16, value), 0..most)
    }

    #[test]
    fn an_edit_leaves_the_other_chunks_shared() {
        let mut list = Sorted::default();
        (0..1_000).for_each(|key| drop(list.insert(Arc::new((key, 0)))));
        let before = list.clone();

        list.insert(Arc::new((500, 1)));

        let chunks = before.chunks.iter().zip(list.chunks.iter());
        let copied = chunks.filter(|(one, other)| !Arc::ptr_eq(one, other));
        assert_eq!(copied.count(), 1);
        assert_eq!(list.edits(&before).len(), 1);
    }

    #[test]
    fn putting_in_the_same_is_no_edit() {
        let mut list = Sorted::default();
        let value = Arc::new((1, 0));
        list.insert(Arc::clone(&value));
        let before = list.clone();

        list.insert(value);

        assert!(list.same(&before));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// It holds what an ordinary map holds, and so does what it was cloned from;
        /// between the two, exactly what differs is found.
        #[test]
        fn agrees_with_a_map(first in steps(1_000), second in steps(60)) {
            let (mut list, mut map) = (Sorted::default(), BTreeMap::new());
            edited(&mut list, &mut map, &first);
            let (before, known) = (list.clone(), map.clone());
            edited(&mut list, &mut map, &second);

            for (list, map) in [(&before, &known), (&list, &map)] {
                prop_assert!(list.iter().map(|entry| **entry).eq(map.iter().map(|(k, v)| (*k, *v))));
                prop_assert_eq!((list.len(), list.is_empty()), (map.len(), map.is_empty()));
                prop_assert!(list.chunks.iter().all(|chunk| (1..=CHUNK_LEN).contains(&chunk.len())));
                for key in 0..500 {
                    prop_assert_eq!(list.get(|entry| entry.0.cmp(&key)).map(|entry| entry.1), map.get(&key).copied());
                }
                let tail = list.from(|entry| entry.0.cmp(&250)).map(|entry| entry.0);
                prop_assert!(tail.eq(map.range(250..).map(|(key, _)| *key)));
            }
            let mut replayed = known;
            for Edit { before, now } in list.edits(&before) {
                prop_assert!(before.is_none_or(|before| now.is_none_or(|now| !Arc::ptr_eq(before, now))));
                let was = match now {
                    Some(now) => replayed.insert(now.0, now.1),
                    None => before.and_then(|before| replayed.remove(&before.0)),
                };
                prop_assert_eq!(was, before.map(|before| before.1));
            }
            prop_assert_eq!(replayed, map);
        }
    }
}
