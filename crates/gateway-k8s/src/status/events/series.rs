//! The same problem of the same object, as often as it happens.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::events::v1::EventSeries;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use serde_json::json;
use tokio::time::Instant;

use super::super::Observed;
use super::super::call::{CallError, call};
use super::EventSettings;
use super::event::event;
use super::news::News;

/// One Event, and how often what it tells of has happened.
///
/// Source: `Event.series` of `events.k8s.io/v1`.
#[derive(Debug)]
pub(super) struct Series {
    count: i32,
    last: Instant,
    /// Where the Event is; nowhere, until it was made.
    path: Option<String>,
    /// Whether it is about to be told.
    waits: bool,
}

impl Series {
    /// It happens for the first time.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            count: 1,
            last: now,
            path: None,
            waits: false,
        }
    }

    /// It happens once more. Says whether that is about to be told already.
    pub(super) fn happens(&mut self, now: Instant) -> bool {
        self.count = self.count.saturating_add(1);
        self.last = now;
        self.waits
    }

    /// It is about to be told.
    pub(super) fn wait(&mut self) {
        self.waits = true;
    }

    /// It is not told, for now.
    pub(super) fn leave_it(&mut self) {
        self.waits = false;
    }

    /// Whether it has not happened for so long that the next time is something new.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        !self.waits && now >= self.last + SAME
    }

    /// Has the Event say how often it has happened; makes one, if there is none.
    ///
    /// # Errors
    ///
    /// Whatever the API server answers.
    pub(super) async fn tell(
        &mut self,
        client: &Client,
        settings: &EventSettings,
        observed: &Observed,
        news: &News,
    ) -> Result<(), CallError> {
        self.waits = false;
        if let Some(path) = &self.path {
            let body = json!({ "series": self.counted() });
            match call(client, Method::PATCH, path, Some(&body)).await {
                // Events are kept for an hour or so.
                Err(CallError::NotFound) => self.path = None,
                told => return told.map(drop),
            }
        }

        let mut event = event(
            settings,
            observed,
            news,
            Timestamp::now(),
            fastrand::u64(..),
        );
        event.series = (self.count > 1).then(|| self.counted());
        let name = event.metadata.name.clone().unwrap_or_default();
        let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let body = serde_json::to_value(&event).expect("objects of the API are JSON");
        call(client, Method::POST, &path, Some(&body)).await?;
        self.path = Some(format!("{path}/{name}"));
        Ok(())
    }

    fn counted(&self) -> EventSeries {
        EventSeries {
            count: self.count,
            last_observed_time: MicroTime(Timestamp::now()),
        }
    }
}

/// How long after the last time the same of the same object is no longer the same.
const SAME: Duration = Duration::from_secs(600);
