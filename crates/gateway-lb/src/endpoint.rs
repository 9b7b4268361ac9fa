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

use crate::stable_hash;

/// One address of a backend, to which a connection can be made.
///
/// The address is also the identity: what is known about an endpoint is kept for as long as its
/// address stays in the set, even if its weight or its zone changes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint {
    address: SocketAddr,
    weight: u32,
    zone: Option<Zone>,
    backup: bool,
}

impl Endpoint {
    /// The endpoint at `address`, of weight 1, in no known zone, and no backup.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            weight: 1,
            zone: None,
            backup: false,
        }
    }

    /// Its share in proportion to the weights of the other endpoints, for the algorithms that
    /// weigh. 1 by default; with 0 it is picked by none, but sessions that it has are kept.
    #[must_use]
    pub const fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Where it stands. Unknown by default.
    #[must_use]
    pub const fn with_zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// Makes it one that is used only while too few of the others can be. Off by default.
    #[must_use]
    pub const fn as_backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Its share.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        self.weight
    }

    /// Where it stands, if that is known.
    #[must_use]
    pub const fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// Whether it is used only while too few of the others can be.
    #[must_use]
    pub const fn is_backup(&self) -> bool {
        self.backup
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

/// A zone, as the label `topology.kubernetes.io/zone` names it.
///
/// Only a hash of the name is kept, so that an endpoint can be copied without writing to memory
/// that threads share. Two zones of different names are equal once in 2^64.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Zone(u64);

impl Zone {
    /// The zone called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(stable_hash::of(name.as_bytes()))
    }
}

/// The endpoints of one backend: sorted by address, each address once.
///
/// Of two endpoints with one address the lesser is kept: the one of less weight.
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
        self.position(address).is_some()
    }

    /// The place of the endpoint at `address` among the others, if there is one.
    pub(crate) fn position(&self, address: SocketAddr) -> Option<usize> {
        self.endpoints
            .binary_search_by_key(&address, Endpoint::address)
            .ok()
    }
}

impl FromIterator<Endpoint> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        let mut endpoints: Vec<_> = endpoints.into_iter().collect();
        // By all there is, so that of two at one address the same one is kept in any order.
        endpoints.sort_unstable();
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

    #[test]
    fn zones_are_told_apart_by_their_names() {
        assert_eq!(Zone::new("eu-1a"), Zone::new("eu-1a"));
        assert_ne!(Zone::new("eu-1a"), Zone::new("eu-1b"));
    }

    #[test]
    fn one_address_given_twice_is_kept_with_the_lesser_weight_in_any_order() {
        let endpoint = Endpoint::new(SocketAddr::from(([10, 0, 0, 1], 80)));
        let (light, heavy) = (endpoint.clone().with_weight(2), endpoint.with_weight(3));

        let forwards = EndpointSet::from_iter([light.clone(), heavy.clone()]);
        let backwards = EndpointSet::from_iter([heavy, light.clone()]);

        assert_eq!(forwards.as_slice(), [light]);
        assert_eq!(forwards, backwards);
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
