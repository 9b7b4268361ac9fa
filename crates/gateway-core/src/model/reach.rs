//! How far from the gateway a backend may be.

use std::net::IpAddr;

/// Which addresses somebody may have requests sent to. Complete: whoever is trusted with the
/// gateway's machine is trusted with all of it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Reach {
    /// Any address. Names are read as programs on the gateway's machine read them.
    #[default]
    Anywhere,
    /// None of the gateway's own machine or link: neither loopback nor link-local, where clouds
    /// have their metadata services, nor unspecified or multicast. Names are absolute: no search
    /// list completes them.
    Outside,
}

impl Reach {
    /// Whether `address` is within it. An IPv4 address that is mapped into IPv6 is what it stands
    /// for.
    #[must_use]
    pub fn covers(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        match self {
            Self::Anywhere => true,
            Self::Outside => {
                !(is_link_local
                    || address.is_loopback()
                    || address.is_unspecified()
                    || address.is_multicast())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_outside(address: &str) -> bool {
        Reach::Outside.covers(address.parse().unwrap())
    }

    #[test]
    fn own_machine_and_link_are_not_outside() {
        for address in [
            "127.0.0.1",
            "127.8.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "::1",
            "fe80::1",
            "::",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0.0.0.0",
            "::ffff:224.0.0.1",
        ] {
            assert!(!is_outside(address), "{address}");
            assert!(Reach::Anywhere.covers(address.parse().unwrap()));
        }
    }

    #[test]
    fn everything_else_is() {
        for address in ["10.0.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(is_outside(address), "{address}");
        }
    }
}
