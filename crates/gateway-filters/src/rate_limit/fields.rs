//! What a client is told about its quota.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::quota::Standing;

impl Standing {
    /// Writes `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`, unless `headers`
    /// tell of a limit of which less is left.
    ///
    /// These are the names of `draft-ietf-httpapi-ratelimit-headers`, up to its version 07. Times
    /// are in whole seconds, rounded up.
    pub fn write(&self, headers: &mut HeaderMap) {
        if told(headers).is_some_and(|remaining| remaining < self.remaining) {
            return;
        }
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(seconds(self.full_after)));
    }

    /// Writes the same, and when to come again, in `Retry-After`: not before a second has passed.
    pub fn write_refusal(&self, headers: &mut HeaderMap) {
        self.write(headers);
        let after = seconds(self.next_after).max(1);
        headers.insert(RETRY_AFTER, HeaderValue::from(after));
    }
}

fn told(headers: &HeaderMap) -> Option<u32> {
    headers.get(REMAINING)?.to_str().ok()?.parse().ok()
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
