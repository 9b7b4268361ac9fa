//! Writes to a cluster what its objects' statuses should say.
//!
//! One task compares verdicts with what was seen, and replaces every status that says
//! something else. An object is written at once when it changes, and ever more rarely
//! while it goes on changing. Nothing is written that was not asked for by a verdict:
//! what comes back of our own writes is known already.

mod calls;
mod metrics;
mod queue;
mod settings;
mod task;
#[cfg(test)]
mod tests;
mod tracked;

use std::fmt;
use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::metrics::Counters;
use self::task::Task;
use super::Statuses;
use super::orders::Orders;
use crate::verdict::Verdicts;

pub use self::metrics::WriterMetrics;
pub use self::settings::WriterSettings;

/// Writes statuses, as long as it leads. Dropping it ends that: what is under way is
/// given up, and may or may not arrive.
pub struct StatusWriter {
    orders: watch::Sender<Orders>,
    counters: Arc<Counters>,
    task: AbortHandle,
}

impl StatusWriter {
    /// Starts a writer, on the runtime that this is called on. It does not lead yet.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn new(client: Client, settings: WriterSettings) -> Self {
        let (orders, receiver) = watch::channel(Orders::default());
        let counters = Arc::new(Counters::default());
        let task = Task::new(client, settings, Arc::clone(&counters));

        Self {
            orders,
            counters,
            task: tokio::spawn(task.run(receiver)).abort_handle(),
        }
    }

    /// Has these verdicts written, in place of all earlier ones. `statuses` are those of
    /// the same objects, as they were last seen.
    ///
    /// Both have to be complete: what has no verdict is taken to be none of ours any
    /// more, and loses our entries. Costs nothing here, and in the task what was changed.
    pub fn update(&self, verdicts: Verdicts, statuses: Statuses) {
        self.orders
            .send_modify(|orders| orders.told = Some((verdicts, statuses)));
    }

    /// Writes only while `leading`. Whoever begins to lead compares everything.
    pub fn lead(&self, leading: bool) {
        self.orders
            .send_if_modified(|orders| std::mem::replace(&mut orders.leading, leading) != leading);
    }

    /// What was done so far.
    pub fn metrics(&self) -> WriterMetrics {
        self.counters.read()
    }
}

impl Drop for StatusWriter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for StatusWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusWriter")
            .field("metrics", &self.metrics())
            .finish_non_exhaustive()
    }
}
