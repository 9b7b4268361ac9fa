//! Hashes that agree between processes, machines and releases.
//!
//! XXH3 is specified bit by bit, which the hashers of the standard library are not. It is no
//! secret: whoever chooses the input may choose the hash.

use std::net::{IpAddr, SocketAddr};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The hash of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The hash of an IP address; IPv4 is the same written as IPv6.
pub(crate) fn of_ip(ip: IpAddr) -> u64 {
    xxh3_64(&octets(ip))
}

/// The hash of an address and its port, another one for each `seed`.
pub(crate) fn of_address(address: SocketAddr, seed: u64) -> u64 {
    let mut bytes = [0; 18];
    bytes[..16].copy_from_slice(&octets(address.ip()));
    bytes[16..].copy_from_slice(&address.port().to_be_bytes());
    xxh3_64_with_seed(&bytes, seed)
}

/// Another hash for each `seed`, from a hash.
pub(crate) fn again(hash: u64, seed: u64) -> u64 {
    xxh3_64_with_seed(&hash.to_be_bytes(), seed)
}

fn octets(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers are a promise: replicas of different releases have to agree.
    #[test]
    fn hashes_are_the_same_in_every_release() {
        let address = SocketAddr::from(([10, 0, 0, 1], 8080));

        let hashes = [
            of(b""),
            of(b"eu-1a"),
            of_ip(address.ip()),
            of_address(address, 7),
            again(1, 2),
        ];

        assert_eq!(
            hashes,
            [
                0x2D06_8005_38D3_94C2,
                14_713_306_784_107_631_612,
                3_699_326_848_255_856_376,
                4_222_746_664_780_114_681,
                14_194_282_919_100_796_878,
            ]
        );
    }

    #[test]
    fn address_is_hashed_alike_in_both_notations() {
        let v4 = IpAddr::from([10, 0, 0, 1]);
        let v6: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");

        assert_eq!(of_ip(v4), of_ip(v6));
    }
}
