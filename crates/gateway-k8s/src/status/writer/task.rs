//! The task of a writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::call::CallError;
use super::super::orders::Orders;
use super::super::places::Places;
use super::super::rate::{TokenBucket, backoff};
use super::super::{Author, Statuses, merge};
use super::WriterSettings;
use super::calls::{Call, Done, reading, writing};
use super::metrics::Counters;
use super::queue::Queue;
use super::tracked::{Base, Tracked};
use crate::verdict::Verdicts;
use crate::world::ObjectRef;

/// Everything a writer has in mind.
pub(super) struct Task {
    client: Client,
    settings: WriterSettings,
    places: Places,
    counters: Arc<Counters>,
    verdicts: Verdicts,
    statuses: Statuses,
    leading: bool,
    objects: HashMap<ObjectRef, Tracked>,
    queue: Queue,
    calls: FuturesUnordered<Call>,
    tokens: TokenBucket,
    /// Until when the server is left alone.
    pause: Option<Instant>,
    /// Calls that came to nothing, one after another, whatever they were about.
    failures: u32,
}

impl Task {
    pub(super) fn new(client: Client, settings: WriterSettings, counters: Arc<Counters>) -> Self {
        Self {
            tokens: TokenBucket::new(settings.per_second, settings.burst, Instant::now()),
            client,
            settings,
            places: Places::new(),
            counters,
            verdicts: Verdicts::default(),
            statuses: Statuses::default(),
            leading: false,
            objects: HashMap::new(),
            queue: Queue::default(),
            calls: FuturesUnordered::new(),
            pause: None,
            failures: 0,
        }
    }

    /// Runs until nobody can give orders any more.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Orders>) {
        loop {
            self.begin_calls();
            let pending = self.queue.len() + self.calls.len();
            let pending = u64::try_from(pending).unwrap_or(u64::MAX);
            self.counters.pending.store(pending, Relaxed);
            let wake = self.wake_at();

            tokio::select! {
                // Whoever does not lead any more must not begin another call.
                biased;
                changed = orders.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let newest = orders.borrow_and_update().clone();
                    self.obey(newest);
                }
                Some(done) = self.calls.next() => self.finish(done),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    // Comparing everything takes a while; others want to run too.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn obey(&mut self, orders: Orders) {
        let began = orders.leading && !self.leading;
        if !orders.leading && self.leading {
            // What became of them will be seen.
            self.calls = FuturesUnordered::new();
            self.objects.clear();
            self.queue.clear();
        }
        self.leading = orders.leading;
        let Some((verdicts, statuses)) = orders.told else {
            return;
        };
        let (verdicts_before, statuses_before) = if began {
            Default::default()
        } else {
            (self.verdicts.clone(), self.statuses.clone())
        };
        self.verdicts = verdicts.clone();
        self.statuses = statuses.clone();
        if !self.leading {
            return;
        }

        for (object, _) in verdicts.changes(&verdicts_before) {
            self.changed(object);
        }
        for (object, observed) in statuses.changes(&statuses_before) {
            match observed {
                Some(observed) => {
                    let tracked = self.objects.get_mut(object);
                    if tracked.is_none_or(|tracked| tracked.saw(observed)) {
                        self.changed(object);
                    }
                }
                None => self.forget(object),
            }
        }
    }

    fn changed(&mut self, object: &ObjectRef) {
        let now = Instant::now();
        match self.objects.get_mut(object) {
            Some(tracked) if tracked.is_called => tracked.again = true,
            Some(tracked) => self.queue.push(object, tracked.pace.due(now)),
            None => self.queue.push(object, now),
        }
    }

    fn forget(&mut self, object: &ObjectRef) {
        self.queue.remove(object);
        match self.objects.get_mut(object) {
            // It may be back before its call is.
            Some(tracked) if tracked.is_called => {
                *tracked = Tracked {
                    is_called: true,
                    again: true,
                    ..Tracked::default()
                };
            }
            _ => drop(self.objects.remove(object)),
        }
    }

    /// Begins as many calls as may be begun now.
    fn begin_calls(&mut self) {
        let now = Instant::now();
        for _ in 0..COMPARED_AT_ONCE {
            let is_free = self.calls.len() < self.most_calls();
            let is_paused = self.pause.is_some_and(|until| until > now);
            if !self.leading || !is_free || is_paused || self.tokens.ready_at() > now {
                return;
            }
            let Some(object) = self.queue.pop(now) else {
                return;
            };
            if let Some(call) = self.next_call(&object) {
                self.tokens.take(now);
                self.calls.push(call);
            }
        }
    }

    /// One is enough to see whether the server works again.
    fn most_calls(&self) -> usize {
        if self.failures == 0 { MAX_CALLS } else { 1 }
    }

    /// When a call can be begun, if it does not take the end of another.
    fn wake_at(&self) -> Option<Instant> {
        if !self.leading || self.calls.len() >= self.most_calls() {
            return None;
        }
        let due = self.queue.due(Instant::now())?;
        let due = due.max(self.tokens.ready_at());

        Some(self.pause.map_or(due, |pause| due.max(pause)))
    }

    /// The call that an object needs, if it needs one.
    fn next_call(&mut self, object: &ObjectRef) -> Option<Call> {
        let observed = self.statuses.get(object)?;
        let path = self.places.path(object, &observed.version)?;
        let tracked = self.objects.entry(object.clone()).or_default();
        if tracked.is_stale {
            tracked.begin();
            return Some(reading(&self.client, object, path, observed));
        }
        let Base::Known(base) = tracked.base(observed) else {
            return None;
        };

        let verdict = self.verdicts.get(object);
        let said = base.status.as_deref();
        let controller = &*self.settings.controller;
        // Most objects of others are none of our business; no need to read them.
        if verdict.is_none() && !said.is_some_and(|text| text.contains(controller)) {
            return None;
        }
        let author = Author {
            controller,
            addresses: &self.settings.addresses,
        };
        let status = merge(verdict, said, author, Timestamp::now());
        let status = status.filter(|status| !tracked.is_vain(status, &base));
        let Some(status) = status else {
            tracked.failures = 0;
            return None;
        };
        tracked.begin();
        Some(writing(&self.client, object, path, &base, status))
    }

    fn finish(&mut self, done: Done) {
        let object = done.object;
        let now = Instant::now();
        if done.answer.is_ok() {
            self.worked();
        }
        let Some(tracked) = self.objects.get_mut(&object) else {
            return;
        };
        tracked.is_called = false;

        let due = match (done.answer, done.sent) {
            (Ok(stored), Some(sent)) => {
                self.counters.written.fetch_add(1, Relaxed);
                tracked.wrote(sent, stored, now);
                if !tracked.again {
                    return;
                }
                tracked.pace.due(now)
            }
            (Ok(read), None) => {
                tracked.is_stale = false;
                tracked.answered = Some(Arc::new(read));
                now
            }
            (Err(CallError::NotFound), _) => {
                if tracked.again {
                    now
                } else {
                    self.objects.remove(&object);
                    return;
                }
            }
            (Err(CallError::Conflict), _) => {
                self.counters.conflicts.fetch_add(1, Relaxed);
                tracked.is_stale = true;
                tracked.failures += 1;
                now + backoff(CONFLICT, CONFLICTS, tracked.failures)
            }
            (Err(error), _) => self.failed(&object, error, now),
        };
        self.queue.push(&object, due);
    }

    /// Takes note that the server works.
    fn worked(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            tracing::info!("statuses can be written again");
        }
    }

    /// Takes note of a call that came to nothing. Returns when to try again.
    fn failed(&mut self, object: &ObjectRef, error: CallError, now: Instant) -> Instant {
        self.counters.failures.fetch_add(1, Relaxed);
        let Some(tracked) = self.objects.get_mut(object) else {
            return now;
        };

        match error {
            CallError::Busy { after } => {
                let after = after.unwrap_or(FAILURE).min(REFUSALS);
                self.pause = Some(now + after);
                now
            }
            CallError::Refused { message, .. } => {
                tracked.failures += 1;
                if !std::mem::replace(&mut tracked.is_logged, true) {
                    tracing::error!(%object, error = message, "the status cannot be written");
                }
                // What was refused may have been judged by what is no more.
                tracked.is_stale = true;
                let failures = tracked.failures;
                self.worked();
                now + backoff(REFUSAL, REFUSALS, failures)
            }
            error => {
                tracked.failures += 1;
                self.failures += 1;
                if self.failures == 1 {
                    tracing::warn!(%object, %error, "no status can be written for now");
                }
                self.pause = Some(now + backoff(FAILURE, FAILURES, self.failures));
                now + backoff(FAILURE, FAILURES, tracked.failures)
            }
        }
    }
}

/// More would only wait for each other.
const MAX_CALLS: usize = 8;

/// How many objects are compared before others may run.
const COMPARED_AT_ONCE: usize = 64;

/// How soon what was changed meanwhile is read again, and how late.
const CONFLICT: Duration = Duration::from_millis(5);
const CONFLICTS: Duration = Duration::from_secs(1);

/// How soon a server that does not work is asked again, and how late.
const FAILURE: Duration = Duration::from_millis(200);
const FAILURES: Duration = Duration::from_secs(10);

/// How soon what was refused is tried again, and how late.
const REFUSAL: Duration = Duration::from_secs(10);
const REFUSALS: Duration = Duration::from_secs(60);
