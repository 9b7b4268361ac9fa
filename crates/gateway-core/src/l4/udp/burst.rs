//! Datagrams that arrived together.

use bytes::Bytes;

/// One or more datagrams in a row, all of one size but the last, which may be
/// shorter: as the kernel gives and takes them at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Datagrams<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl<'a> Datagrams<'a> {
    /// One datagram.
    pub fn one(bytes: &'a [u8]) -> Self {
        Self::split(bytes, bytes.len())
    }

    /// `bytes` as datagrams of `size` bytes each; one, if that is 0.
    pub fn split(bytes: &'a [u8], size: usize) -> Self {
        let size = match size {
            0 => bytes.len(),
            size => size.min(bytes.len()),
        };
        Self { bytes, size }
    }

    /// Each datagram.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        // An empty datagram is a datagram, too.
        let empty = self.bytes.is_empty().then_some(self.bytes);
        empty.into_iter().chain(self.bytes.chunks(self.size.max(1)))
    }

    /// All of them, one after the other.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The size of each but the last.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A copy to keep.
    #[must_use]
    pub fn to_burst(&self) -> Burst {
        Burst {
            bytes: Bytes::copy_from_slice(self.bytes),
            size: self.size,
        }
    }
}

/// [`Datagrams`] to keep. Cheap to clone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Burst {
    bytes: Bytes,
    size: usize,
}

impl Burst {
    /// One datagram.
    pub fn one(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            size: bytes.len(),
            bytes,
        }
    }

    /// To read.
    #[must_use]
    pub fn as_datagrams(&self) -> Datagrams<'_> {
        Datagrams {
            bytes: &self.bytes,
            size: self.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn empty_datagram_is_one() {
        assert_eq!(Datagrams::one(b"").iter().count(), 1);
        assert_eq!(Datagrams::split(b"", 5).iter().count(), 1);
    }

    #[test]
    fn last_may_be_shorter() {
        let datagrams: Vec<_> = Datagrams::split(b"aabbc", 2).iter().collect();

        assert_eq!(datagrams, [&b"aa"[..], b"bb", b"c"]);
    }

    proptest! {
        /// Nothing is lost or added, whatever the sizes.
        #[test]
        fn datagrams_are_all_the_bytes(bytes: Vec<u8>, size in any::<usize>()) {
            let datagrams = Datagrams::split(&bytes, size);

            prop_assert_eq!(datagrams.iter().collect::<Vec<_>>().concat(), bytes.clone());
            let burst = datagrams.to_burst();
            prop_assert_eq!(burst.as_datagrams(), datagrams);
        }
    }
}
