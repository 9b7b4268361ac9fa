//! A set of statuses.

use std::fmt;

use http::StatusCode;

/// Statuses from 100 to 599, one bit each: a plain value, which settings can hold without
/// anything that threads share.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub(crate) struct StatusSet([u64; 8]);

impl StatusSet {
    /// The statuses of errors that servers admit to: 500 to 599.
    pub(crate) const fn server_errors() -> Self {
        let mut set = Self([0; 8]);
        let mut index = 500 - FIRST;
        while index <= LAST - FIRST {
            set.0[(index / 64) as usize] |= 1 << (index % 64);
            index += 1;
        }
        set
    }

    pub(crate) const fn empty() -> Self {
        Self([0; 8])
    }

    /// Adds `status`; says whether that is one with a meaning, which those above 599 are not.
    pub(crate) fn insert(&mut self, status: StatusCode) -> bool {
        let place = place(status);
        if let Some((word, bit)) = place {
            self.0[word] |= bit;
        }
        place.is_some()
    }

    pub(crate) fn contains(&self, status: StatusCode) -> bool {
        place(status).is_some_and(|(word, bit)| self.0[word] & bit != 0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = StatusCode> + '_ {
        (FIRST..=LAST)
            .filter_map(|code| StatusCode::from_u16(code).ok())
            .filter(|code| self.contains(*code))
    }
}

impl fmt::Debug for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|code| code.as_u16()))
            .finish()
    }
}

fn place(status: StatusCode) -> Option<(usize, u64)> {
    let code = status.as_u16();
    let index = (FIRST..=LAST).contains(&code).then(|| code - FIRST)?;
    Some((usize::from(index / 64), 1 << (index % 64)))
}

const FIRST: u16 = 100;
const LAST: u16 = 599;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status(code: u16) -> StatusCode {
        StatusCode::from_u16(code).expect("in range")
    }

    #[test]
    fn server_errors_are_500_to_599() {
        let set = StatusSet::server_errors();

        let codes: Vec<_> = set.iter().map(|code| code.as_u16()).collect();

        assert_eq!(codes, (500..=599).collect::<Vec<_>>());
    }

    proptest! {
        /// What was inserted is there, and nothing else.
        #[test]
        fn set_is_what_was_inserted(codes in proptest::collection::btree_set(100..1000_u16, 0..20)) {
            let mut set = StatusSet::empty();
            for code in &codes {
                prop_assert_eq!(set.insert(status(*code)), *code < 600);
            }

            let there: Vec<_> = set.iter().map(|code| code.as_u16()).collect();

            prop_assert_eq!(there, codes.into_iter().filter(|code| *code < 600).collect::<Vec<_>>());
        }
    }
}
