//! The counts, and what they decide.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;

use super::bucket::Bucket;
use super::key::KeyHasher;
use super::quota::{LATEST, Standing, nanoseconds};
use super::settings::{QuotaFields, RateLimit};
use super::store::Store;
use super::wait::Wait;

/// A limit and its counts. Clones share them, on however many threads.
#[derive(Clone, Debug)]
pub struct RateLimiter {
    settings: Arc<RateLimit>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    started: Instant,
    hasher: KeyHasher,
    buckets: Buckets,
}

#[derive(Debug)]
enum Buckets {
    One(Arc<Bucket>),
    Many(Store),
}

/// What happens to a request. The list is complete.
#[derive(Debug)]
#[must_use = "a request that is to wait or is refused must not pass"]
pub enum Decision {
    /// It passes, and has been counted.
    Pass(Standing),
    /// It passes, and is not counted: it lacks a key.
    Uncounted,
    /// It has a place in the queue until this is ready.
    Wait(Wait),
    /// It does not pass, and has not been counted.
    Refuse(Standing),
}

impl RateLimiter {
    /// A limit of which nothing has been used.
    #[must_use]
    pub fn new(settings: impl Into<Arc<RateLimit>>) -> Self {
        let settings = settings.into();
        let counting = &settings.counting;
        let buckets = if counting.keys.is_empty() {
            Buckets::One(Arc::default())
        } else {
            Buckets::Many(Store::new(counting.max_keys))
        };
        Self {
            settings,
            counts: Arc::new(Counts {
                started: Instant::now(),
                hasher: KeyHasher::default(),
                buckets,
            }),
        }
    }

    /// The limit as `settings` have it, with the same counts if they are still of use.
    ///
    /// They are as long as quota, keys and the number of keys stay the same. Then whoever has
    /// used up the limit before a change has still used it up.
    #[must_use]
    pub fn with_settings(&self, settings: impl Into<Arc<RateLimit>>) -> Self {
        let settings = settings.into();
        if settings.counting != self.settings.counting {
            return Self::new(settings);
        }
        Self {
            settings,
            counts: Arc::clone(&self.counts),
        }
    }

    /// What is limited, and how.
    #[must_use]
    pub fn settings(&self) -> &RateLimit {
        &self.settings
    }

    /// Counts `request`, if it may pass at `now`.
    ///
    /// What the clock says before the limiter was made counts as that moment, and what it says
    /// more than 34 years later as the end of these.
    pub fn decide<B>(&self, request: &Request<B>, now: std::time::Instant) -> Decision {
        let counting = &self.settings.counting;
        let counts = &*self.counts;
        let bucket = match &counts.buckets {
            Buckets::One(bucket) => Kept::Here(bucket),
            Buckets::Many(store) => {
                let hasher = &counts.hasher;
                match hasher.hash(&counting.keys, counting.missing, request) {
                    Some(key) => Kept::There(store.bucket(key, &counting.quota)),
                    None => return Decision::Uncounted,
                }
            }
        };
        let elapsed = Instant::from_std(now).saturating_duration_since(counts.started);
        self.ask(bucket, nanoseconds(elapsed).min(LATEST))
    }

    fn ask(&self, bucket: Kept<'_>, now: u64) -> Decision {
        let quota = &self.settings.counting.quota;
        let Some(queueing) = self.settings.queue else {
            return match bucket.get().take(quota, now) {
                Ok(standing) => Decision::Pass(standing),
                Err(standing) => Decision::Refuse(standing),
            };
        };
        let latest = now.saturating_add(nanoseconds(queueing.max_wait));
        let asked = bucket
            .get()
            .take_or_wait(quota, now, queueing.length, latest);
        match asked {
            Ok(Ok(standing)) => Decision::Pass(standing),
            Ok(Err(ticket)) => Decision::Wait(Wait::new(
                bucket.into_arc(),
                *quota,
                ticket,
                self.counts.started,
                Duration::from_nanos(latest),
            )),
            Err(standing) => Decision::Refuse(standing),
        }
    }

    /// The answer to a request that does not pass.
    ///
    /// Its extensions have the [`Standing`], for whoever counts or logs refusals.
    #[must_use]
    pub fn refusal<B: From<Bytes>>(&self, standing: Standing) -> Response<B> {
        let mut response = self.settings.answer.to_response();
        if self.settings.fields != QuotaFields::Never {
            standing.write_refusal(response.headers_mut());
        }
        response.extensions_mut().insert(standing);
        response
    }

    pub(super) fn fields(&self) -> QuotaFields {
        self.settings.fields
    }
}

impl From<RateLimit> for RateLimiter {
    fn from(settings: RateLimit) -> Self {
        Self::new(settings)
    }
}

/// A bucket that is only shared further if someone has to wait at it.
enum Kept<'a> {
    Here(&'a Arc<Bucket>),
    There(Arc<Bucket>),
}

impl Kept<'_> {
    fn get(&self) -> &Bucket {
        match self {
            Self::Here(bucket) => bucket,
            Self::There(bucket) => bucket,
        }
    }

    fn into_arc(self) -> Arc<Bucket> {
        match self {
            Self::Here(bucket) => Arc::clone(bucket),
            Self::There(bucket) => bucket,
        }
    }
}
