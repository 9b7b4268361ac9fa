//! The addresses of one backend.
//!
//! An [`EndpointSet`] is a value: two sets with the same addresses are equal, however they were
//! put together, so that comparing them tells whether anything has changed.
//!
//! # Example
//!
//! ```
//! use gateway_lb::{Endpoint, EndpointSet};
//!
//! let one = Endpoint::new(([10, 0, 0, 1], 8080).into());
//! let two = Endpoint::new(([10, 0, 0, 2], 8080).into());
//!
//! let set = EndpointSet::from_iter([two.clone(), one.clone(), two.clone()]);
//!
//! assert_eq!(set.as_slice(), [one.clone(), two.clone()]);
//! assert_eq!(set, EndpointSet::from_iter([one, two]));
//! ```

use std::fmt;
use std::net::SocketAddr;
use std::slice;
use std::sync::Arc;

/// One address of a backend, to which a connection can be made.
///
/// The address is also the identity: what is known about an endpoint is kept for as long as its
/// address stays in the set.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    address: SocketAddr,
}

impl Endpoint {
    /// The endpoint at `address`.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(address)
    }
}

/// The endpoints of one backend: sorted by address, each address once.
///
/// Cheap to clone: clones share the endpoints. The default is the empty set.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct EndpointSet {
    endpoints: Arc<[Endpoint]>,
}

impl EndpointSet {
    /// A set without endpoints.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The endpoints in the order of their addresses.
    pub fn iter(&self) -> slice::Iter<'_, Endpoint> {
        self.endpoints.iter()
    }

    /// The endpoints in the order of their addresses.
    #[must_use]
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// How many endpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// Whether there is no endpoint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Whether one of the endpoints is at `address`.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.endpoints
            .binary_search_by_key(&address, Endpoint::address)
            .is_ok()
    }
}

impl FromIterator<Endpoint> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        let mut endpoints: Vec<_> = endpoints.into_iter().collect();
        endpoints.sort_unstable_by_key(Endpoint::address);
        endpoints.dedup_by_key(|endpoint| endpoint.address());

        Self {
            endpoints: endpoints.into(),
        }
    }
}

impl FromIterator<SocketAddr> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = SocketAddr>>(addresses: I) -> Self {
        addresses.into_iter().map(Endpoint::new).collect()
    }
}

impl<'a> IntoIterator for &'a EndpointSet {
    type Item = &'a Endpoint;
    type IntoIter = slice::Iter<'a, Endpoint>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use proptest::collection::vec;
    use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn endpoints_and_sets_can_be_shared_between_threads() {
        fn assert<T: Clone + Send + Sync + 'static>() {}

        assert::<Endpoint>();
        assert::<EndpointSet>();
    }

    #[test]
    fn clones_share_the_endpoints() {
        let set: EndpointSet = [SocketAddr::from(([10, 0, 0, 1], 80))]
            .into_iter()
            .collect();

        let clone = set.clone();

        assert!(Arc::ptr_eq(&set.endpoints, &clone.endpoints));
    }

    fn addresses() -> impl Strategy<Value = Vec<SocketAddr>> {
        // Few addresses, so that many are repeated.
        let address = (any::<bool>(), 0..4_u8, 80..83_u16).prop_map(|(v4, last, port)| {
            let ip = if v4 {
                IpAddr::from([10, 0, 0, last])
            } else {
                IpAddr::from([u16::from(last); 8])
            };
            SocketAddr::new(ip, port)
        });
        vec(address, 0..40)
    }

    proptest! {
        /// A set is what a sorted set of the same addresses is.
        #[test]
        fn set_is_sorted_and_has_each_address_once(addresses in addresses()) {
            let expected: BTreeSet<_> = addresses.iter().copied().collect();

            let set: EndpointSet = addresses.into_iter().collect();

            prop_assert!(set.iter().map(Endpoint::address).eq(expected.iter().copied()));
            prop_assert_eq!(set.len(), expected.len());
            prop_assert_eq!(set.is_empty(), expected.is_empty());
        }

        /// The order in which addresses are given does not matter.
        #[test]
        fn order_does_not_matter(addresses in addresses()) {
            let forwards: EndpointSet = addresses.iter().copied().collect();
            let backwards: EndpointSet = addresses.iter().rev().copied().collect();

            prop_assert_eq!(forwards, backwards);
        }

        /// `contains` agrees with a search through all.
        #[test]
        fn contains_what_was_put_in(inside in addresses(), asked in addresses()) {
            let set: EndpointSet = inside.iter().copied().collect();

            for address in asked {
                prop_assert_eq!(set.contains(address), inside.contains(&address));
            }
        }
    }
}
