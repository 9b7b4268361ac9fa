//! How deep the keys of a table are.

/// Counts keys by depth, so that only depths that occur are looked up.
#[derive(Clone, Debug, Default)]
pub(super) struct Depths {
    counts: Vec<u32>,
    // Which of the first counts are not 0, so that a look-up need not read them.
    mask: u64,
}

impl Depths {
    /// One more key of this depth.
    pub(super) fn add(&mut self, depth: usize) {
        if self.counts.len() <= depth {
            self.counts.resize(depth + 1, 0);
        }
        self.counts[depth] += 1;
        self.mask |= bit(depth);
    }

    /// One key less of this depth, which was added before.
    pub(super) fn remove(&mut self, depth: usize) {
        if let Some(count) = self.counts.get_mut(depth) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.mask &= !bit(depth);
            }
        }
        while self.counts.last() == Some(&0) {
            self.counts.pop();
        }
    }

    /// Whether there is a key of this depth.
    pub(super) fn has(&self, depth: usize) -> bool {
        match bit(depth) {
            0 => self.counts.get(depth).is_some_and(|count| *count > 0),
            bit => self.mask & bit != 0,
        }
    }

    /// The depths that occur, from `deepest` at most down to 0.
    pub(super) fn up_to(&self, deepest: usize) -> impl Iterator<Item = usize> {
        let end = self.counts.len().min(deepest + 1);

        (0..end).rev().filter(|depth| self.has(*depth))
    }

    /// Whether there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// Nothing for depths that the mask does not tell.
fn bit(depth: usize) -> u64 {
    if depth < 64 { 1 << depth } else { 0 }
}

#[cfg(test)]
mod tests {
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
}
