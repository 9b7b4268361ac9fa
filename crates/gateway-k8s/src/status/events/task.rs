//! The task that writes Events.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::call::CallError;
use super::super::rate::TokenBucket;
use super::super::{Observed, Statuses};
use super::news::{News, news};
use super::series::Series;
use super::{Asked, EventSettings};
use crate::source::cluster::ObjectProblem;
use crate::verdict::Verdicts;
use crate::world::ObjectRef;

/// Everything it has in mind.
pub(super) struct Task {
    client: Client,
    settings: EventSettings,
    leading: bool,
    /// What was told last; nothing is known before that, or while another led.
    verdicts: Option<Verdicts>,
    unreadable: Vec<ObjectProblem>,
    queue: VecDeque<(Arc<Observed>, News)>,
    tokens: TokenBucket,
    objects: HashMap<ObjectRef, Told>,
    /// Until when nothing is told, because it may not.
    pause: Option<Instant>,
}

/// What was told of one object.
struct Told {
    tokens: TokenBucket,
    series: HashMap<News, Series>,
}

impl Task {
    pub(super) fn new(client: Client, settings: EventSettings) -> Self {
        Self {
            client,
            settings,
            leading: false,
            verdicts: None,
            unreadable: Vec::new(),
            queue: VecDeque::new(),
            tokens: TokenBucket::new(5.0, 50, Instant::now()),
            objects: HashMap::new(),
            pause: None,
        }
    }

    /// Runs until nobody can give orders any more.
    pub(super) async fn run(mut self, mut asked: watch::Receiver<Asked>) {
        loop {
            let mut ready = self.tokens.ready_at();
            if let Some(pause) = self.pause {
                ready = ready.max(pause);
            }
            tokio::select! {
                biased;
                changed = asked.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let newest = asked.borrow_and_update().clone();
                    self.obey(newest);
                }
                () = sleep_until(ready), if !self.queue.is_empty() => self.tell_next().await,
            }
        }
    }

    fn obey(&mut self, Asked { orders, unreadable }: Asked) {
        self.leading = orders.leading;
        if !self.leading {
            self.queue.clear();
            self.verdicts = None;
            self.unreadable.clear();
            let told = self.objects.values_mut();
            told.flat_map(|told| told.series.values_mut())
                .for_each(Series::leave_it);
            return;
        }
        let Some((verdicts, statuses)) = orders.told else {
            return;
        };
        let before = self.verdicts.replace(verdicts.clone());
        let now = Instant::now();
        self.forget_old(now);

        self.note(&verdicts, before.as_ref(), &statuses, now);
        self.note_unreadable(unreadable, &statuses, now);
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
                self.note_one(observed, one, now);
            }
        }
    }

    fn note_unreadable(&mut self, now: Vec<ObjectProblem>, statuses: &Statuses, at: Instant) {
        let before = std::mem::replace(&mut self.unreadable, now.clone());
        for problem in now.iter().filter(|problem| !before.contains(problem)) {
            if let Some(observed) = statuses.get(&problem.object) {
                self.note_one(observed, News::unreadable(problem), at);
            }
        }
    }

    fn note_one(&mut self, observed: &Arc<Observed>, news: News, now: Instant) {
        if self.is_to_be_told(&observed.object, &news, now) {
            self.queue.push_back((Arc::clone(observed), news));
        }
    }

    /// Counts it, and says whether the count is to be told: if there is room, and there
    /// was not much to tell of the object lately.
    fn is_to_be_told(&mut self, object: &ObjectRef, news: &News, now: Instant) -> bool {
        let has_room = self.queue.len() < MAX_WAITING;
        let told = self.objects.entry(object.clone()).or_insert_with(|| Told {
            tokens: TokenBucket::new(1.0 / 60.0, 5, now),
            series: HashMap::new(),
        });
        let known = told.series.get_mut(news);
        let waits = known.is_some_and(|series| series.happens(now));
        if waits || !has_room || !told.tokens.take(now) {
            return false;
        }
        let series = told.series.entry(news.clone());
        series.or_insert_with(|| Series::new(now)).wait();

        true
    }

    fn forget_old(&mut self, now: Instant) {
        self.objects.retain(|_, told| {
            told.series.retain(|_, series| !series.is_over(now));
            !told.series.is_empty()
        });
    }

    async fn tell_next(&mut self) {
        let Some((observed, news)) = self.queue.pop_front() else {
            return;
        };
        self.tokens.take(Instant::now());
        let object = observed.object.clone();
        let told = self.objects.get_mut(&object);
        let Some(series) = told.and_then(|told| told.series.get_mut(&news)) else {
            return;
        };
        let told = series
            .tell(&self.client, &self.settings, &observed, &news)
            .await;
        if let Err(error) = told {
            tracing::debug!(%object, %error, "an Event was not written");
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

/// What is more is left out.
const MAX_WAITING: usize = 1_000;

/// How long to wait after a refusal, and after a failure.
const REFUSED: Duration = Duration::from_secs(60);
const FAILED: Duration = Duration::from_secs(5);
