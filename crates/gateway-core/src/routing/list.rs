//! A list whose copies share what was not edited.

use std::sync::Arc;

/// A list in chunks. Replacing its middle copies pointers to the chunks before and
/// after, and the values of the chunks that the middle touches.
#[derive(Clone, Debug)]
pub(super) struct SharedList<V> {
    chunks: Vec<Arc<[V]>>,
    len: usize,
}

impl<V: Clone> SharedList<V> {
    /// The values in their order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first `head` values, then `middle`, then the last `tail` values.
    pub(super) fn spliced(&self, head: usize, middle: &[V], tail: usize) -> Self {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut edited = Vec::with_capacity(middle.len() + 2 * CHUNK_LEN);

        let mut left = head;
        for chunk in &self.chunks {
            if chunk.len() > left {
                edited.extend_from_slice(&chunk[..left]);
                break;
            }
            left -= chunk.len();
            before.push(Arc::clone(chunk));
        }
        edited.extend_from_slice(middle);

        let mut left = tail;
        for chunk in self.chunks.iter().rev() {
            if chunk.len() > left {
                edited.extend_from_slice(&chunk[chunk.len() - left..]);
                break;
            }
            left -= chunk.len();
            after.push(Arc::clone(chunk));
        }

        before.extend(edited.chunks(CHUNK_LEN).map(Arc::from));
        before.extend(after.into_iter().rev());
        Self {
            chunks: before,
            len: head + middle.len() + tail,
        }
    }
}

impl<V> Default for SharedList<V> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

/// How many values a new chunk has.
const CHUNK_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_edit_leaves_the_other_chunks_shared() {
        let before = SharedList::default().spliced(0, &(0..1_000).collect::<Vec<_>>(), 0);

        let after = before.spliced(500, &[-1], 499);

        let is_shared = |chunk| before.chunks.iter().any(|other| Arc::ptr_eq(chunk, other));
        assert_eq!(
            after
                .chunks
                .iter()
                .filter(|chunk| !is_shared(chunk))
                .count(),
            1
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// It holds what an ordinary list holds.
        #[test]
        fn agrees_with_a_list(
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..90, 0usize..200), 0..12),
        ) {
            let (mut shared, mut list) = (SharedList::default(), Vec::new());

            for (number, (at, gone, more)) in edits.into_iter().enumerate() {
                let head = at.index(list.len() + 1);
                let tail = (list.len() - head).saturating_sub(gone);
                let middle = vec![number; more];
                shared = shared.spliced(head, &middle, tail);
                list.splice(head..list.len() - tail, middle);

                prop_assert!(shared.iter().eq(&list));
                prop_assert!(shared.iter().rev().eq(list.iter().rev()));
                prop_assert_eq!(shared.len(), list.len());
            }
        }
    }
}
