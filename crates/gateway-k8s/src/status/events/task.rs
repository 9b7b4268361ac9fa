//! The task that writes Events.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::call::{CallError, call};
use super::super::orders::Orders;
use super::super::rate::TokenBucket;
use super::super::{Observed, Statuses};
use super::EventSettings;
use super::event::event;
use super::news::{News, news};
use crate::verdict::{Reason, Verdicts};
use crate::world::ObjectRef;

/// Everything it has in mind.
pub(super) struct Task {
    client: Client,
    settings: EventSettings,
    leading: bool,
    /// What was told last; nothing is known before that, or while another led.
    verdicts: Option<Verdicts>,
    queue: VecDeque<(Arc<Observed>, News)>,
    tokens: TokenBucket,
    objects: HashMap<ObjectRef, Told>,
    /// Until when nothing is told, because it may not.
    pause: Option<Instant>,
}

/// What was told of one object.
struct Told {
    tokens: TokenBucket,
    reasons: HashMap<Reason, Instant>,
}

impl Task {
    pub(super) fn new(client: Client, settings: EventSettings) -> Self {
        Self {
            client,
            settings,
            leading: false,
            verdicts: None,
            queue: VecDeque::new(),
            tokens: TokenBucket::new(5.0, 50, Instant::now()),
            objects: HashMap::new(),
            pause: None,
        }
    }

    /// Runs until nobody can give orders any more.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Orders>) {
        loop {
            let mut ready = self.tokens.ready_at();
            if let Some(pause) = self.pause {
                ready = ready.max(pause);
            }
            tokio::select! {
                biased;
                changed = orders.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let newest = orders.borrow_and_update().clone();
                    self.obey(newest);
                }
                () = sleep_until(ready), if !self.queue.is_empty() => self.tell_next().await,
            }
        }
    }

    fn obey(&mut self, orders: Orders) {
        self.leading = orders.leading;
        if !self.leading {
            self.queue.clear();
            self.verdicts = None;
            return;
        }
        let Some((verdicts, statuses)) = orders.told else {
            return;
        };
        let before = self.verdicts.replace(verdicts.clone());
        let now = Instant::now();
        self.forget_old(now);

        self.note(&verdicts, before.as_ref(), &statuses, now);
    }

    fn note(
        &mut self,
        verdicts: &Verdicts,
        before: Option<&Verdicts>,
        statuses: &Statuses,
        now: Instant,
    ) {
        let nothing = Verdicts::default();
        let known = before.unwrap_or(&nothing);
        for (object, verdict) in verdicts.changes(known) {
            let (Some(verdict), Some(observed)) = (verdict, statuses.get(object)) else {
                continue;
            };
            for one in news(verdict, known.get(object), observed.status.as_deref()) {
                if self.queue.len() < MAX_WAITING && self.may_tell(object, one.reason, now) {
                    self.queue.push_back((Arc::clone(observed), one));
                }
            }
        }
    }

    /// Whether there was not much to tell of an object lately, and not this.
    fn may_tell(&mut self, object: &ObjectRef, reason: Reason, now: Instant) -> bool {
        let told = self.objects.entry(object.clone()).or_insert_with(|| Told {
            tokens: TokenBucket::new(1.0 / 60.0, 5, now),
            reasons: HashMap::new(),
        });
        if told.reasons.contains_key(&reason) || !told.tokens.take(now) {
            return false;
        }
        told.reasons.insert(reason, now);

        true
    }

    fn forget_old(&mut self, now: Instant) {
        self.objects.retain(|_, told| {
            told.reasons.retain(|_, at| now < *at + SAME);
            !told.reasons.is_empty()
        });
    }

    async fn tell_next(&mut self) {
        let Some((observed, news)) = self.queue.pop_front() else {
            return;
        };
        self.tokens.take(Instant::now());
        let number = fastrand::u64(..);
        let event = event(&self.settings, &observed, &news, Timestamp::now(), number);
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let Ok(body) = serde_json::to_value(&event) else {
            return;
        };

        let told = call(&self.client, Method::POST, &path, Some(&body)).await;
        if let Err(error) = told {
            tracing::debug!(object = %observed.object, %error, "an Event was not written");
            let pause = match error {
                CallError::Refused { .. } => REFUSED,
                CallError::Busy { after } => after.unwrap_or(FAILED),
                CallError::Failed { .. } => FAILED,
                // Such as a namespace that is being deleted.
                CallError::Conflict | CallError::NotFound => return,
            };
            self.pause = Some(Instant::now() + pause);
        }
    }
}

/// The same of the same object is not told again so soon.
const SAME: Duration = Duration::from_secs(600);

/// What is more is left out.
const MAX_WAITING: usize = 1_000;

/// How long to wait after a refusal, and after a failure.
const REFUSED: Duration = Duration::from_secs(60);
const FAILED: Duration = Duration::from_secs(5);
