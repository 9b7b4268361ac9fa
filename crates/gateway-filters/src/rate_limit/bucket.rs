//! One bucket, shared by all threads, and those who wait at it.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::task::Waker;

use super::quota::{Quota, Standing};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering};

/// The state of a [`Quota`] for one key. A new one is full.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    state: AtomicU64,
    /// How many are in the queue, for those who only want to know whether anyone is.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    last: u64,
    waiters: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    ticket: Ticket,
    waker: Option<Waker>,
}

/// A place in the queue of a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket(u64);

/// What became of one who waits.
#[derive(Debug)]
pub(super) enum Turn {
    /// It has a token, and left the queue.
    Now(Standing),
    /// It is the first, and there will be a token then.
    At(u64),
    /// Others come first. It is woken when it is the first.
    Behind,
}

impl Bucket {
    /// Takes a token at `now`, if nobody waits for it.
    pub(super) fn take(&self, quota: &Quota, now: u64) -> Result<Standing, Standing> {
        match self.waiting.load(Ordering::Acquire) {
            0 => self.take_before_others(quota, now),
            ahead => Err(self.standing(quota, now, ahead)),
        }
    }

    /// Takes a token or, if that fails, a place in a queue of at most `length`, if its turn is
    /// before `latest`.
    pub(super) fn take_or_wait(
        &self,
        quota: &Quota,
        now: u64,
        length: usize,
        latest: u64,
    ) -> Result<Result<Standing, Ticket>, Standing> {
        if let Ok(standing) = self.take(quota, now) {
            return Ok(Ok(standing));
        }
        let mut queue = self.lock();
        let ahead = queue.waiters.len();
        if ahead == 0 {
            // The last may have left, or a token come back, meanwhile.
            if let Ok(standing) = self.take_before_others(quota, now) {
                return Ok(Ok(standing));
            }
        }
        let state = self.state.load(Ordering::Acquire);
        if ahead >= length || quota.turn_at(state, count(ahead + 1)) > latest {
            return Err(quota.standing(state, now, count(ahead)));
        }
        queue.last += 1;
        let ticket = Ticket(queue.last);
        queue.waiters.push_back(Waiter {
            ticket,
            waker: None,
        });
        self.waiting.store(ahead + 1, Ordering::Release);
        Ok(Err(ticket))
    }

    /// Takes a token for the holder of `ticket`, if it is the first. If not, `waker` is woken
    /// when it may have become so.
    pub(super) fn turn(&self, quota: &Quota, now: u64, ticket: Ticket, waker: &Waker) -> Turn {
        let mut queue = self.lock();
        let first = queue.waiters.front().map(|waiter| waiter.ticket);
        if first == Some(ticket) {
            return match self.take_before_others(quota, now) {
                Ok(standing) => {
                    let next = self.remove(&mut queue, 0);
                    drop(queue);
                    next.into_iter().for_each(Waker::wake);
                    Turn::Now(standing)
                }
                // Its own timer will wake it, not another waiter.
                Err(_) => Turn::At(quota.turn_at(self.state.load(Ordering::Acquire), 1)),
            };
        }
        let mut waiters = queue.waiters.iter_mut();
        if let Some(waiter) = waiters.find(|waiter| waiter.ticket == ticket) {
            match &mut waiter.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
        Turn::Behind
    }

    /// Gives up the place of `ticket`.
    pub(super) fn leave(&self, ticket: Ticket) {
        let mut queue = self.lock();
        let mut waiters = queue.waiters.iter();
        let Some(at) = waiters.position(|waiter| waiter.ticket == ticket) else {
            return;
        };
        let next = self.remove(&mut queue, at);
        drop(queue);
        next.into_iter().for_each(Waker::wake);
    }

    /// What is left at `now`, for one before whom `ahead` others wait.
    pub(super) fn standing(&self, quota: &Quota, now: u64, ahead: usize) -> Standing {
        quota.standing(self.state.load(Ordering::Acquire), now, count(ahead))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// When it is full, if no more is taken.
    pub(super) fn full_at(&self, quota: &Quota) -> u64 {
        quota.full_at(self.state.load(Ordering::Acquire))
    }

    fn take_before_others(&self, quota: &Quota, now: u64) -> Result<Standing, Standing> {
        let mut state = self.state.load(Ordering::Acquire);
        while let Some(after) = quota.take(state, now) {
            let swapped =
                self.state
                    .compare_exchange_weak(state, after, Ordering::AcqRel, Ordering::Acquire);
            match swapped {
                Ok(_) => return Ok(quota.standing(after, now, 0)),
                Err(current) => state = current,
            }
        }
        Err(quota.standing(state, now, 0))
    }

    /// Takes the waiter at `at` out. The waker is that of one who became the first by it.
    fn remove(&self, queue: &mut Queue, at: usize) -> Option<Waker> {
        queue.waiters.remove(at);
        self.waiting.store(queue.waiters.len(), Ordering::Release);
        if at > 0 {
            return None;
        }
        queue.waiters.front_mut()?.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Whoever panics while holding it has changed nothing by halves.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(waiters: usize) -> u32 {
    u32::try_from(waiters).unwrap_or(u32::MAX)
}
