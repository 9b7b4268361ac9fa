//! What goes wrong, and when.

use std::time::Duration;

use super::log::{Record, Requests};

/// What becomes of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// There is no connection: the request never arrives, and is not counted.
    Refuse,
    /// It is never answered.
    Hang,
    /// It is answered with this status and an object that says so.
    Status(u16),
    /// 429, with how many seconds to wait.
    TooManyRequests {
        /// In the header and in the answer.
        retry_after: u64,
    },
    /// What is asked for is too long ago: 410 for a list, and for a watch an event
    /// that says so, as an API server does.
    Gone,
    /// 410 as the answer to a watch.
    GoneAtOnce,
    /// The answer ends in the middle.
    Truncate,
    /// The answer comes in pieces of a few bytes, wherever they end, each a moment after the
    /// other.
    Drip {
        /// Of a piece.
        bytes: usize,
        /// Before each piece.
        pause: Duration,
    },
}

/// A fault that lies in wait.
#[derive(Debug)]
pub(super) struct Trap {
    pub(super) requests: Requests,
    pub(super) fault: Fault,
    /// How often it will still happen.
    pub(super) left: usize,
}

/// Takes the fault that this request meets, the one laid last first.
pub(super) fn spring(traps: &mut Vec<Trap>, record: &Record) -> Option<Fault> {
    let is_meant = |trap: &Trap| trap.requests.matches(record);
    let index = traps.iter().rposition(is_meant)?;
    let fault = traps[index].fault.clone();
    traps[index].left -= 1;
    if traps[index].left == 0 {
        traps.remove(index);
    }
    Some(fault)
}
