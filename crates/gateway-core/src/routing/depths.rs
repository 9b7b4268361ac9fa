//! How deep the keys of a table are.

use std::collections::BTreeMap;

/// Counts keys by depth, so that only depths that occur are looked up.
#[derive(Clone, Debug, Default)]
pub(super) struct Depths {
    // Which depths below `DEEP` occur; and, as the last bit, whether others do.
    mask: u64,
    // Most tables are small, and have none.
    more: Option<Box<More>>,
}

/// How many keys of a depth there are besides the one that the mask tells.
#[derive(Clone, Debug, Default)]
struct More {
    counts: BTreeMap<usize, u32>,
}

impl Depths {
    /// One more key of this depth.
    pub(super) fn add(&mut self, depth: usize) {
        if depth < DEEP && !self.has(depth) {
            self.mask |= 1 << depth;
            return;
        }
        let more = self.more.get_or_insert_default();
        *more.counts.entry(depth).or_default() += 1;
        self.mask |= u64::from(depth >= DEEP) << DEEP;
    }

    /// One key less of this depth, which was added before.
    pub(super) fn remove(&mut self, depth: usize) {
        let more = self.more.as_mut();
        match more.and_then(|more| more.counts.get_mut(&depth)) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => self.remove_more(depth),
            None => self.mask &= !(1_u64.checked_shl(depth as u32).unwrap_or(0)),
        }
    }

    /// Whether there is a key of this depth.
    #[inline]
    pub(super) fn has(&self, depth: usize) -> bool {
        self.at_most(depth) == Some(depth)
    }

    /// The depths that occur, from `deepest` at most down to 0.
    #[inline]
    pub(super) fn up_to(&self, deepest: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.at_most(deepest), |depth| {
            self.at_most(depth.checked_sub(1)?)
        })
    }

    /// Whether there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.mask == 0
    }

    /// The deepest that occurs of those up to `depth`.
    #[inline]
    fn at_most(&self, depth: usize) -> Option<usize> {
        if depth >= DEEP && self.mask >> DEEP != 0 {
            return self.deep_at_most(depth);
        }
        // The bits above that of the depth, at least the last one.
        let unwanted = DEEP - depth.min(DEEP - 1);

        (self.mask << unwanted >> unwanted)
            .checked_ilog2()
            .map(|depth| depth as usize)
    }

    #[cold]
    fn deep_at_most(&self, depth: usize) -> Option<usize> {
        let mut deep = self.more.as_ref()?.counts.range(DEEP..=depth);

        match deep.next_back() {
            Some((depth, _)) => Some(*depth),
            None => self.at_most(DEEP - 1),
        }
    }

    fn remove_more(&mut self, depth: usize) {
        let Some(More { counts }) = self.more.as_deref_mut() else {
            return;
        };

        counts.remove(&depth);
        if counts.range(DEEP..).next().is_none() {
            self.mask &= !(1 << DEEP);
        }
        if counts.is_empty() {
            self.more = None;
        }
    }
}

/// The first depth that has no bit of its own.
const DEEP: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_depths_that_occur_are_listed_deepest_first() {
        let mut depths = Depths::default();
        for depth in [1, 4, 4, 2, 70] {
            depths.add(depth);
        }
        depths.remove(2);

        assert_eq!(depths.up_to(9).collect::<Vec<_>>(), [4, 1]);
        assert_eq!(depths.up_to(99).next(), Some(70));
        assert_eq!(depths.up_to(3).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn removing_every_key_empties_it() {
        let mut depths = Depths::default();
        depths.add(3);
        depths.remove(3);

        assert!(depths.is_empty());
    }

    proptest! {
        /// It lists what is left of a plain list of depths.
        #[test]
        fn agrees_with_a_list(
            edits in prop::collection::vec((prop_oneof![0..4usize, 61..67usize], any::<bool>()), 0..40),
            deepest in prop_oneof![0..4usize, 60..70usize],
        ) {
            let (mut depths, mut list) = (Depths::default(), Vec::new());
            for (depth, is_added) in edits {
                let place = list.iter().position(|it| *it == depth);
                match (is_added, place) {
                    (true, _) => {
                        depths.add(depth);
                        list.push(depth);
                    }
                    (false, Some(place)) => {
                        depths.remove(depth);
                        list.remove(place);
                    }
                    (false, None) => {}
                }
            }
            list.sort_by(|a, b| b.cmp(a));
            list.dedup();

            prop_assert_eq!(depths.is_empty(), list.is_empty());
            for depth in 0..70 {
                prop_assert_eq!(depths.has(depth), list.contains(&depth));
            }
            list.retain(|depth| *depth <= deepest);
            prop_assert_eq!(depths.up_to(deepest).collect::<Vec<_>>(), list);
        }
    }
}
