//! A waker that knows when a wake-up is only an echo.
//!
//! A connection and its two ends, the response and the body, are polled by one task,
//! yet they tell each other of every step, as if they were tasks of their own. Each
//! frame taken would wake the very task that takes it, and cost it a poll for nothing.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// The one waker that a connection ever sees.
///
/// It passes wake-ups on to whichever task drives the connection now. While the
/// connection is parked there is none, so nothing of the task that it served before is
/// left behind in sockets and channels.
#[derive(Debug, Default)]
pub(super) struct Gate {
    task: AtomicWaker,
}

impl Gate {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let gate = Arc::new(Self::default());
        let waker = Waker::from(Arc::clone(&gate));
        (gate, waker)
    }

    /// Wakes this task from now on.
    pub(super) fn lead_to(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Wakes nobody from now on.
    pub(super) fn close(&self) {
        drop(self.task.take());
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Only this thread's own doing is an echo. What another thread has to say,
        // such as the one that watches the sockets, comes through.
        if !QUIET.get() {
            self.task.wake();
        }
    }
}

/// Takes a step at an end of a connection, whose wake-ups lead back to the caller.
///
/// The caller drives the connection before it waits, so no wake-up is missed.
pub(super) fn quietly<T>(step: impl FnOnce() -> T) -> T {
    let _loud_again = Quiet::new();
    step()
}

/// Also ends when the step panics.
struct Quiet;

impl Quiet {
    fn new() -> Self {
        QUIET.set(true);
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(false);
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

#[cfg(test)]
mod tests {
    use tokio_test::task::spawn;

    use super::*;

    #[test]
    fn gate_leads_to_the_last_task() {
        let (gate, waker) = Gate::new();
        let (mut first, mut second) = (spawn(()), spawn(()));
        first.enter(|cx, _| gate.lead_to(cx.waker()));
        second.enter(|cx, _| gate.lead_to(cx.waker()));

        waker.wake_by_ref();

        assert!(!first.is_woken());
        assert!(second.is_woken());
    }

    #[test]
    fn closed_gate_wakes_nobody() {
        let (gate, waker) = Gate::new();
        let mut task = spawn(());
        task.enter(|cx, _| gate.lead_to(cx.waker()));

        gate.close();
        waker.wake();

        assert!(!task.is_woken());
    }

    #[test]
    fn echoes_are_not_passed_on() {
        let (gate, waker) = Gate::new();
        let mut task = spawn(());
        task.enter(|cx, _| gate.lead_to(cx.waker()));

        quietly(|| waker.wake_by_ref());
        assert!(!task.is_woken());

        waker.wake();
        assert!(task.is_woken());
    }

    #[test]
    fn other_threads_come_through() {
        let (gate, waker) = Gate::new();
        let mut task = spawn(());
        task.enter(|cx, _| gate.lead_to(cx.waker()));

        quietly(|| std::thread::spawn(|| waker.wake()).join()).expect("no panic");

        assert!(task.is_woken());
    }
}
