//! Whether the API server is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use kube::{Client, Error};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::failure::Failure;

/// Lets everybody who waits for an API server that was away try again as soon as it
/// is back, though each waits ever longer.
///
/// One small request every few seconds finds that out, instead of one from each.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    waiting: Arc<AtomicUsize>,
    /// How often somebody began to wait.
    calls: watch::Sender<u64>,
    /// How often the API server came back.
    returns: watch::Sender<u64>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            waiting: Arc::default(),
            calls: watch::Sender::new(0),
            returns: watch::Sender::new(0),
        }
    }

    /// Waits for so long, or less if there was an outage and it is over.
    pub(super) async fn wait(&self, delay: Duration, failure: &Failure) {
        if !failure.is_outage() {
            return sleep(delay).await;
        }
        let mut returns = self.returns.subscribe();
        let _waiting = Waiting::new(self);
        tokio::select! {
            () = sleep(delay) => {}
            _ = returns.changed() => sleep(up_to(SPREAD)).await,
        }
    }

    /// Looks whether the API server is there while somebody waits for it, for ever.
    pub(super) async fn run(self, client: Client) {
        let mut calls = self.calls.subscribe();
        let mut was_away = false;
        loop {
            if self.waiting.load(Ordering::Relaxed) == 0 {
                was_away = false;
                // It cannot end: this has the sender.
                let _ = calls.changed().await;
            }
            sleep(INTERVAL + up_to(INTERVAL)).await;
            if !is_there(&client).await {
                was_away = true;
            } else if std::mem::take(&mut was_away) {
                self.returns.send_modify(|returns| *returns += 1);
            }
        }
    }
}

/// Counts who waits, also when that is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(pulse: &'a Pulse) -> Self {
        pulse.waiting.fetch_add(1, Ordering::Relaxed);
        pulse.calls.send_modify(|calls| *calls += 1);
        Self(&pulse.waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An API server that refuses to say its version is there.
async fn is_there(client: &Client) -> bool {
    let Ok(request) = Request::get("/version").body(Vec::new()) else {
        return false;
    };
    match timeout(ANSWER, client.request_text(request)).await {
        Ok(Ok(_)) => true,
        Ok(Err(Error::Api(status))) => status.code < 500,
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Some time, by chance.
pub(super) fn up_to(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// How often to look, at least; at most half as often.
const INTERVAL: Duration = Duration::from_millis(1_500);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Over how long they come back who waited.
const SPREAD: Duration = Duration::from_millis(500);
