//! Waiting for what must come.

use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

/// What `look` finds, when it does.
///
/// # Panics
///
/// If it does not within `limit`, naming `what` was waited for.
#[track_caller]
pub(crate) fn within<T>(limit: Duration, what: &str, look: impl FnMut() -> Option<T>) -> T {
    timed(limit, what, look).0
}

/// The same, and how long it took.
#[track_caller]
pub(crate) fn timed<T>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, start.elapsed());
        }
        assert!(start.elapsed() < limit, "in vain for {limit:?}: {what}");
        sleep(PAUSE);
    }
}

/// Whether it holds within `limit`.
pub(crate) fn eventually(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > limit {
            return false;
        }
        sleep(PAUSE);
    }
    true
}

/// Fails as soon as `holds` does not, within `time`.
#[track_caller]
pub(crate) fn throughout(time: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < time {
        let after = start.elapsed();
        assert!(holds(), "no longer after {after:?}: {what}");
        sleep(PAUSE);
    }
}

/// Does something again and again for `time`, as often as `every` says if that can be kept up
/// with, and says how often it was.
pub(crate) fn paced(time: Duration, every: Duration, mut act: impl FnMut(u32)) -> u32 {
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        act(count);
        count += 1;
        sleep((start + every * count).saturating_duration_since(Instant::now()));
    }
    count
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Longer than anything takes that has no limit of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);
