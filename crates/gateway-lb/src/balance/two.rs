//! The better of two.

use std::net::SocketAddr;

use crate::endpoint::{Endpoint, EndpointSet};

/// The better of two endpoints chosen at random, that are not at `avoid` if there are as many.
///
/// `better` says whether the first is no worse than the second. Looks through all only if there
/// is something to avoid, which retries do.
pub(super) fn better_of_two(
    endpoints: &EndpointSet,
    avoid: &[SocketAddr],
    better: impl Fn(usize, usize) -> bool,
) -> usize {
    let choose = |(one, other)| if better(one, other) { one } else { other };
    if avoid.is_empty() {
        return choose(two_of(endpoints.len()));
    }

    let allowed = |endpoint: &Endpoint| !avoid.contains(&endpoint.address());
    let others: Vec<_> = (0..)
        .zip(endpoints)
        .filter_map(|(index, endpoint)| allowed(endpoint).then_some(index))
        .collect();
    match *others {
        [] => choose(two_of(endpoints.len())),
        [only] => only,
        _ => {
            let (one, other) = two_of(others.len());
            choose((others[one], others[other]))
        }
    }
}

/// Two different indices below `len`, in any order; the same twice if there is only one.
fn two_of(len: usize) -> (usize, usize) {
    if len < 2 {
        return (0, 0);
    }
    let one = fastrand::usize(..len);
    let other = fastrand::usize(..len - 1);
    (one, if other < one { other } else { other + 1 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    proptest! {
        /// The two to compare are never one and the same, and never out of range.
        #[test]
        fn two_are_different(len in 2..100_usize) {
            let (one, other) = two_of(len);

            prop_assert!(one < len);
            prop_assert!(other < len);
            prop_assert!(one != other);
        }
    }
}
