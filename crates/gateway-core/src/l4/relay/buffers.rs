//! Buffers that connections take turns with.

use std::cell::RefCell;

/// A buffer of this thread's store, to which it goes back.
#[derive(Debug)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// One of `size` bytes.
    pub(super) fn take(size: Size) -> Self {
        let stored = STORE.with_borrow_mut(|store| store[size as usize].pop());
        Self(stored.unwrap_or_else(|| vec![0; size.bytes()]))
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(size) = Size::of(&self.0) else {
            return;
        };
        let buffer = std::mem::take(&mut self.0);
        // A thread that ends has no store any more.
        let _ = STORE.try_with(|store| {
            if let Ok(mut store) = store.try_borrow_mut()
                && store[size as usize].len() < STORED
            {
                store[size as usize].push(buffer);
            }
        });
    }
}

/// How large a buffer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Size {
    /// For connections that have not carried much.
    Small,
    /// For those that have.
    Large,
}

impl Size {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Small => 16 * 1024,
            Self::Large => 64 * 1024,
        }
    }

    fn of(buffer: &[u8]) -> Option<Self> {
        [Self::Small, Self::Large]
            .into_iter()
            .find(|size| size.bytes() == buffer.len())
    }
}

thread_local! {
    static STORE: RefCell<[Vec<Vec<u8>>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// How many of each size a thread keeps. Most are needed only for as long as it takes
/// to read and to write.
const STORED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back() {
        let mut buffer = Buffer::take(Size::Large);
        buffer.bytes_mut()[0] = 7;
        drop(buffer);

        assert_eq!(Buffer::take(Size::Large).bytes()[0], 7);
        assert_eq!(Buffer::take(Size::Small).bytes().len(), 16 * 1024);
    }

    #[test]
    fn no_more_are_kept_than_are_of_use() {
        let buffers: Vec<_> = (0..2 * STORED).map(|_| Buffer::take(Size::Small)).collect();
        drop(buffers);

        STORE.with_borrow(|store| assert_eq!(store[Size::Small as usize].len(), STORED));
    }
}
