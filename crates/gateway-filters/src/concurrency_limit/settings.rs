//! How many at once, and what becomes of the others.

use std::num::NonZeroU32;
use std::time::Duration;

use http::StatusCode;

use crate::answer::Answer;

/// How many requests are served at the same time, how many wait, and what the rest are told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConcurrencyLimit {
    max: NonZeroU32,
    queue: u32,
    wait: Duration,
    answer: Answer,
}

impl ConcurrencyLimit {
    /// Serves `max` requests at the same time, and refuses more at once.
    #[must_use]
    pub fn new(max: NonZeroU32) -> Self {
        Self {
            max,
            queue: 0,
            wait: Duration::ZERO,
            answer: Answer::text(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once"),
        }
    }

    /// Lets `length` more requests wait for their turn, each no longer than `wait`.
    ///
    /// By default none waits.
    #[must_use]
    pub fn with_queue(mut self, length: u32, wait: Duration) -> Self {
        self.queue = length;
        self.wait = wait;
        self
    }

    /// Answers this when there is no room, or no turn in time. The default is 503 with a short
    /// text.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// How many requests are served at the same time.
    #[must_use]
    pub fn max(&self) -> NonZeroU32 {
        self.max
    }

    /// How many requests may wait; 0 if there is no time to wait either.
    #[must_use]
    pub fn queue(&self) -> u32 {
        if self.wait.is_zero() { 0 } else { self.queue }
    }

    /// How long a request may wait.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// What is answered when there is no room.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }
}
