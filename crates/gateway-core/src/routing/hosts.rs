//! Finding things by hostname.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::depths::Depths;
use super::shared::SharedTable;
use crate::model::Hostname;

/// One value for each hostname, and one for all others.
#[derive(Clone, Debug)]
pub(super) struct HostIndex<V> {
    exact: SharedTable<(Hostname, V)>,
    wildcard: SharedTable<(Hostname, V)>,
    // The dots in the wildcards' suffixes.
    depths: Depths,
    any: Option<V>,
    seed: RandomState,
}

impl<V: Clone> HostIndex<V> {
    pub(super) fn new(seed: RandomState) -> Self {
        Self {
            exact: SharedTable::default(),
            wildcard: SharedTable::default(),
            depths: Depths::default(),
            any: None,
            seed,
        }
    }

    /// The values whose hostnames mean `host`, the most specific first.
    #[inline]
    pub(super) fn matching<'a>(&'a self, host: &str) -> impl Iterator<Item = &'a V> {
        self.find_exact(host)
            .into_iter()
            .chain(self.find_wildcards(host))
            .chain(self.any.as_ref())
    }

    /// The value of a hostname; `None` stands for all others.
    pub(super) fn get(&self, name: Option<&Hostname>) -> Option<&V> {
        let Some(name) = name else {
            return self.any.as_ref();
        };
        let (table, hash) = match name.wildcard_suffix() {
            Some(suffix) => (&self.wildcard, self.seed.hash_one(suffix)),
            None => (&self.exact, self.seed.hash_one(name.as_str())),
        };

        table
            .find(hash, |(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// Sets or removes the value of a hostname.
    pub(super) fn set(&mut self, name: Option<&Hostname>, value: Option<V>) {
        let Some(name) = name else {
            self.any = value;
            return;
        };
        let is_new = self.get(Some(name)).is_none();
        let is_it = |pair: &(Hostname, V)| pair.0 == *name;
        let (table, hash) = match name.wildcard_suffix() {
            Some(suffix) => {
                let depth = dots(suffix);
                match (is_new, value.is_some()) {
                    (true, true) => self.depths.add(depth),
                    (false, false) => self.depths.remove(depth),
                    (true, false) | (false, true) => {}
                }
                (&mut self.wildcard, self.seed.hash_one(suffix))
            }
            None => (&mut self.exact, self.seed.hash_one(name.as_str())),
        };

        match value {
            Some(value) => table.put(hash, (name.clone(), value), is_it),
            None => table.remove(hash, is_it),
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.exact.len() + self.wildcard.len() + usize::from(self.any.is_some())
    }

    fn find_exact(&self, host: &str) -> Option<&V> {
        if self.exact.len() == 0 {
            return None;
        }
        self.exact
            .find(self.seed.hash_one(host), |(name, _)| name.as_str() == host)
            .map(|(_, value)| value)
    }

    fn find_wildcards<'a>(&'a self, host: &str) -> impl Iterator<Item = &'a V> {
        wildcard_suffixes(host, &self.depths).filter_map(|suffix| {
            self.wildcard
                .find(self.seed.hash_one(suffix), |(name, _)| {
                    name.wildcard_suffix() == Some(suffix)
                })
                .map(|(_, value)| value)
        })
    }
}

/// The suffixes of `host` that a wildcard may have, the longest first, of those
/// depths that occur.
fn wildcard_suffixes<'a>(host: &'a str, depths: &Depths) -> impl Iterator<Item = &'a str> {
    let all = if depths.is_empty() { 0 } else { dots(host) };

    host.match_indices('.')
        .take(all)
        .enumerate()
        // A wildcard stands for one label at least.
        .filter(move |(before, (at, _))| *at > 0 && depths.has(all - before))
        .map(|(_, (at, _))| &host[at..])
}

fn dots(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'.').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Hostname {
        Hostname::new(text).unwrap()
    }

    #[test]
    fn suffixes_are_tried_at_depths_that_occur_only() {
        let mut depths = Depths::default();
        depths.add(2);
        depths.add(1);

        let found: Vec<_> = wildcard_suffixes("a.b.example.com", &depths).collect();

        assert_eq!(found, [".example.com", ".com"]);
    }

    fn names() -> impl Strategy<Value = String> {
        "(\\*\\.)?[ab]{1,2}(\\.[ab]){0,3}"
    }

    proptest! {
        /// The index finds the hostnames that match, exact ones first, then the
        /// longest, and forgets those that were removed.
        #[test]
        fn agrees_with_asking_every_hostname(
            added in prop::collection::vec(names(), 0..12),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            request in "[ab]{0,2}(\\.[ab]{0,2}){0,4}",
        ) {
            let mut names: Vec<_> = added.iter().map(|name| host(name)).collect();
            let mut index = HostIndex::new(RandomState::default());
            for name in &names {
                index.set(Some(name), Some(name.clone()));
            }
            for which in removed.iter().filter(|_| !added.is_empty()) {
                let gone = host(which.get::<String>(&added));
                index.set(Some(&gone), None);
                names.retain(|name| *name != gone);
            }

            names.retain(|name| name.matches(&request));
            names.sort_by_key(|name| (name.is_wildcard(), std::cmp::Reverse(name.as_str().len())));
            names.dedup();
            let found: Vec<_> = index.matching(&request).cloned().collect();

            prop_assert_eq!(found, names);
        }
    }
}
