//! Ranges of addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses, as in `10.0.0.0/8`.
///
/// Bits behind the prefix are of no meaning and are cleared, so that equal ranges are
/// equal. IPv4 addresses that are written as IPv6 (`::ffff:0:0/96`) are IPv4.
///
/// ```
/// use gateway_core::model::Cidr;
///
/// # fn main() -> Result<(), gateway_core::model::InvalidCidr> {
/// let range: Cidr = "10.1.2.3/8".parse()?;
///
/// assert_eq!(range.to_string(), "10.0.0.0/8");
/// assert!(range.contains([10, 9, 9, 9].into()));
/// assert!(!range.contains([11, 0, 0, 1].into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The addresses that begin with the first `prefix` bits of `address`.
    ///
    /// # Errors
    ///
    /// When an address has fewer bits.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr(format!("{address}/{prefix}"));
        let (address, prefix) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(v4)) => {
                (v4.into(), prefix.checked_sub(96).ok_or_else(invalid)?)
            }
            (address, _) => (address, prefix),
        };
        let first = masked(address, prefix).ok_or_else(invalid)?;
        Ok(Self { first, prefix })
    }

    /// Whether `address` is among them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4()
            && masked(address, self.prefix) == Some(self.first)
    }
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    /// Without a prefix it is one address.
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let invalid = || InvalidCidr(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| invalid())?,
            None if address.is_ipv4() => 32,
            None => 128,
        };
        Self::new(address, prefix).map_err(|_| invalid())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Something else than a range of addresses.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a range of addresses")]
pub struct InvalidCidr(String);

/// `address` without the bits behind the prefix; `None` if it has fewer.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => {
            let behind = 32_u32.checked_sub(prefix.into())?;
            let mask = u32::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let behind = 128_u32.checked_sub(prefix.into())?;
            let mask = u128::MAX.checked_shl(behind).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "a/8",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn everything_is_a_range() {
        let everything: Cidr = "0.0.0.0/0".parse().unwrap();

        assert!(everything.contains([1, 2, 3, 4].into()));
        assert!(!everything.contains("::1".parse().unwrap()));
    }

    #[test]
    fn ipv4_is_known_in_either_form() {
        let range: Cidr = "::ffff:10.0.0.0/104".parse().unwrap();

        assert_eq!(range, "10.0.0.0/8".parse().unwrap());
        assert!(range.contains("::ffff:10.1.2.3".parse().unwrap()));
    }

    proptest! {
        /// A range holds the address it was made of, and reads as it is written.
        #[test]
        fn range_is_what_it_says(address: IpAddr, prefix in any::<u8>()) {
            if let Ok(range) = Cidr::new(address, prefix) {
                prop_assert!(range.contains(address));
                prop_assert_eq!(range.to_string().parse::<Cidr>(), Ok(range));
            }
        }
    }
}
