//! Following the objects of one kind: a list, and then a watch for as long as that
//! goes.
//!
//! The watcher of `kube` is not used, but its backoff is. That watcher takes the
//! beginning of a list for a success, which resets the backoff of lists that fail;
//! it resumes for ever from where the server answered 410; it waits for ever where no
//! answer comes; and what a broken line said is lost to it.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;
use super::pace::Pace;
use super::pulse::{Pulse, up_to};
use super::raw::Raw;

/// Who is told what happens.
pub(super) trait Follower {
    /// The objects of a list, until it is complete.
    type Staged: Default + Send;

    /// An object was listed.
    fn stage(&self, staged: &mut Self::Staged, object: Map<String, Value>);

    /// The list is complete: what was not listed is gone.
    fn swap(&self, staged: Self::Staged);

    /// An object was made or changed.
    fn put(&self, object: Map<String, Value>);

    /// An object is gone.
    fn remove(&self, object: &Map<String, Value>);

    /// All goes well from now on.
    fn is_well(&self);

    /// It does not, and will be tried again.
    fn fails(&self, failure: &Failure);
}

/// Objects to follow.
pub(super) struct Following<const METADATA: bool> {
    pub(super) api: Api<Raw<METADATA>>,
    pub(super) field_selector: Option<&'static str>,
    pub(super) pulse: Pulse,
}

/// Where to go on.
enum From {
    /// At the beginning: everything has to be listed.
    Beginning,
    /// From this resource version.
    Version(String),
}

impl<const METADATA: bool> Following<METADATA> {
    /// Follows for ever. Dropping this ends it.
    pub(super) async fn run(self, follower: impl Follower) {
        let mut pace = Pace::new();
        let mut from = From::Beginning;
        let mut listed: Option<Instant> = None;
        loop {
            let was_watching = matches!(from, From::Version(_));
            let outcome = match &mut from {
                From::Beginning => self.list(&follower).await.map(|version| {
                    listed = Some(Instant::now());
                    from = From::Version(version);
                }),
                From::Version(version) => {
                    let began = Instant::now();
                    let outcome = self.watch(&follower, version).await;
                    // The end is as it should be, but not if it comes at once.
                    if outcome.is_ok() && began.elapsed() < SHORT {
                        sleep(pace.delay(None)).await;
                    }
                    outcome
                }
            };
            let Err(failure) = outcome else {
                continue;
            };
            follower.fails(&failure);
            if failure.is_too_old() {
                from = From::Beginning;
                // Listing did not fail. Unless it had to be done just now, it is done
                // at once, if not by all at the same moment.
                let is_seldom = listed.is_some_and(|listed| listed.elapsed() > SELDOM);
                if was_watching && is_seldom {
                    sleep(up_to(SPREAD)).await;
                    continue;
                }
            }
            let delay = pace.after(&failure);
            if self.pulse.wait(delay, &failure).await {
                pace = Pace::new();
            }
        }
    }

    /// Lists all there is, and returns as of when.
    async fn list(&self, follower: &impl Follower) -> Result<String, Failure> {
        let mut staged = Default::default();
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = self.field_selector.map(str::to_owned);
        loop {
            let page = timeout(ANSWER, self.api.list(&params)).await;
            let page = page.map_err(|_| Failure::Slow)?.map_err(Failure::Client)?;
            for object in page.items {
                follower.stage(&mut staged, object.fields);
            }
            let next = page.metadata.continue_.filter(|token| !token.is_empty());
            if let Some(next) = next {
                params.continue_token = Some(next);
                continue;
            }
            let version = page.metadata.resource_version;
            let version = version.filter(|version| !version.is_empty());
            let version = version.ok_or(Failure::NoVersion)?;
            follower.swap(staged);
            follower.is_well();
            return Ok(version);
        }
    }

    /// Watches what changes after `version` until the server ends that, and keeps
    /// `version` as far as it got.
    async fn watch(&self, follower: &impl Follower, version: &mut String) -> Result<(), Failure> {
        // Not all at the same time.
        let seconds = fastrand::u32(LASTS);
        let params = WatchParams {
            field_selector: self.field_selector.map(str::to_owned),
            timeout: Some(seconds),
            ..WatchParams::default()
        };
        let events = timeout(ANSWER, self.api.watch(&params, version)).await;
        let events = events
            .map_err(|_| Failure::Slow)?
            .map_err(Failure::Client)?;
        let mut events = pin!(events);
        follower.is_well();

        // Who says nothing for longer than a server does is not there any more: it is
        // asked anew.
        while let Ok(event) = timeout(SILENCE, events.try_next()).await {
            let event = event.map_err(Failure::Client)?;
            let reached = match event {
                None => return Ok(()),
                Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    let reached = object.version();
                    follower.put(object.fields);
                    reached
                }
                Some(WatchEvent::Deleted(object)) => {
                    follower.remove(&object.fields);
                    object.version()
                }
                Some(WatchEvent::Bookmark(bookmark)) => Some(bookmark.metadata.resource_version),
                Some(WatchEvent::Error(status)) => {
                    return Err(Failure::Client(kube::Error::Api(status)));
                }
            };
            *version = reached
                .filter(|reached| !reached.is_empty())
                .ok_or(Failure::NoVersion)?;
        }
        Ok(())
    }
}

/// How many objects are asked for at a time.
const PAGE: u32 = 500;

/// How long an answer may take to begin, and a page to arrive.
const ANSWER: Duration = Duration::from_secs(30);

/// How many seconds a watch is to last.
const LASTS: std::ops::Range<u32> = 240..290;

/// How long a watch may be silent. Where nothing happens, an API server says so every
/// minute.
const SILENCE: Duration = Duration::from_secs(100);

/// A watch that ends so soon is not tried again at once.
const SHORT: Duration = Duration::from_secs(5);

/// How long after a list another is no matter of course.
const SELDOM: Duration = Duration::from_secs(60);

/// Over how long those list who have to.
const SPREAD: Duration = Duration::from_millis(500);
