//! Buffers that a thread lends to whichever connection has something to say.
//!
//! Most messages are written and read in one go, so one buffer each way serves all
//! connections of a thread: it stays in the cache, and connections that wait have none.

use std::cell::Cell;

use bytes::BytesMut;

/// A buffer to read into, with room for [`READ`] bytes.
pub(super) fn lend_input() -> BytesMut {
    let mut buffer = INPUT.try_with(Cell::take).unwrap_or_default();
    // What was frozen out of it is room again once nobody needs that any more.
    buffer.reserve(READ);
    buffer
}

/// Takes back a buffer whose bytes are no longer needed.
pub(super) fn return_input(mut buffer: BytesMut) {
    buffer.clear();
    if buffer.capacity() <= MOST {
        // A thread that is about to end needs no buffer.
        let _: Result<(), _> = INPUT.try_with(|spare| spare.set(buffer));
    }
}

/// An empty buffer to write a head into.
pub(super) fn lend_output() -> Vec<u8> {
    OUTPUT.try_with(Cell::take).unwrap_or_default()
}

/// Takes back a buffer whose bytes are written.
pub(super) fn return_output(mut buffer: Vec<u8>) {
    buffer.clear();
    if buffer.capacity() <= MOST {
        let _: Result<(), _> = OUTPUT.try_with(|spare| spare.set(buffer));
    }
}

thread_local! {
    static INPUT: Cell<BytesMut> = Cell::default();
    static OUTPUT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How much is read at a time. More saves calls for large bodies, and costs nothing for
/// small ones: memory that is not written to is not touched.
pub(super) const READ: usize = 64 * 1024;

/// What a thread keeps. Larger buffers came with one large head.
const MOST: usize = 2 * READ;
