//! A stack and who may enter it.

use std::net::IpAddr;
use std::sync::Arc;

use super::entry::{Entry, NoEntry};
use crate::l4::Stack;
use crate::stack::Share;

/// A route's stack, and what is asked before there is a connection or session for it.
#[derive(Debug)]
pub(crate) struct Policed<I> {
    stack: Stack<I>,
    /// None if nothing is asked, as mostly.
    entry: Option<Arc<Kept>>,
}

/// What is asked, and what it remembers for as long as it is there.
#[derive(Debug)]
struct Kept {
    entry: Entry,
    _shares: Vec<Share>,
}

impl<I> Policed<I> {
    pub(in crate::l4) fn new(stack: Stack<I>, entry: Entry, shares: Vec<Share>) -> Self {
        let asks = !entry.is_open();
        let kept = asks.then(|| {
            Arc::new(Kept {
                entry,
                _shares: shares,
            })
        });
        Self { stack, entry: kept }
    }

    /// Everything that happens to whoever has entered.
    pub(crate) fn stack(&self) -> &Stack<I> {
        &self.stack
    }

    /// As [`Entry::admit`].
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), NoEntry> {
        self.asked(|entry| entry.admit(client))
    }

    /// As [`Entry::check_address`].
    pub(in crate::l4) fn check_address(&self, client: IpAddr) -> Result<(), NoEntry> {
        self.asked(|entry| entry.check_address(client))
    }

    /// As [`Entry::count`].
    pub(in crate::l4) fn count(&self, client: IpAddr) -> Result<(), NoEntry> {
        self.asked(|entry| entry.count(client))
    }

    /// Whether whoever comes is asked nothing, at no cost.
    #[cfg(test)]
    pub(in crate::l4) fn asks_nothing(&self) -> bool {
        self.entry.is_none()
    }

    fn asked(&self, ask: impl FnOnce(&Entry) -> Result<(), NoEntry>) -> Result<(), NoEntry> {
        self.entry.as_ref().map_or(Ok(()), |kept| ask(&kept.entry))
    }
}

// By hand: a derive would ask it of what the stack is for.
impl<I> Clone for Policed<I> {
    fn clone(&self) -> Self {
        Self {
            stack: self.stack.clone(),
            entry: self.entry.clone(),
        }
    }
}
