//! Ranges of addresses for Gateways that name none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that Gateways may be given, written as `192.0.2.0/28` or as one
/// address.
///
/// The first and the last address of an IPv4 network are no hosts' and left out,
/// unless the network has no more than two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// Whether `address` is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        // Families are apart: no address of one is between two of the other.
        (self.first..=self.last).contains(&address)
    }

    /// Every address, beginning with the lowest.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let bits = |address| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        let is_v4 = self.first.is_ipv4();

        (bits(self.first)..=bits(self.last)).map(move |bits| match u32::try_from(bits) {
            Ok(bits) if is_v4 => Ipv4Addr::from_bits(bits).into(),
            _ => Ipv6Addr::from_bits(bits).into(),
        })
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let invalid = || InvalidRange { text: text.into() };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(bits), |length| length.parse().ok());
        let host_bits = length.and_then(|length| bits.checked_sub(length));

        Ok(Self::of_network(address, host_bits.ok_or_else(invalid)?))
    }
}

impl AddressRange {
    fn of_network(address: IpAddr, host_bits: u32) -> Self {
        let hosts = u128::MAX.checked_shr(128 - host_bits).unwrap_or_default();
        match address {
            IpAddr::V4(address) => {
                // No more than 32 bits are hosts'.
                let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
                let ends = u32::from(host_bits > 1);
                let (first, last) = (address.to_bits() & !hosts, address.to_bits() | hosts);
                Self {
                    first: Ipv4Addr::from_bits(first + ends).into(),
                    last: Ipv4Addr::from_bits(last - ends).into(),
                }
            }
            IpAddr::V6(address) => Self {
                first: Ipv6Addr::from_bits(address.to_bits() & !hosts).into(),
                last: Ipv6Addr::from_bits(address.to_bits() | hosts).into(),
            },
        }
    }
}

/// Not a range of addresses.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is not a range of addresses such as 192.0.2.0/28 or 2001:db8::/64")]
pub struct InvalidRange {
    text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn addresses(text: &str) -> Vec<String> {
        let addresses = range(text).iter().take(4);
        addresses.map(|address| address.to_string()).collect()
    }

    #[test]
    fn ends_of_ipv4_networks_are_left_out() {
        assert_eq!(addresses("192.0.2.9/30"), ["192.0.2.9", "192.0.2.10"]);
        assert_eq!(addresses("192.0.2.8/31"), ["192.0.2.8", "192.0.2.9"]);
        assert_eq!(addresses("192.0.2.8"), ["192.0.2.8"]);
        assert_eq!(addresses("2001:db8::8/127"), ["2001:db8::8", "2001:db8::9"]);
        assert_eq!(addresses("0.0.0.0/0")[0], "0.0.0.1");
        assert_eq!(addresses("::/0")[3], "::3");
        assert!(!range("192.0.2.8/29").contains("2001:db8::8".parse().unwrap()));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn range_contains_what_it_lists(bits: u32, length in 20_u32..=32, other: u32) {
            let range = range(&format!("{}/{length}", Ipv4Addr::from_bits(bits)));
            let other = Ipv4Addr::from_bits(other).into();

            prop_assert!(range.iter().all(|address| range.contains(address)));
            prop_assert_eq!(range.contains(other), range.iter().any(|address| address == other));
        }
    }
}
