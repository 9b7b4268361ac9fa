//! Tells of new problems where people look first.
//!
//! `kubectl describe` shows Events beside the object they are about. There is one for
//! every condition that was led to by a problem, and for every object that cannot be read,
//! when it comes to be so; if the same happens again soon, that one counts it. They are a
//! courtesy: what cannot be told is left out.

mod event;
mod news;
mod series;
mod settings;
mod task;
#[cfg(test)]
mod tests;

use std::fmt;

use kube::Client;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::task::Task;
use super::Statuses;
use super::orders::Orders;
use crate::source::cluster::ObjectProblem;
use crate::verdict::Verdicts;

pub use self::settings::EventSettings;

/// Writes Events, as long as it leads. Dropping it ends that.
pub struct Events {
    asked: watch::Sender<Asked>,
    task: AbortHandle,
}

/// What it was asked for last.
#[derive(Clone, Debug, Default)]
struct Asked {
    orders: Orders,
    unreadable: Vec<ObjectProblem>,
}

impl Events {
    /// Starts to write, on the runtime that this is called on. It does not lead yet.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn new(client: Client, settings: EventSettings) -> Self {
        let (asked, receiver) = watch::channel(Asked::default());
        let task = Task::new(client, settings);

        Self {
            asked,
            task: tokio::spawn(task.run(receiver)).abort_handle(),
        }
    }

    /// Has the problems of these verdicts told, as far as they are new: neither in the
    /// verdicts before, nor in the statuses that objects have. So with those of objects
    /// that cannot be read.
    pub fn update(&self, verdicts: Verdicts, statuses: Statuses, unreadable: &[ObjectProblem]) {
        self.asked.send_modify(|asked| {
            asked.orders.told = Some((verdicts, statuses));
            asked.unreadable = unreadable.to_vec();
        });
    }

    /// Tells only while `leading`.
    pub fn lead(&self, leading: bool) {
        self.asked.send_if_modified(|asked| {
            std::mem::replace(&mut asked.orders.leading, leading) != leading
        });
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
