//! What is counted, how much of it is allowed, and what happens then.

use std::time::Duration;

use http::StatusCode;

use super::error::InvalidRateLimit;
use super::key::{Key, MissingKey};
use super::quota::{MOST, Quota, Refill};
use crate::Answer;

/// How many requests may pass, and what becomes of the others.
///
/// By default all requests are counted together, as many may come at once as in a window, and
/// those beyond are answered with 429.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RateLimit {
    pub(super) counting: Counting,
    pub(super) queue: Option<Queueing>,
    pub(super) answer: Answer,
    pub(super) fields: QuotaFields,
}

/// What decides about the counts: while it is the same, they can be kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Counting {
    pub(super) quota: Quota,
    pub(super) keys: Vec<Key>,
    pub(super) missing: MissingKey,
    pub(super) max_keys: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Queueing {
    /// At least one.
    pub(super) length: usize,
    pub(super) max_wait: Duration,
}

/// Which responses tell their client what is left, in `RateLimit-Limit`, `RateLimit-Remaining`
/// and `RateLimit-Reset`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum QuotaFields {
    /// None. Neither is there a `Retry-After`.
    Never,
    /// Those to requests that were refused. This is the default.
    #[default]
    Refused,
    /// All of them. Where several limits are passed, the one with the least left is told.
    Always,
}

impl RateLimit {
    /// Allows `requests` in each `window`.
    ///
    /// # Errors
    ///
    /// If `requests` is zero or above 16,777,215, or `window` is shorter than a millisecond or
    /// longer than 366 days.
    pub fn new(requests: u32, window: Duration) -> Result<Self, InvalidRateLimit> {
        let requests = check_requests(requests)?;
        if !(Duration::from_millis(1)..=LONGEST).contains(&window) {
            return Err(InvalidRateLimit::Window { window });
        }
        Ok(Self {
            counting: Counting {
                quota: Quota::new(requests, window),
                keys: Vec::new(),
                missing: MissingKey::Shared,
                max_keys: 65_536,
            },
            queue: None,
            answer: Answer::of(StatusCode::TOO_MANY_REQUESTS),
            fields: QuotaFields::Refused,
        })
    }

    /// Lets so many pass at once after a pause. The default is as many as in a window.
    ///
    /// # Errors
    ///
    /// If `burst` is zero or above 16,777,215, or takes more than 366 days to come back.
    pub fn with_burst(mut self, burst: u32) -> Result<Self, InvalidRateLimit> {
        let quota = &mut self.counting.quota;
        let windows = check_requests(burst)?.div_ceil(quota.requests);
        match quota.window.checked_mul(windows) {
            Some(time) if time <= LONGEST => quota.burst = burst,
            _ => return Err(InvalidRateLimit::Burst { burst }),
        }
        Ok(self)
    }

    /// How what was used comes back. The default is [`Refill::Continuous`].
    #[must_use]
    pub fn with_refill(mut self, refill: Refill) -> Self {
        self.counting.quota.refill = refill;
        self
    }

    /// Counts apart what differs in `key`, besides the keys given before.
    #[must_use]
    pub fn by(mut self, key: Key) -> Self {
        self.counting.keys.push(key);
        self
    }

    /// What happens to requests in which a key is missing. The default is
    /// [`MissingKey::Shared`].
    #[must_use]
    pub fn with_missing_key(mut self, missing: MissingKey) -> Self {
        self.counting.missing = missing;
        self
    }

    /// Counts for so many keys at the same time. The default is 65,536.
    ///
    /// When there are more, those are forgotten that lose the least: full buckets first. Their
    /// count starts afresh.
    ///
    /// # Errors
    ///
    /// If `keys` is zero.
    pub fn with_max_keys(mut self, keys: usize) -> Result<Self, InvalidRateLimit> {
        if keys == 0 {
            return Err(InvalidRateLimit::NoKeys);
        }
        self.counting.max_keys = keys;
        Ok(self)
    }

    /// Lets `length` requests of each key wait until they may pass, but none longer than
    /// `max_wait`. By default none waits.
    ///
    /// One whose turn would come too late is refused at once.
    #[must_use]
    pub fn with_queue(mut self, length: usize, max_wait: Duration) -> Self {
        let some = length > 0 && !max_wait.is_zero();
        self.queue = some.then_some(Queueing { length, max_wait });
        self
    }

    /// Answers so the requests that may not pass. The default is 429 without a body.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// What is counted apart; nothing, if all requests are counted together.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.counting.keys
    }

    /// Whether requests may wait for their turn.
    #[must_use]
    pub fn has_queue(&self) -> bool {
        self.queue.is_some()
    }

    /// Whether it asks what other layers found out: then those have to be outside.
    #[must_use]
    pub fn asks_lookups(&self) -> bool {
        let mut keys = self.counting.keys.iter();
        keys.any(|key| matches!(key, Key::Lookup(_)))
    }

    /// Whether it asks who sent a request. If not, nobody needs to know.
    #[must_use]
    pub fn asks_address(&self) -> bool {
        self.counting.keys.contains(&Key::ClientAddress)
    }

    /// Which responses tell what is left. The default is [`QuotaFields::Refused`].
    #[must_use]
    pub fn with_fields(mut self, fields: QuotaFields) -> Self {
        self.fields = fields;
        self
    }
}

fn check_requests(requests: u32) -> Result<u32, InvalidRateLimit> {
    if (1..=MOST).contains(&requests) {
        Ok(requests)
    } else {
        Err(InvalidRateLimit::Requests { requests })
    }
}

const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
