//! The keys under which a path may be found.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use super::depths::Depths;

/// A path with the hashes of itself and of its leading segments, made in one pass.
///
/// The prefix of depth `d` is what stands before slash number `d`, counted from
/// 0; the deepest is the whole path. So every prefix that can match has its own
/// depth, and its key is compared once.
#[derive(Debug)]
pub(super) struct PathKeys<'a> {
    path: &'a str,
    seed: &'a RandomState,
    early: [Key; EARLY],
    whole: Key,
    depth: usize,
}

/// A leading part of a path.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Key {
    /// Where it ends.
    pub(super) end: usize,
    /// Its hash.
    pub(super) hash: u64,
}

impl<'a> PathKeys<'a> {
    pub(super) fn new(path: &'a str, seed: &'a RandomState) -> Self {
        let mut early = [Key::default(); EARLY];
        let mut whole = Key::default();
        let mut depth = 0;

        each_boundary(path.as_bytes(), seed, |index, key| {
            if let Some(place) = early.get_mut(index) {
                *place = key;
            }
            (whole, depth) = (key, index);
        });

        Self {
            path,
            seed,
            early,
            whole,
            depth,
        }
    }

    /// The path itself.
    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// The key of the whole path.
    pub(super) fn whole(&self) -> Key {
        self.whole
    }

    /// How deep the whole path is.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The keys to look prefixes up with, the longest first, of those depths that
    /// occur.
    pub(super) fn prefixes(&self, depths: &Depths) -> impl Iterator<Item = Key> {
        depths
            .up_to(self.depth)
            .map(|depth| match self.early.get(depth) {
                Some(key) => *key,
                None => self.late(depth),
            })
    }

    /// A key that was not kept.
    #[cold]
    fn late(&self, depth: usize) -> Key {
        let mut found = Key::default();
        each_boundary(self.path.as_bytes(), self.seed, |index, key| {
            if index == depth {
                found = key;
            }
        });

        found
    }
}

/// The hash of a whole path, as its [`PathKeys`] have it.
pub(super) fn hash(path: &[u8], seed: &RandomState) -> u64 {
    let mut whole = Key::default();
    each_boundary(path, seed, |_, key| whole = key);

    whole.hash
}

/// Tells `visit` the ends of the leading segments of `path`, the shortest first, and
/// the whole path in the end, with their depths.
#[inline]
fn each_boundary(path: &[u8], seed: &RandomState, mut visit: impl FnMut(usize, Key)) {
    let mut hasher = seed.build_hasher();
    let (mut start, mut depth) = (0, 0);
    let mut hash_to = |start: usize, end: usize| {
        // Nothing stands before the first slash of most paths.
        if start != end {
            hasher.write(&path[start..end]);
        }
        let hash = hasher.finish();
        Key { end, hash }
    };

    for (place, byte) in path.iter().enumerate() {
        if *byte == b'/' {
            visit(depth, hash_to(start, place));
            (start, depth) = (place, depth + 1);
        }
    }
    visit(depth, hash_to(start, path.len()));
}

/// Keys that are kept; those of deeper prefixes are made again when a table has
/// prefixes that deep.
const EARLY: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::PathMatch;

    fn depths(of: &[usize]) -> Depths {
        let mut depths = Depths::default();
        for depth in of {
            depths.add(*depth);
        }
        depths
    }

    fn prefixes<'a>(path: &'a str, of: &[usize]) -> Vec<&'a str> {
        let seed = RandomState::default();

        PathKeys::new(path, &seed)
            .prefixes(&depths(of))
            .map(|key| &path[..key.end])
            .collect()
    }

    #[test]
    fn prefixes_come_longest_first() {
        assert_eq!(prefixes("/a/b", &[0, 1, 2, 3]), ["/a/b", "/a", ""]);
        assert_eq!(prefixes("/a/", &[0, 1, 2]), ["/a/", "/a", ""]);
        assert_eq!(prefixes("", &[0, 1]), [""]);
        assert_eq!(prefixes("*", &[0, 1]), ["*"]);
    }

    #[test]
    fn depths_that_do_not_occur_are_not_looked_up() {
        assert_eq!(prefixes("/a/b/c/d/e", &[0, 2]), ["/a/b", ""]);
    }

    #[test]
    fn very_deep_prefixes_have_keys_too() {
        let deep = "/x".repeat(40);
        let seed = RandomState::default();
        let found: Vec<_> = PathKeys::new(&deep, &seed)
            .prefixes(&depths(&[35]))
            .collect();

        assert_eq!(found, [PathKeys::new(&deep[..70], &seed).whole()]);
    }

    proptest! {
        /// A prefix matches a path exactly when its own key is among the path's.
        #[test]
        fn keys_agree_with_matching(path in "[/a]{0,30}", prefix in "[/a]{0,8}") {
            let seed = RandomState::default();
            let own = PathKeys::new(&prefix, &seed);
            let found = PathKeys::new(&path, &seed)
                .prefixes(&depths(&[own.depth()]))
                .any(|key| key.hash == own.whole().hash && path[..key.end] == prefix);

            prop_assert_eq!(found, PathMatch::Prefix(prefix.as_str().into()).matches(&path));
        }
    }
}
