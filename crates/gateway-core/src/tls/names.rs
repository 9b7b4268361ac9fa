//! Finding things by the name that a client asks for.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Values by DNS name, exact or with a wildcard.
#[derive(Clone, Debug)]
pub(super) struct NameIndex<V> {
    exact: HashMap<Box<str>, V, RandomState>,
    /// By what follows the `*`, with its leading dot.
    wildcard: HashMap<Box<str>, V, RandomState>,
}

impl<V> NameIndex<V> {
    /// The value of `name`, for filling it in.
    pub(super) fn entry(&mut self, name: &str) -> &mut V
    where
        V: Default,
    {
        let (values, key) = match name.strip_prefix('*') {
            Some(suffix) => (&mut self.wildcard, suffix),
            None => (&mut self.exact, name),
        };
        values.entry(key.into()).or_default()
    }

    /// The values of the names that mean `asked` (lower case), the most specific
    /// first. A wildcard stands for one label or more.
    pub(super) fn matching<'a>(&'a self, asked: &str) -> impl Iterator<Item = &'a V> {
        let wildcards = suffixes(asked).filter_map(|suffix| self.wildcard.get(suffix));
        self.exact.get(asked).into_iter().chain(wildcards)
    }

    /// As [`matching`](Self::matching), where a wildcard stands for one label
    /// (RFC 6125, section 6.4.3).
    pub(super) fn covering<'a>(&'a self, asked: &str) -> impl Iterator<Item = &'a V> {
        let wildcard = suffixes(asked)
            .next()
            .and_then(|suffix| self.wildcard.get(suffix));
        self.exact.get(asked).into_iter().chain(wildcard)
    }
}

impl<V> Default for NameIndex<V> {
    fn default() -> Self {
        Self {
            exact: HashMap::default(),
            wildcard: HashMap::default(),
        }
    }
}

/// What follows the first label, the first two and so on, each with its dot.
fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.')
        .filter(|(at, _)| *at > 0)
        .map(|(at, _)| &name[at..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Hostname;

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("(\\*\\.)?[ab]{1,2}(\\.[ab]){0,3}", 0..12)
    }

    fn index(names: &[String]) -> NameIndex<String> {
        let mut index = NameIndex::<String>::default();
        for name in names {
            index.entry(name).clone_from(name);
        }
        index
    }

    proptest! {
        /// The names found are those that match, exact ones first, then the longest.
        #[test]
        fn agrees_with_asking_every_name(names in names(), asked in "[ab]{0,2}(\\.[ab]{0,2}){0,4}") {
            let mut expected: Vec<_> = names.clone();
            expected.retain(|name| Hostname::new(name).unwrap().matches(&asked));
            expected.sort_by_key(|name| (name.starts_with('*'), std::cmp::Reverse(name.len())));
            expected.dedup();

            let index = index(&names);
            let found: Vec<_> = index.matching(&asked).cloned().collect();

            prop_assert_eq!(found, expected);
        }

        /// What covers a name has as many labels.
        #[test]
        fn certificate_wildcard_stands_for_one_label(names in names(), asked in "[ab]{1,2}(\\.[ab]{1,2}){0,4}") {
            let index = index(&names);
            let expected: Vec<_> = index
                .matching(&asked)
                .filter(|name| name.split('.').count() == asked.split('.').count())
                .collect();

            prop_assert_eq!(index.covering(&asked).collect::<Vec<_>>(), expected);
        }
    }
}
