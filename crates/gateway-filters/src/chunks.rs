//! Bytes of a body that are kept for someone else.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// A queue of bytes whose cost is close to the number of its bytes.
///
/// Chunks are shared, not copied; but when there are many, small ones are copied
/// together. A client that sends a body byte by byte could else make the gateway
/// keep far more than it sent, for each chunk costs a handle and may hold on to
/// the whole buffer it was read into.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    whole: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

impl Chunks {
    /// The number of bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(any(test, feature = "mirror"))]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, data: &Bytes) {
        if data.is_empty() {
            return;
        }
        self.len += data.len();
        if self.whole.len() >= FEW && data.len() < SMALL {
            self.tail.extend_from_slice(data);
        } else {
            self.seal();
            self.whole.push_back(data.clone());
        }
    }

    #[cfg(any(test, feature = "mirror"))]
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.whole.is_empty() {
            self.seal();
        }
        let chunk = self.whole.pop_front()?;
        self.len -= chunk.len();
        Some(chunk)
    }

    /// The chunk at `index`, of those sealed.
    pub(crate) fn get(&self, index: usize) -> Option<&Bytes> {
        self.whole.get(index)
    }

    /// The first bytes, `most` at most, of those sealed. They are copied if they are of several
    /// chunks.
    pub(crate) fn first(&self, most: usize) -> Bytes {
        match self.whole.front() {
            None => Bytes::new(),
            Some(only) if only.len() >= most || self.whole.len() == 1 => {
                only.slice(..only.len().min(most))
            }
            Some(_) => {
                let mut bytes = BytesMut::with_capacity(self.len.min(most));
                for chunk in &self.whole {
                    let left = most - bytes.len();
                    bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
                }
                bytes.freeze()
            }
        }
    }

    /// The bytes from the chunk at `index` on.
    pub(crate) fn len_from(&self, index: usize) -> usize {
        let before: usize = self.whole.iter().take(index).map(Bytes::len).sum();
        self.len - before
    }

    /// Makes every byte part of some chunk that [`get`](Self::get) finds.
    pub(crate) fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.whole.push_back(self.tail.split().freeze());
        }
    }

    /// Drops all bytes and their memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// So many chunks are shared however small they are: most bodies have no more.
const FEW: usize = 16;

/// A chunk of fewer bytes is cheaper to copy than to share, once there are many.
const SMALL: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn bodies() -> impl Strategy<Value = Vec<Bytes>> {
        let size = prop_oneof![4 => 0..40_usize, 1 => 500..700_usize];
        let chunk = (any::<u8>(), size).prop_map(|(byte, size)| Bytes::from(vec![byte; size]));
        vec(chunk, 0..60)
    }

    fn keep(body: &[Bytes]) -> Chunks {
        let mut chunks = Chunks::default();
        body.iter().for_each(|data| chunks.push(data));
        chunks
    }

    #[test]
    fn byte_by_byte_is_copied_together() {
        let body = vec![Bytes::from_static(b"x"); 5_000];

        let mut chunks = keep(&body);
        chunks.seal();

        assert_eq!(chunks.len(), 5_000);
        assert_eq!(chunks.whole.len(), FEW + 1);
    }

    proptest! {
        /// Bytes come out in the order they went in, popped or read by index or from the first.
        #[test]
        fn bytes_keep_their_order(body in bodies(), most in 0..2_000_usize) {
            let expected = body.concat();
            let mut chunks = keep(&body);
            chunks.seal();

            let read = (0..).map_while(|index| chunks.get(index).cloned()).collect::<Vec<_>>();
            prop_assert_eq!(read.concat(), expected.clone());

            prop_assert_eq!(chunks.first(most), &expected[..expected.len().min(most)]);

            let popped = std::iter::from_fn(|| chunks.pop()).collect::<Vec<_>>();
            prop_assert_eq!(popped.concat(), expected);
            prop_assert!(chunks.is_empty());
        }

        /// The length is that of what would be popped, from every chunk on.
        #[test]
        fn length_is_that_of_the_bytes(body in bodies(), pops in 0..20_usize) {
            let mut chunks = keep(&body);
            let popped: usize = (0..pops).filter_map(|_| chunks.pop()).map(|c| c.len()).sum();

            prop_assert_eq!(chunks.len() + popped, body.concat().len());
            prop_assert_eq!(chunks.len_from(0), chunks.len());
            if let Some(first) = chunks.get(0) {
                prop_assert_eq!(chunks.len_from(1), chunks.len() - first.len());
            }
        }
    }
}
