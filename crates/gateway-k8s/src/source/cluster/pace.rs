//! How long to wait after a failure.

use std::time::Duration;

use kube::runtime::watcher::DefaultBackoff;

/// The time between attempts: it doubles from a second or so to half a minute, with
/// some chance in it, and begins anew after two minutes without a failure.
pub(super) struct Pace {
    backoff: DefaultBackoff,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            backoff: DefaultBackoff::default(),
        }
    }

    /// How long to wait now, and no shorter than was asked for.
    pub(super) fn delay(&mut self, asked: Option<Duration>) -> Duration {
        let delay = self.backoff.next().unwrap_or(LONGEST);
        delay.max(asked.unwrap_or_default().min(PATIENCE))
    }
}

const LONGEST: Duration = Duration::from_secs(30);

/// Who asks for more is asked again.
const PATIENCE: Duration = Duration::from_secs(300);
