//! Ranges of addresses for Gateways that name none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, as `192.0.2.0/28` or as one address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AddressRange {
    addresses: Vec<IpAddr>,
}

impl AddressRange {
    pub(crate) fn iter(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied()
    }
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let invalid = |_| InvalidRange::Syntax { text: text.into() };
        let address: IpAddr = address
            .parse()
            .map_err(|_| InvalidRange::Syntax { text: text.into() })?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(bits), |length| length.parse::<u32>().map_err(invalid))?;
        let host_bits = bits
            .checked_sub(length)
            .ok_or_else(|| InvalidRange::Syntax { text: text.into() })?;
        if host_bits > MOST_HOST_BITS {
            return Err(InvalidRange::TooLarge { text: text.into() });
        }

        Ok(Self {
            addresses: expand(address, host_bits),
        })
    }
}

fn expand(address: IpAddr, host_bits: u32) -> Vec<IpAddr> {
    let count = 1_u32 << host_bits;
    match address {
        IpAddr::V4(address) => {
            let first = address.to_bits() & !(count - 1);
            // The network's own address and its broadcast address are no hosts'.
            let ends = if host_bits > 1 { 1 } else { 0 };
            (ends..count - ends)
                .map(|host| Ipv4Addr::from_bits(first | host).into())
                .collect()
        }
        IpAddr::V6(address) => {
            let first = address.to_bits() & !(u128::from(count) - 1);
            (0..count)
                .map(|host| Ipv6Addr::from_bits(first | u128::from(host)).into())
                .collect()
        }
    }
}

/// 65536 addresses.
const MOST_HOST_BITS: u32 = 16;

/// Not a range of addresses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRange {
    #[error("{text:?} is not a range of addresses such as 192.0.2.0/28 or 2001:db8::/124")]
    Syntax { text: String },
    #[error("{text} has more than 65536 addresses")]
    TooLarge { text: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let range: AddressRange = text.parse().expect("is a range");
        range.iter().map(|address| address.to_string()).collect()
    }

    #[test]
    fn ends_of_ipv4_ranges_are_left_out() {
        assert_eq!(addresses("192.0.2.9/30"), ["192.0.2.9", "192.0.2.10"]);
        assert_eq!(addresses("192.0.2.8/31"), ["192.0.2.8", "192.0.2.9"]);
        assert_eq!(addresses("192.0.2.8"), ["192.0.2.8"]);
        assert_eq!(addresses("2001:db8::8/127"), ["2001:db8::8", "2001:db8::9"]);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8", "::/0"] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
    }
}
