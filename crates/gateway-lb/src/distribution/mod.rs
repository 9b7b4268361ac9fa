//! Chooses among backends by weight.
//!
//! Implements the `weight` of the Gateway API's `BackendRef`: a backend gets the share of the
//! requests that its weight has of the sum of all weights. A weight of zero gets none, and where
//! all weights are zero there is nothing to choose.
//!
//! # Exact, not only on average
//!
//! Choices are not random. Each thread walks through the weights in steps that visit every point
//! of their sum once before any is visited again, in an order as even as the golden ratio makes
//! it. Of weights 7 and 3 every ten requests of a thread are split 7 to 3; with any weights a
//! backend is never more than a few requests away from its share, where random numbers would stray
//! by twenty in five hundred. Threads start at random points and know nothing of each other, so
//! that they write to no common memory.
//!
//! The price is that the order is regular: a client that alternates between two kinds of request
//! may find that one of two backends gets one kind only, as with any rotation. [`choose_with`]
//! takes the number from the caller instead, which also gives equal numbers equal backends.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | there is nothing to set but the weights |
//! | for each request | a search through the sums of the weights, and one number of the thread's own, which is allocated when it first chooses; nothing of this with one backend |
//! | misconfigured | any weights will do; if all are zero, `None` is chosen |
//! | overloaded | nothing waits, and nobody looks how busy a backend is |
//! | dropped half-way | the turn has passed, whatever becomes of the request |
//!
//! # Example
//!
//! ```
//! use gateway_lb::Distribution;
//!
//! let versions = Distribution::from_iter([("stable", 90), ("canary", 10), ("retired", 0)]);
//!
//! let chosen: Vec<_> = (0..100).filter_map(|_| versions.choose()).collect();
//!
//! assert_eq!(chosen.iter().filter(|version| **version == &"stable").count(), 90);
//! assert_eq!(chosen.iter().filter(|version| **version == &"canary").count(), 10);
//! ```
//!
//! [`choose_with`]: Distribution::choose_with

use std::cell::Cell;

use self::step::step;
use crate::fraction;
use crate::per_thread::PerThread;

mod step;
#[cfg(test)]
mod tests;

/// Backends and the share that each is to get. See the [module docs](self) for an example.
///
/// It cannot be cloned, because a clone would begin a sequence of its own; to use one in several
/// places share it in an [`Arc`](std::sync::Arc).
#[derive(Debug)]
pub struct Distribution<T> {
    shares: Box<[Share<T>]>,
    /// The sum of the weights, in lowest terms.
    total: u64,
    step: u64,
    points: PerThread<Cell<u64>>,
}

impl<T> Distribution<T> {
    /// The backend whose turn it is on this thread; `None` if no backend has a weight.
    ///
    /// If only one backend has a weight, nothing is computed. Otherwise it is a search through the
    /// sums of the weights, in a time that grows with the logarithm of the number of backends.
    #[must_use]
    pub fn choose(&self) -> Option<&T> {
        match &*self.shares {
            [] => None,
            [only] => Some(&only.backend),
            _ => self.at(self.next_point()),
        }
    }

    /// The backend that `random` falls on, if all its 64 bits are used evenly.
    ///
    /// Equal numbers give equal backends. `None` if no backend has a weight.
    #[must_use]
    pub fn choose_with(&self, random: u64) -> Option<&T> {
        self.at(fraction::point(random, self.total))
    }

    /// The backends with a weight above zero, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&T, u32)> {
        self.shares
            .iter()
            .map(|share| (&share.backend, share.weight))
    }

    /// How many backends have a weight above zero.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether no backend has a weight above zero, so that nothing is ever chosen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    fn at(&self, point: u64) -> Option<&T> {
        let index = self.shares.partition_point(|share| share.end <= point);
        self.shares.get(index).map(|share| &share.backend)
    }

    fn next_point(&self) -> u64 {
        let cell = self
            .points
            .get_or(|| Cell::new(fastrand::u64(0..self.total)));
        let point = cell.get();

        let next = point + self.step;
        cell.set(if next < self.total {
            next
        } else {
            next - self.total
        });

        point
    }
}

/// Takes every weight as it is: the API allows 0 to 1 000 000, any `u32` will do.
impl<T> FromIterator<(T, u32)> for Distribution<T> {
    fn from_iter<I: IntoIterator<Item = (T, u32)>>(backends: I) -> Self {
        let mut shares: Vec<_> = backends
            .into_iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(backend, weight)| Share {
                backend,
                weight,
                end: 0,
            })
            .collect();

        // In lowest terms a round is as short as it can be: 50 and 50 alternate.
        let unit = shares
            .iter()
            .fold(0, |unit, share| step::gcd(unit, u64::from(share.weight)));
        let mut total = 0;
        for share in &mut shares {
            total += u64::from(share.weight) / unit;
            share.end = total;
        }

        Self {
            shares: shares.into(),
            total,
            step: step(total),
            points: PerThread::new(),
        }
    }
}

#[derive(Debug)]
struct Share<T> {
    backend: T,
    weight: u32,
    /// The first point that is no longer this backend's; its points begin where the last one's end.
    end: u64,
}
