//! Sets of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Addresses, given as networks in CIDR notation or one by one.
///
/// Networks that overlap or touch are kept as one, so two sets of the same addresses are equal
/// however they were written. The empty set, which is the default, has no address.
///
/// An IPv4 address is the same address when it is written as IPv6 (`::ffff:192.0.2.1`), as it
/// is when it arrives at a socket of both families; and no other network of IPv6, not even
/// `::/0`, has it. A scan finds an address among few networks and a binary search among many.
///
/// ```
/// use gateway_filters::CidrSet;
///
/// let office = CidrSet::parse(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"])?;
///
/// assert!(office.contains("192.0.2.200".parse().unwrap()));
/// assert!(office.contains("::ffff:192.0.2.200".parse().unwrap()));
/// assert!(!office.contains("198.51.100.8".parse().unwrap()));
/// # Ok::<(), gateway_filters::InvalidCidr>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct CidrSet {
    v4: Ranges<Ipv4Addr>,
    v6: Ranges<Ipv6Addr>,
}

impl CidrSet {
    /// The addresses of all `networks`: each `address/length`, or an address alone.
    ///
    /// Bits of an address beyond the length of its network are ignored.
    ///
    /// # Errors
    ///
    /// If one is neither a network nor an address.
    pub fn parse<I>(networks: I) -> Result<Self, InvalidCidr>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match parse(network.as_ref())? {
                IpNet::V4(network) => v4.push((network.network(), network.broadcast())),
                IpNet::V6(network) => v6.push((network.network(), network.broadcast())),
            }
        }
        Ok(Self {
            v4: Ranges::new(v4),
            v6: Ranges::new(v6),
        })
    }

    /// Whether `address` is in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.contains(address),
            IpAddr::V6(address) => self.v6.contains(address),
        }
    }

    /// Whether it has no address at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.0.is_empty() && self.v6.0.is_empty()
    }
}

/// What is written is neither a network nor an address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{network:?} is neither a network nor an address")]
pub struct InvalidCidr {
    /// As it was written.
    pub network: String,
}

/// First and last of each run of addresses; in order, and with a gap between any two.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Ranges<A>(Box<[(A, A)]>);

impl<A: Copy + Ord + Next> Ranges<A> {
    fn new(mut ranges: Vec<(A, A)>) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|(first, last), (_, known_last)| {
            let apart = known_last.next().is_some_and(|next| next < *first);
            if !apart {
                *known_last = (*known_last).max(*last);
            }
            !apart
        });
        Self(ranges.into_boxed_slice())
    }

    fn contains(&self, address: A) -> bool {
        let within = |&(first, last): &(A, A)| first <= address && address <= last;
        if self.0.len() <= FEW {
            return self.0.iter().any(within);
        }
        let after = self.0.partition_point(|&(first, _)| first <= address);
        after.checked_sub(1).is_some_and(|at| within(&self.0[at]))
    }
}

impl<A> Default for Ranges<A> {
    fn default() -> Self {
        Self(Box::default())
    }
}

/// An address that knows which one comes after it.
trait Next: Sized {
    fn next(self) -> Option<Self>;
}

impl Next for Ipv4Addr {
    fn next(self) -> Option<Self> {
        self.to_bits().checked_add(1).map(Self::from_bits)
    }
}

impl Next for Ipv6Addr {
    fn next(self) -> Option<Self> {
        self.to_bits().checked_add(1).map(Self::from_bits)
    }
}

fn parse(text: &str) -> Result<IpNet, InvalidCidr> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().map_err(|_| InvalidCidr {
            network: text.to_owned(),
        })?),
    };
    Ok(canonical(network))
}

/// Networks of IPv4 addresses written as IPv6 become what they mean.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    match (
        v6.addr().to_ipv4_mapped(),
        v6.prefix_len().checked_sub(MAPPED),
    ) {
        (Some(address), Some(length)) => Ipv4Net::new(address, length).map_or(network, IpNet::from),
        _ => Ipv6Net::into(v6),
    }
}

/// The length of `::ffff:0:0`, below which IPv6 writes the addresses of IPv4.
const MAPPED: u8 = 96;

/// Among so many a scan, which the processor foresees, is as fast as a search.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn set(networks: &[&str]) -> CidrSet {
        CidrSet::parse(networks).expect("valid")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn empty_set_has_no_address() {
        assert!(CidrSet::default().is_empty());
        assert!(!CidrSet::default().contains(address("0.0.0.0")));
        assert!(!CidrSet::default().contains(address("::")));
    }

    #[test]
    fn ends_of_a_network_are_in_it() {
        let set = set(&["192.0.2.0/24", "2001:db8::/32"]);

        assert!(set.contains(address("192.0.2.0")));
        assert!(set.contains(address("192.0.2.255")));
        assert!(!set.contains(address("192.0.1.255")));
        assert!(!set.contains(address("192.0.3.0")));
        assert!(set.contains(address("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")));
        assert!(!set.contains(address("2001:db9::")));
    }

    #[test]
    fn whole_families_are_told_apart() {
        assert!(set(&["0.0.0.0/0"]).contains(address("255.255.255.255")));
        assert!(!set(&["0.0.0.0/0"]).contains(address("::1")));
        assert!(set(&["::/0"]).contains(address("::1")));
        assert!(!set(&["::/0"]).contains(address("::ffff:192.0.2.1")));
    }

    #[test]
    fn mapped_addresses_and_networks_mean_ipv4() {
        assert_eq!(set(&["::ffff:192.0.2.0/120"]), set(&["192.0.2.0/24"]));
        assert_eq!(set(&["::ffff:0:0/96"]), set(&["0.0.0.0/0"]));
        assert!(set(&["192.0.2.1"]).contains(address("::ffff:192.0.2.1")));
        assert!(set(&["::ffff:192.0.2.1"]).contains(address("192.0.2.1")));
    }

    #[test]
    fn sets_of_the_same_addresses_are_equal() {
        assert_eq!(
            set(&["10.0.0.0/9", "10.128.0.0/9", "10.1.2.3"]),
            set(&["10.9.9.9/8"])
        );
        assert_ne!(set(&["10.0.0.0/9"]), set(&["10.0.0.0/8"]));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.1-10.0.0.9",
            "a.b",
            "10.0.0.0/-1",
            "010.0.0.1",
            "fe80::1%eth0",
            " 10.0.0.1",
            "10.0.0.0/",
        ] {
            let error = CidrSet::parse([text]).expect_err(text);

            assert_eq!(error.network, text);
        }
    }

    /// Addresses and networks close to each other, so that they meet.
    fn addresses() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            (0..64_u32).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | low))),
            any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
            (0..64_u32).prop_map(|low| {
                IpAddr::V6(Ipv4Addr::from_bits(0x0a00_0000 | low).to_ipv6_mapped())
            }),
            (0..64_u128).prop_map(|low| IpAddr::V6(Ipv6Addr::from_bits((0xfd << 120) | low))),
            any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        ]
    }

    fn networks() -> impl Strategy<Value = IpNet> {
        (addresses(), 0..=8_u8, any::<bool>()).prop_map(|(address, short, wide)| {
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let length = if wide { short } else { longest - short };
            IpNet::new(address, length).expect("not too long")
        })
    }

    /// The plain reading: network by network, bit by bit.
    fn naive(networks: &[IpNet], address: IpAddr) -> bool {
        let address = address.to_canonical();
        networks
            .iter()
            .any(|network| match (canonical(*network), address) {
                (IpNet::V4(network), IpAddr::V4(address)) => {
                    let shift = 32 - u32::from(network.prefix_len());
                    let bits = network.addr().to_bits() ^ address.to_bits();
                    bits.checked_shr(shift).unwrap_or(0) == 0
                }
                (IpNet::V6(network), IpAddr::V6(address)) => {
                    let shift = 128 - u32::from(network.prefix_len());
                    let bits = network.addr().to_bits() ^ address.to_bits();
                    bits.checked_shr(shift).unwrap_or(0) == 0
                }
                _ => false,
            })
    }

    proptest! {
        /// An address is in the set exactly if it is in one of the networks.
        #[test]
        fn set_agrees_with_a_plain_scan(networks in vec(networks(), 0..60), others in vec(addresses(), 8)) {
            let set = CidrSet::parse(networks.iter().map(IpNet::to_string)).expect("valid");

            let ends = networks.iter().flat_map(|network| [network.network(), network.broadcast()]);
            for address in ends.chain(others) {
                prop_assert_eq!(set.contains(address), naive(&networks, address), "{}", address);
            }
        }

        /// Neither order nor repetition makes another set.
        #[test]
        fn order_does_not_matter(mut networks in vec(networks(), 0..20)) {
            let set = CidrSet::parse(networks.iter().map(IpNet::to_string));

            networks.reverse();
            networks.extend(networks.first().copied());

            prop_assert_eq!(set, CidrSet::parse(networks.iter().map(IpNet::to_string)));
        }

        /// Whatever is written is refused or has an address; it never panics.
        #[test]
        fn any_text_is_refused_or_a_set(text in "\\PC*|[0-9a-f:./]{0,20}") {
            if let Ok(set) = CidrSet::parse([text]) {
                prop_assert!(!set.is_empty());
            }
        }
    }
}
