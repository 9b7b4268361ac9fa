//! Who is to fail, and how.

use std::time::Duration;

use super::error::InvalidFault;
use crate::{Answer, Fraction};

/// A share of requests to delay, and a share to abort. By default both are none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fault {
    pub(super) delay: Option<Delay>,
    pub(super) abort: Option<Abort>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Delay {
    pub(super) share: Fraction,
    pub(super) min: Duration,
    /// Not less than `min`.
    pub(super) max: Duration,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Abort {
    pub(super) share: Fraction,
    pub(super) answer: Answer,
}

impl Fault {
    /// No fault at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Delays `share` of all requests by `delay`.
    #[must_use]
    pub fn with_delay(mut self, share: Fraction, delay: Duration) -> Self {
        self.delay = Some(Delay {
            share,
            min: delay,
            max: delay,
        });
        self
    }

    /// Delays `share` of all requests, each by a time between `min` and `max`, all of which are
    /// as likely.
    ///
    /// # Errors
    ///
    /// If `min` is more than `max`.
    pub fn with_delay_between(
        mut self,
        share: Fraction,
        min: Duration,
        max: Duration,
    ) -> Result<Self, InvalidFault> {
        if min > max {
            return Err(InvalidFault::Delay { min, max });
        }
        self.delay = Some(Delay { share, min, max });
        Ok(self)
    }

    /// Answers `share` of all requests with `answer`, in the place of the service inside.
    #[must_use]
    pub fn with_abort(mut self, share: Fraction, answer: Answer) -> Self {
        self.abort = Some(Abort { share, answer });
        self
    }

    /// Whether nothing is delayed or aborted, whatever is drawn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let never = |share: &Fraction| share.numerator() == 0;
        let delays = self
            .delay
            .as_ref()
            .is_some_and(|delay| !never(&delay.share));
        let aborts = self
            .abort
            .as_ref()
            .is_some_and(|abort| !never(&abort.share));
        !delays && !aborts
    }
}
