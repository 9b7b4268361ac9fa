//! One of several processes is the leader.
//!
//! Processes agree by a Lease that its holder renews. Nobody trusts the clock of
//! another: a Lease has run out once it was seen unchanged, by whoever looks, for as long
//! as it says. Its holder stops to lead a good while before, counted from when it began
//! to renew it the last time.

mod election;
mod settings;
mod task;
mod term;
#[cfg(test)]
mod tests;

use std::fmt;

use kube::Client;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use self::task::{Flag, Task};
use self::term::Term;

pub use self::settings::LeaseSettings;

/// A candidate for the lead. Dropping it gives up the lead at once, without telling the
/// others: they wait until the Lease has run out.
pub struct Leader {
    leading: watch::Receiver<bool>,
    term: Term,
    release: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Leader {
    /// Becomes a candidate, on the runtime that this is called on.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn new(client: Client, settings: LeaseSettings) -> Self {
        let (sender, leading) = watch::channel(false);
        let (release, released) = oneshot::channel();
        let term = Term::default();
        let task = Task::new(client, settings, Flag::new(sender, term.clone()));

        Self {
            leading,
            term,
            release: Some(release),
            task: tokio::spawn(task.run(released)),
        }
    }

    /// Whether this is the leader, from now on. Never true of two at once.
    pub fn leading(&self) -> watch::Receiver<bool> {
        self.leading.clone()
    }

    /// `client`, which refuses to change anything while this is not the leader.
    ///
    /// Whoever writes learns a little late from [`leading`](Self::leading) that the lead
    /// is lost: a process that stood still may go on with a write that was due long ago.
    /// With this client it fails here.
    pub fn confine(&self, client: Client) -> Client {
        self.term.confine(client)
    }

    /// Gives up the lead and tells the others, so that one of them can have it at once.
    ///
    /// Whatever is done only by a leader should have ended before. Takes no longer than
    /// a few seconds; dropping the future is like dropping the candidate.
    pub async fn release(mut self) {
        if let Some(release) = self.release.take() {
            // Nobody listens to it if the task is gone, and then nothing is held.
            let _ = release.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader")
            .field("leading", &*self.leading.borrow())
            .finish_non_exhaustive()
    }
}
