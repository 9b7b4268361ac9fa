//! Finding things by hostname.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use super::depths::Depths;
use super::shared::{Change, Keyed, SharedTable};
use super::text::Text;
use crate::model::Hostname;

/// One value for each hostname, and one for all others.
#[derive(Clone, Debug)]
pub(super) struct HostIndex<V> {
    exact: SharedTable<Named<V>>,
    wildcard: SharedTable<Named<V>>,
    // The dots in the wildcards' suffixes.
    depths: Depths,
    any: Option<V>,
    seed: RandomState,
}

/// A value with its hostname, or with the suffix of its wildcard.
#[derive(Clone, Debug)]
struct Named<V> {
    name: Text,
    value: V,
}

impl<V> Keyed for Named<V> {
    #[inline]
    fn key(&self) -> &[u8] {
        self.name.as_bytes()
    }
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

    /// The first answer of those values whose hostnames mean `host`, of which the most
    /// specific is asked first.
    #[inline]
    pub(super) fn find_map<'a, A>(
        &'a self,
        host: &str,
        mut ask: impl FnMut(&'a V) -> Option<A>,
    ) -> Option<A> {
        self.find(&self.exact, host)
            .and_then(&mut ask)
            .or_else(|| {
                wildcard_suffixes(host, &self.depths)
                    .filter_map(|suffix| self.find(&self.wildcard, suffix))
                    .find_map(&mut ask)
            })
            .or_else(|| self.any.as_ref().and_then(ask))
    }

    /// The value of a hostname; `None` stands for all others.
    pub(super) fn get(&self, name: Option<&Hostname>) -> Option<&V> {
        match name.map(|name| (name, name.wildcard_suffix())) {
            None => self.any.as_ref(),
            Some((_, Some(suffix))) => self.find(&self.wildcard, suffix),
            Some((name, None)) => self.find(&self.exact, name.as_str()),
        }
    }

    /// Sets or removes the values of hostnames, of which each is given once.
    pub(super) fn edit<'k>(
        &mut self,
        values: impl IntoIterator<Item = (Option<&'k Hostname>, Option<V>)>,
    ) {
        let (mut exact, mut wildcard) = (Vec::new(), Vec::new());

        for (name, value) in values {
            let Some(name) = name else {
                self.any = value;
                continue;
            };
            match name.wildcard_suffix() {
                Some(suffix) => {
                    match (self.get(Some(name)).is_some(), value.is_some()) {
                        (false, true) => self.depths.add(dots(suffix)),
                        (true, false) => self.depths.remove(dots(suffix)),
                        (true, true) | (false, false) => {}
                    }
                    wildcard.push(change(suffix, value));
                }
                None => exact.push(change(name.as_str(), value)),
            }
        }

        self.exact.edit(exact, |name| hash(name, &self.seed));
        self.wildcard.edit(wildcard, |name| hash(name, &self.seed));
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.exact.len() + self.wildcard.len() + usize::from(self.any.is_some())
    }

    #[inline]
    fn find<'a>(&self, table: &'a SharedTable<Named<V>>, name: &str) -> Option<&'a V> {
        if table.len() == 0 {
            return None;
        }
        let name = name.as_bytes();

        table
            .find(|| hash(name, &self.seed), name)
            .map(|found| &found.value)
    }
}

fn change<V>(name: &str, value: Option<V>) -> Change<'_, Named<V>> {
    match value {
        Some(value) => Change::Put(Named {
            name: name.into(),
            value,
        }),
        None => Change::Remove(name.as_bytes()),
    }
}

#[inline]
fn hash(name: &[u8], seed: &RandomState) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(name);
    hasher.finish()
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
            let each_once: std::collections::HashSet<_> = names.iter().collect();
            index.edit(each_once.into_iter().map(|name| (Some(name), Some(name.clone()))));
            for which in removed.iter().filter(|_| !added.is_empty()) {
                let gone = host(which.get::<String>(&added));
                index.edit([(Some(&gone), None)]);
                names.retain(|name| *name != gone);
            }

            names.retain(|name| name.matches(&request));
            names.sort_by_key(|name| (name.is_wildcard(), std::cmp::Reverse(name.as_str().len())));
            names.dedup();
            let mut found = Vec::new();
            let none: Option<()> = index.find_map(&request, |name| {
                found.push(name.clone());
                None
            });

            prop_assert_eq!((none, found), (None, names));
        }
    }
}
