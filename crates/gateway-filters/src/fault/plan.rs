//! What was drawn for one request.

use std::time::Duration;

use super::settings::{Delay, Fault};
use crate::Answer;

/// What is to happen to one request. By default nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultPlan {
    /// How long it waits first.
    pub delay: Option<Duration>,
    /// Whether it is then answered, instead of forwarded.
    pub abort: bool,
}

impl Fault {
    /// What is to happen to a request that draws these numbers.
    ///
    /// Only as many are drawn as are needed: first whether it is delayed, then by how much, then
    /// whether it is aborted.
    pub fn plan(&self, mut draw: impl FnMut() -> u32) -> FaultPlan {
        let delay = self.delay.as_ref().and_then(|delay| {
            let chosen = delay.share.chosen(draw());
            chosen.then(|| delay.length(&mut draw))
        });
        let abort = self.abort.as_ref();
        let abort = abort.is_some_and(|abort| abort.share.chosen(draw()));
        FaultPlan { delay, abort }
    }

    /// What those are answered that are aborted.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.abort.as_ref().map(|abort| &abort.answer)
    }
}

impl Delay {
    fn length(&self, mut draw: impl FnMut() -> u32) -> Duration {
        let range = self.max - self.min;
        if range.is_zero() {
            return self.min;
        }
        let part = range.as_nanos() / u128::from(u32::MAX);
        let rest = range.as_nanos() % u128::from(u32::MAX);
        // In two parts, so that no product is too large.
        let drawn = u128::from(draw());
        let nanoseconds = part * drawn + rest * drawn / u128::from(u32::MAX);
        self.min + Duration::from_nanos_u128(nanoseconds)
    }
}
