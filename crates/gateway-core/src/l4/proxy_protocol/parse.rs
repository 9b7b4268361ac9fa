//! Reads a header out of bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Addresses;

/// What some bytes are the beginning of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Parsed {
    /// Of a header, if the right bytes follow.
    Incomplete,
    /// Of a header, which is so long. Without addresses it says nothing of whom the
    /// connection is from, and it is from whoever sent it.
    Header {
        length: usize,
        addresses: Option<Addresses>,
    },
    /// Of something else.
    Invalid,
}

/// Looks for a header at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    if begins(bytes, SIGNATURE) {
        version_2(bytes)
    } else if begins(bytes, WORD) {
        version_1(bytes)
    } else {
        Parsed::Invalid
    }
}

/// Whether `bytes` agree with `expected` as far as both go.
fn begins(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(one, other)| one == other)
}

fn version_1(bytes: &[u8]) -> Parsed {
    let line = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = line.windows(2).position(|two| two == b"\r\n") else {
        return if bytes.len() < LONGEST_LINE {
            Parsed::Incomplete
        } else {
            Parsed::Invalid
        };
    };
    let length = end + 2;
    if line[..end] == *UNKNOWN || line[..end].starts_with(b"PROXY UNKNOWN ") {
        return Parsed::Header {
            length,
            addresses: None,
        };
    }
    match std::str::from_utf8(&line[..end]).ok().and_then(addresses) {
        Some(addresses) => Parsed::Header {
            length,
            addresses: Some(addresses),
        },
        None => Parsed::Invalid,
    }
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 1234 80`
fn addresses(line: &str) -> Option<Addresses> {
    let mut fields = line.split(' ');
    let mut next = || fields.next();
    let is_v4 = match (next()?, next()?) {
        ("PROXY", "TCP4") => true,
        ("PROXY", "TCP6") => false,
        _ => return None,
    };
    let address = |text: &str| -> Option<IpAddr> {
        if is_v4 {
            text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        } else {
            text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
        }
    };
    let (source, destination) = (address(next()?)?, address(next()?)?);
    let (from, to) = (port(next()?)?, port(next()?)?);
    next().is_none().then(|| Addresses {
        source: SocketAddr::new(source, from),
        destination: SocketAddr::new(destination, to),
    })
}

fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zeros = text.len() > 1 && text.starts_with('0');
    (is_plain && !has_zeros).then(|| text.parse().ok())?
}

fn version_2(bytes: &[u8]) -> Parsed {
    let Some((head, rest)) = bytes.split_first_chunk::<16>() else {
        return Parsed::Incomplete;
    };
    let [.., command, family, high, low] = *head;
    let rest_length = usize::from(u16::from_be_bytes([high, low]));
    let length = head.len() + rest_length;
    if length > LONGEST {
        return Parsed::Invalid;
    }
    let Some(rest) = rest.get(..rest_length) else {
        // Nonsense is known for what it is before all of it is there.
        return match (command, family) {
            (0x20 | 0x21, 0x00 | 0x11 | 0x12 | 0x21 | 0x22 | 0x31 | 0x32) => Parsed::Incomplete,
            _ => Parsed::Invalid,
        };
    };

    let addresses = match (command, family) {
        // The sender speaks for itself, or of what has no addresses that we know.
        (0x20, _) | (0x21, 0x00 | 0x31 | 0x32) => Some(None),
        (0x21, 0x11 | 0x12) => binary::<4>(rest).map(Some),
        (0x21, 0x21 | 0x22) => binary::<16>(rest).map(Some),
        _ => None,
    };
    match addresses {
        Some(addresses) => Parsed::Header { length, addresses },
        None => Parsed::Invalid,
    }
}

/// Two addresses of `N` bytes, and two ports.
fn binary<const N: usize>(bytes: &[u8]) -> Option<Addresses>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = bytes.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let (to, _) = rest.split_first_chunk::<2>()?;
    Some(Addresses {
        source: (IpAddr::from(*source), u16::from_be_bytes(*from)).into(),
        destination: (IpAddr::from(*destination), u16::from_be_bytes(*to)).into(),
    })
}

/// What version 2 begins with.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What version 1 begins with.
const WORD: &[u8] = b"PROXY ";

const UNKNOWN: &[u8] = b"PROXY UNKNOWN";

/// With the end of the line.
const LONGEST_LINE: usize = 107;

/// Of version 2; a bound of our own, as the field would allow 64 KiB.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::super::header;
    use super::*;
    use crate::model::ProxyVersion;

    fn found(source: &str, destination: &str, length: usize) -> Parsed {
        Parsed::Header {
            length,
            addresses: Some(Addresses {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
            }),
        }
    }

    #[test]
    fn lines_are_read() {
        let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nGET /";
        assert_eq!(parse(line), found("192.0.2.1:1234", "192.0.2.2:80", 40));

        let line = b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n";
        assert_eq!(parse(line), found("[2001:db8::1]:0", "[::1]:65535", 36));
    }

    #[test]
    fn unknown_is_a_header_without_addresses() {
        for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever\r\n"] {
            let expected = Parsed::Header {
                length: line.len(),
                addresses: None,
            };
            assert_eq!(parse(line.as_bytes()), expected);
        }
    }

    #[test]
    fn lines_that_are_not_exactly_right_are_refused() {
        for line in [
            "PROXY TCP4 192.0.2.1 192.0.2.2 1234\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80 1\r\n",
            "PROXY TCP4  192.0.2.1 192.0.2.2 1234 80\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 01234 80\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 +1234 80\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n",
            "PROXY TCP6 192.0.2.1 192.0.2.2 1 1\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 1 1\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY \r\n",
            "proxy TCP4 192.0.2.1 192.0.2.2 1234 80\r\n",
            "GET / HTTP/1.1\r\n",
        ] {
            assert_eq!(parse(line.as_bytes()), Parsed::Invalid, "{line}");
        }
        let long = ["PROXY UNKNOWN ", &"x".repeat(100), "\r\n"].concat();
        assert_eq!(parse(long.as_bytes()), Parsed::Invalid);
    }

    #[test]
    fn local_connections_are_from_whoever_sent_them() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0x20, 0, 0, 3, 1, 2, 3]);

        let expected = Parsed::Header {
            length: 19,
            addresses: None,
        };
        assert_eq!(parse(&bytes), expected);
    }

    #[test]
    fn binary_nonsense_is_refused() {
        for tail in [
            [0x11, 0x11, 0, 12], // version 1
            [0x22, 0x11, 0, 12], // no command
            [0x21, 0x41, 0, 12], // no family
            [0x21, 0x11, 16, 0], // too long
        ] {
            let bytes = [SIGNATURE, &tail].concat();
            assert_eq!(parse(&bytes), Parsed::Invalid, "{tail:?}");
        }
        let short = [SIGNATURE, &[0x21, 0x11, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(parse(&short), Parsed::Invalid);
    }

    fn version(second: bool) -> ProxyVersion {
        if second {
            ProxyVersion::V2
        } else {
            ProxyVersion::V1
        }
    }

    proptest! {
        /// Whatever is written is read, and says the same of both ends.
        #[test]
        fn what_is_written_is_read(source: SocketAddr, destination: SocketAddr, second: bool) {
            let bytes = header(version(second), source, destination);

            let Parsed::Header { length, addresses: Some(addresses) } = parse(&bytes) else {
                panic!("{bytes:?}");
            };
            prop_assert_eq!(length, bytes.len());
            let plain = |address: SocketAddr| (address.ip().to_canonical(), address.port());
            prop_assert_eq!(plain(addresses.source), plain(source));
            prop_assert_eq!(plain(addresses.destination), plain(destination));
        }

        /// No part of a header is taken for a whole one or for something else, and what
        /// follows does not change what it says.
        #[test]
        fn parts_are_incomplete(
            source: SocketAddr, destination: SocketAddr, second: bool, behind: Vec<u8>,
        ) {
            let whole = header(version(second), source, destination);
            for length in 0..whole.len() {
                prop_assert_eq!(parse(&whole[..length]), Parsed::Incomplete);
            }

            let with_more = [whole.clone(), behind].concat();
            prop_assert_eq!(parse(&with_more), parse(&whole));
        }

        /// Garbage is never longer than it is, wherever it ends.
        #[test]
        fn garbage_does_no_harm(mut bytes: Vec<u8>, begin in 0..3, rest in any::<[u8; 4]>()) {
            match begin {
                0 => {}
                1 => bytes.splice(0..0, WORD.iter().copied()).for_each(drop),
                _ => bytes.splice(0..0, SIGNATURE.iter().copied().chain(rest)).for_each(drop),
            }

            if let Parsed::Header { length, .. } = parse(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
