//! How long to wait after a failure.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use super::pulse::up_to;

/// The time between attempts: it doubles from a second or so to half a minute, with
/// some chance in it, and begins anew after two minutes without a failure.
pub(super) struct Pace {
    next: Duration,
    failed: Option<Instant>,
    was_away: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            next: SHORTEST,
            failed: None,
            was_away: false,
        }
    }

    /// How long to wait after this failure, and no shorter than was asked for.
    pub(super) fn after(&mut self, failure: &Failure) -> Duration {
        let was_away = mem::replace(&mut self.was_away, failure.is_outage());
        if was_away && !self.was_away {
            // An API server that answers again refuses for a while what it is not ready for.
            // How long it was away says nothing of that.
            self.next = SHORTEST;
        }
        self.delay(failure.retry_after())
    }

    /// How long to wait now, and no shorter than was asked for.
    pub(super) fn delay(&mut self, asked: Option<Duration>) -> Duration {
        let now = Instant::now();
        if self.failed.is_some_and(|failed| now - failed > FORGOTTEN) {
            self.next = SHORTEST;
        }
        let delay = self.next + up_to(self.next);
        self.next = (self.next * 2).min(LONGEST);
        // The wait itself is no time without a failure.
        self.failed = Some(now + delay);

        delay.max(asked.unwrap_or_default().min(PATIENCE))
    }
}

const SHORTEST: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(30);
const FORGOTTEN: Duration = Duration::from_secs(120);

/// Who asks for more is asked again.
const PATIENCE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_limit_and_begin_anew_after_a_quiet_time() {
        let mut pace = Pace::new();
        let mut waits = Vec::new();
        for _ in 0..12 {
            let delay = pace.delay(None);
            advance(delay).await;
            waits.push(delay);
        }

        assert!(waits[0] >= SHORTEST && waits[0] <= SHORTEST * 2);
        assert!(waits[11] >= LONGEST && waits[11] <= LONGEST * 2);
        advance(FORGOTTEN * 2).await;
        assert!(pace.delay(None) <= SHORTEST * 2);
        assert_eq!(pace.delay(Some(PATIENCE)), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_it_was_away_says_nothing_of_how_long_it_needs() {
        let mut pace = Pace::new();
        for _ in 0..12 {
            advance(pace.after(&Failure::Slow)).await;
        }
        let busy = kube::core::Status::failure("not ready", "TooManyRequests").with_code(429);
        let busy = Failure::Client(kube::Error::Api(Box::new(busy)));

        assert!(pace.after(&busy) <= SHORTEST * 2);
        assert!(pace.after(&busy) > SHORTEST);
    }
}
