//! Not too much at once, and not too soon again.

use std::time::Duration;

use tokio::time::Instant;

/// So many a second, and some more after a rest.
#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    /// The time one token takes.
    each: Duration,
    burst: u32,
    /// When it was, or will be, empty.
    empty: Instant,
}

impl TokenBucket {
    /// A full one.
    pub(super) fn new(per_second: f64, burst: u32, now: Instant) -> Self {
        let each = Duration::try_from_secs_f64(per_second.max(0.001).recip()).unwrap_or_default();
        let full = each.saturating_mul(burst);

        Self {
            each,
            burst,
            empty: now.checked_sub(full).unwrap_or(now),
        }
    }

    /// When there is a token.
    pub(super) fn ready_at(&self) -> Instant {
        self.empty + self.each
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.ready_at() > now {
            return false;
        }
        // What does not fit in is lost.
        let full = self.each.saturating_mul(self.burst.max(1));
        let floor = now.checked_sub(full).unwrap_or(self.empty);
        self.empty = self.empty.max(floor) + self.each;
        true
    }
}

/// A time that doubles with every failure, and is never the same twice: those that fail
/// together should not come back together.
pub(super) fn backoff(first: Duration, most: Duration, failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let most = first.saturating_mul(doubled).min(most);

    most.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// When something that changes again and again is written: the first time at once, then
/// ever more rarely until it has been quiet for a while.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    gap: Duration,
}

impl Pace {
    /// When it can be written.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| now.max(last + self.gap))
    }

    /// It was written.
    pub(super) fn wrote(&mut self, now: Instant) {
        let busy = self.last.is_some_and(|last| now < last + Self::QUIET);
        self.gap = if busy {
            self.gap.saturating_mul(2).min(Self::LONGEST)
        } else {
            Self::SHORTEST
        };
        self.last = Some(now);
    }

    const SHORTEST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(1);
    const QUIET: Duration = Duration::from_secs(2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10.0, 5, start);
        let taken = |bucket: &mut TokenBucket, now| (0..100).filter(|_| bucket.take(now)).count();

        assert_eq!(taken(&mut bucket, start), 5);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(1)), 5);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(60)), 5);
        assert!(bucket.ready_at() > start + Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_all_the_time_is_written_ever_more_rarely() {
        let mut pace = Pace::default();
        let mut now = Instant::now();
        let start = now;
        let mut writes = 0;
        while now < start + Duration::from_secs(30) {
            now = pace.due(now);
            pace.wrote(now);
            writes += 1;
        }

        assert!((30..40).contains(&writes), "{writes}");
        let later = now + Duration::from_secs(3);
        assert_eq!(pace.due(later), later);
    }

    #[test]
    fn backing_off_doubles_up_to_a_limit() {
        for failures in 0..100 {
            let (first, most) = (Duration::from_millis(100), Duration::from_secs(10));
            let wait = backoff(first, most, failures);
            let full = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
            let full = full.min(most);
            assert!(full / 2 <= wait && wait <= full);
        }
    }
}
