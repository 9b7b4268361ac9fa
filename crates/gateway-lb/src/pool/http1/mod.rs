//! HTTP/1.1 as a client speaks it, one exchange at a time on each connection.
//!
//! There is no task behind a connection and no channel: whoever waits for a response,
//! or for the next frame of its body, moves both directions along. While nothing is
//! under way a connection has no buffer. Heads are written into, and read from, memory
//! that the thread lends (see [`spare`]).
//!
//! | module | what it does |
//! |---|---|
//! | [`outgoing`] | a request on its way: head, body, chunks, trailers |
//! | [`fields`] | writes heads |
//! | [`incoming`] | a response on its way: its head, then the frames of its body |
//! | [`head`] | reads heads, strictly |
//! | [`body`], [`chunked`] | find the end of a body |
//! | [`connection`] | drives both over a transport, and says when it may be used again |

mod body;
mod chunked;
mod connection;
mod fields;
mod head;
mod incoming;
mod outgoing;
mod spare;
#[cfg(test)]
mod tests;

pub(super) use self::connection::{Connection, Transport};
pub(super) use self::outgoing::Outgoing;
