//! What a client keeps of its session.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, MAX_TAG_LEN, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;

/// A key that tokens are encrypted with. All replicas need the same one.
///
/// It does not show itself.
#[derive(Clone, Eq, PartialEq)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// A key of 32 bytes that nobody can guess.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key of random bytes. Sessions end with the process and are not known to its replicas.
    ///
    /// # Errors
    ///
    /// [`NoRandomness`] if the system has none to give.
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionKey").finish_non_exhaustive()
    }
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness;

/// What a token says, once it is known to be ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Token {
    address: SocketAddr,
    issued: u64,
}

impl Token {
    /// A token of the endpoint at `address`, issued at `now`.
    pub(super) fn new(address: SocketAddr, now: SystemTime) -> Self {
        Self {
            address,
            issued: seconds(now),
        }
    }

    /// Where the session is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is older than `timeout`, or from the future by more than clocks differ.
    pub(super) fn has_ended(&self, timeout: Option<Duration>, now: SystemTime) -> bool {
        let now = seconds(now);
        let age = Duration::from_secs(now.saturating_sub(self.issued));
        timeout.is_some_and(|timeout| age >= timeout) || self.issued > now + CLOCK_SKEW
    }

    fn to_bytes(self) -> [u8; CONTENT_LEN] {
        let ip = match self.address.ip() {
            // All tokens are of one length, which says nothing of the network.
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let mut bytes = [0; CONTENT_LEN];
        bytes[..16].copy_from_slice(&ip.octets());
        bytes[16..18].copy_from_slice(&self.address.port().to_be_bytes());
        bytes[18..].copy_from_slice(&self.issued.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ip, rest) = bytes.split_first_chunk::<16>()?;
        let (port, rest) = rest.split_first_chunk::<2>()?;
        let issued = rest.try_into().ok()?;
        let ip = Ipv6Addr::from(*ip);
        let ip = ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4);
        Some(Self {
            address: SocketAddr::new(ip, u16::from_be_bytes(*port)),
            issued: u64::from_be_bytes(issued),
        })
    }
}

/// Opens and seals tokens with one key.
pub(super) struct Seal(RandomizedNonceKey);

impl Seal {
    pub(super) fn new(key: &SessionKey) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, &key.0);
        Self(key.expect("a key of 32 bytes is what the algorithm wants"))
    }

    /// The token in hexadecimal digits: nonce, content, tag. `None` without randomness.
    pub(super) fn seal(&self, token: Token, bound_to: &[u8]) -> Option<String> {
        let mut content = token.to_bytes();
        let (nonce, tag) = self
            .0
            .seal_in_place_separate_tag(Aad::from(bound_to), &mut content)
            .ok()?;

        let mut text = String::with_capacity(2 * TOKEN_LEN);
        for byte in nonce.as_ref().iter().chain(&content).chain(tag.as_ref()) {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        Some(text)
    }

    /// What `text` says, if it was sealed with this key and is bound to the same.
    pub(super) fn open(&self, text: &[u8], bound_to: &[u8]) -> Option<Token> {
        let mut bytes = [0; TOKEN_LEN];
        if text.len() != 2 * TOKEN_LEN {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(digits[0])? << 4 | digit(digits[1])?;
        }

        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let content = self
            .0
            .open_in_place(nonce, Aad::from(bound_to), sealed)
            .ok()?;
        Token::from_bytes(content)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

/// `text`, if it is written as tokens are.
pub(super) fn is_token(text: &[u8]) -> Option<&str> {
    let written = text.len() == 2 * TOKEN_LEN && text.iter().all(|byte| digit(*byte).is_some());
    std::str::from_utf8(text).ok().filter(|_| written)
}

/// Only the digits that are written are read, so that a token has one spelling.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// An IPv6 address, a port and a time.
const CONTENT_LEN: usize = 16 + 2 + 8;
const TOKEN_LEN: usize = NONCE_LEN + CONTENT_LEN + MAX_TAG_LEN;
/// How far the clocks of replicas may be apart, in seconds.
const CLOCK_SKEW: u64 = 60;
