//! Whether the process works, and whether it should be sent requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// The answers to `/livez` and `/readyz`.
///
/// Neither depends on the API server: losing it changes nothing for requests, and a
/// restart would bring nothing back.
#[derive(Debug)]
pub(crate) struct Health {
    start: Instant,
    /// When the control loop last said that it goes on, in milliseconds since the
    /// start.
    beat: AtomicU64,
    readiness: Mutex<Readiness>,
}

#[derive(Debug)]
enum Readiness {
    Waiting(String),
    Ready,
    Draining,
}

impl Health {
    /// The control loop goes on. To be said every second or so.
    pub(crate) fn beat(&self) {
        self.beat.store(self.now(), Ordering::Relaxed);
    }

    /// Sees a step of the control loop to its end, and says that the loop goes on
    /// meanwhile; but not for longer than a step ever takes that is not stuck.
    pub(crate) async fn during<T>(&self, step: impl Future<Output = T>) -> T {
        let mut step = std::pin::pin!(step);
        let start = Instant::now();
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                output = &mut step => {
                    self.beat();
                    return output;
                }
                _ = beats.tick(), if start.elapsed() < LONGEST_STEP => self.beat(),
            }
        }
    }

    /// It is not ready for want of this. Once it has been ready it stays so: what it
    /// serves it goes on serving.
    pub(crate) fn waiting_for(&self, what: impl Into<String>) {
        let mut readiness = self.lock();
        if let Readiness::Waiting(why) = &mut *readiness {
            *why = what.into();
        }
    }

    /// All that is configured is served for the first time.
    pub(crate) fn ready(&self) {
        let mut readiness = self.lock();
        if let Readiness::Waiting(_) = *readiness {
            *readiness = Readiness::Ready;
        }
    }

    /// Whoever sends requests should send them elsewhere. Until the end.
    pub(crate) fn draining(&self) {
        *self.lock() = Readiness::Draining;
    }

    /// Fails with what is wrong.
    pub(super) fn live(&self) -> Result<(), String> {
        // A drain ends by itself, and nothing else goes on.
        if let Readiness::Draining = *self.lock() {
            return Ok(());
        }
        let since = self.now().saturating_sub(self.beat.load(Ordering::Relaxed));
        if Duration::from_millis(since) <= PATIENCE {
            return Ok(());
        }
        Err(format!(
            "the control loop has said nothing for {} s",
            since / 1000
        ))
    }

    /// Fails with what is missing.
    pub(super) fn readiness(&self) -> Result<(), String> {
        match &*self.lock() {
            Readiness::Waiting(why) => Err(why.clone()),
            Readiness::Ready => Ok(()),
            Readiness::Draining => Err("the gateway is ending".to_owned()),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Readiness> {
        self.readiness
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            beat: AtomicU64::new(0),
            readiness: Mutex::new(Readiness::Waiting(
                "the configuration has not been read".to_owned(),
            )),
        }
    }
}

/// Without a beat for so long, the control loop is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

const BEAT: Duration = Duration::from_secs(1);

/// Reading and resolving everything takes less on the slowest of machines.
const LONGEST_STEP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn loop_that_says_nothing_is_not_alive() {
        let health = Health::default();

        advance(PATIENCE).await;
        assert_eq!(health.live(), Ok(()));
        advance(BEAT).await;
        assert!(health.live().is_err());
        health.beat();
        assert_eq!(health.live(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn long_step_is_alive_and_one_that_hangs_is_not() {
        let health = Health::default();

        health
            .during(async {
                sleep(LONGEST_STEP).await;
                assert_eq!(health.live(), Ok(()));
                sleep(PATIENCE + BEAT).await;
                assert!(health.live().is_err());
            })
            .await;

        assert_eq!(health.live(), Ok(()));
    }

    #[tokio::test]
    async fn what_was_ready_stays_so_until_the_end() {
        let health = Health::default();
        assert_eq!(
            health.readiness(),
            Err("the configuration has not been read".to_owned())
        );

        health.waiting_for("an address");
        assert_eq!(health.readiness(), Err("an address".to_owned()));
        health.ready();
        health.waiting_for("another address");
        assert_eq!(health.readiness(), Ok(()));
        health.draining();
        health.ready();
        assert!(health.readiness().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn drain_is_alive_however_long_it_takes() {
        let health = Health::default();

        health.draining();
        advance(PATIENCE * 10).await;

        assert_eq!(health.live(), Ok(()));
    }
}
