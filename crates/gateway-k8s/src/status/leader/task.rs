//! The task of a candidate.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use serde_json::Value;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::super::call::{CallError, call};
use super::LeaseSettings;
use super::election::{self, Election, held, new_lease, released};
use super::term::Term;

/// Everything a candidate has in mind.
pub(super) struct Task {
    client: Client,
    settings: LeaseSettings,
    flag: Flag,
    election: Election,
    /// The Lease as this candidate wrote it last, as long as nobody else has.
    mine: Option<Lease>,
    /// Until when this is the leader.
    until: Option<Instant>,
    /// What went wrong last, which need not be told again.
    told: Option<CallError>,
    /// How many attempts were refused, one after the other.
    refusals: u32,
}

impl Task {
    pub(super) fn new(client: Client, settings: LeaseSettings, flag: Flag) -> Self {
        Self {
            client,
            settings,
            flag,
            election: Election::default(),
            mine: None,
            until: None,
            told: None,
            refusals: 0,
        }
    }

    /// Runs until it is told to release, or nobody can tell it any more.
    pub(super) async fn run(mut self, mut released: oneshot::Receiver<()>) {
        let mut next = Instant::now();
        loop {
            // Whoever does not lead in time any more must not seem to for a moment.
            tokio::select! {
                biased;
                _ = &mut released => break,
                () = sleep_until(self.until.unwrap_or(next)), if self.until.is_some() => {
                    self.step_down();
                }
                () = sleep_until(next) => {
                    let limit = Instant::now() + self.settings.renew_deadline / 2;
                    let limit = self.until.map_or(limit, |until| until.min(limit));
                    let tried = tokio::select! {
                        biased;
                        _ = &mut released => break,
                        tried = timeout_at(limit, self.attempt()) => tried,
                    };
                    self.note(tried.ok());
                    next = self.next_attempt();
                }
            }
        }
        self.release().await;
    }

    /// Takes or renews the Lease, if it is this candidate's turn. Returns when it began
    /// to: others may count from then on.
    ///
    /// Dropping the future leaves open whether it was renewed, which only makes others
    /// wait.
    async fn attempt(&mut self) -> Result<Option<Instant>, CallError> {
        let lease = match self.mine.take() {
            Some(lease) => lease,
            None => match self.read().await {
                Ok(lease) => lease,
                Err(CallError::NotFound) => {
                    let collection = self.settings.collection();
                    let lease = new_lease(&self.settings);
                    return self.write(Method::POST, &collection, &lease).await;
                }
                Err(error) => return Err(error),
            },
        };
        self.election.observe(&lease, Instant::now());
        if !self.election.may_take(&self.settings, Instant::now()) {
            return Ok(None);
        }

        let path = self.settings.path();
        self.write(Method::PUT, &path, &lease).await
    }

    async fn read(&self) -> Result<Lease, CallError> {
        let path = self.settings.path();
        let answer = call(&self.client, Method::GET, &path, None).await?;

        parsed(answer)
    }

    async fn write(
        &mut self,
        method: Method,
        path: &str,
        lease: &Lease,
    ) -> Result<Option<Instant>, CallError> {
        let began = Instant::now();
        let lease = written(&held(lease, &self.settings, Timestamp::now()))?;
        match call(&self.client, method, path, Some(&lease)).await {
            Ok(answer) => {
                let lease = parsed(answer)?;
                self.election.observe(&lease, Instant::now());
                self.mine = Some(lease);
                Ok(Some(began))
            }
            // Somebody was faster.
            Err(CallError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes note of what became of an attempt; nothing, if it took too long.
    fn note(&mut self, tried: Option<Result<Option<Instant>, CallError>>) {
        let now = Instant::now();
        let is_refused = matches!(tried, Some(Err(CallError::Refused { .. })));
        self.refusals = if is_refused { self.refusals + 1 } else { 0 };
        match tried {
            Some(Ok(Some(began))) => {
                self.told = None;
                let until = began + self.settings.renew_deadline;
                if until > now {
                    self.until = Some(until);
                    self.flag.set(self.until);
                }
            }
            Some(Ok(None)) => self.told = None,
            Some(Err(error)) => {
                // Somebody took it away, and anybody may have the next.
                if error == CallError::NotFound {
                    self.step_down();
                }
                self.tell(error);
            }
            None => self.tell(CallError::Busy { after: None }),
        }
        // A Lease that was lost to somebody else is nothing to lead by.
        if self.mine.is_none() && self.is_held_by_another() || self.until <= Some(now) {
            self.step_down();
        }
    }

    fn is_held_by_another(&self) -> bool {
        let holder = self.election.holder();
        holder.is_some_and(|holder| holder != self.settings.identity)
    }

    fn step_down(&mut self) {
        self.until = None;
        self.flag.set(None);
    }

    fn next_attempt(&self) -> Instant {
        let now = Instant::now();
        if let Some(CallError::Refused { .. }) = self.told {
            let doubled = 1 << (self.refusals.clamp(1, 5) - 1);
            return now + REFUSED.min(self.settings.retry * doubled);
        }
        if self.until.is_some() && self.mine.is_none() && self.told.is_none() {
            return now + CHANGED;
        }
        let retry = self.settings.retry;
        let retry = now + retry.mul_f64(1.0 + fastrand::f64() / 5.0);
        let free_at = self.election.free_at(&self.settings);
        let free_at = free_at.filter(|free_at| self.until.is_none() && *free_at > now);

        free_at.map_or(retry, |free_at| retry.min(free_at))
    }

    /// Tells what went wrong, unless it did the last time.
    fn tell(&mut self, error: CallError) {
        if self.told.as_ref() != Some(&error) {
            let lease = format_args!("{}/{}", self.settings.namespace, self.settings.name);
            match &error {
                CallError::Refused { .. } => tracing::warn!(
                    %lease, %error, "may not hold the Lease: no status will be written"
                ),
                _ => tracing::warn!(%lease, %error, "cannot take or renew the Lease"),
            }
        }
        self.told = Some(error);
    }

    async fn release(mut self) {
        self.step_down();
        // Also of who does not lead: the answer to an attempt may just be missing.
        let released = async {
            let lease = match self.mine.take() {
                Some(lease) => lease,
                None => self.read().await?,
            };
            let holder = lease.spec.as_ref().and_then(election::holder);
            if holder != Some(&self.settings.identity) {
                return Ok(());
            }
            let body = written(&released(&lease))?;
            let path = self.settings.path();
            call(&self.client, Method::PUT, &path, Some(&body)).await?;
            Ok::<_, CallError>(())
        };
        if !matches!(timeout(RELEASE, released).await, Ok(Ok(()))) {
            tracing::debug!("the Lease could not be released, and will run out");
        }
    }
}

/// Whether this is the leader. Nobody is any more once it is dropped.
#[derive(Debug)]
pub(super) struct Flag {
    leading: watch::Sender<bool>,
    term: Term,
}

impl Flag {
    pub(super) fn new(leading: watch::Sender<bool>, term: Term) -> Self {
        Self { leading, term }
    }

    fn set(&self, until: Option<Instant>) {
        self.term.set(until);
        let leads = until.is_some();
        let changed = self
            .leading
            .send_if_modified(|leading| std::mem::replace(leading, leads) != leads);
        if changed && leads {
            tracing::info!("leads: writes statuses from now on");
        } else if changed {
            tracing::info!("does not lead any more");
        }
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        self.set(None);
    }
}

fn parsed(answer: Value) -> Result<Lease, CallError> {
    serde_json::from_value(answer).map_err(|error| CallError::Failed {
        message: error.to_string(),
    })
}

fn written(lease: &Lease) -> Result<Value, CallError> {
    serde_json::to_value(lease).map_err(|error| CallError::Failed {
        message: error.to_string(),
    })
}

/// How soon a candidate without permission tries again, at last: an API server that has
/// just started refuses everything for a moment.
const REFUSED: Duration = Duration::from_secs(30);

/// How soon a leader reads a Lease again that was changed by somebody else.
const CHANGED: Duration = Duration::from_millis(50);

/// How long a release may take.
const RELEASE: Duration = Duration::from_secs(3);
