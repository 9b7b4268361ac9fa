//! What a client is told about its quota.

use std::io::Write;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::quota::Standing;

impl Standing {
    /// Writes `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`, unless `headers`
    /// tell of a limit of which less is left.
    ///
    /// These are the names of `draft-ietf-httpapi-ratelimit-headers`, up to its version 06. Times
    /// are in whole seconds, rounded up.
    pub fn write(&self, headers: &mut HeaderMap) {
        if told(headers).is_some_and(|remaining| remaining < self.remaining) {
            return;
        }
        headers.insert(LIMIT, number(self.limit.into()));
        headers.insert(REMAINING, number(self.remaining.into()));
        headers.insert(RESET, number(seconds(self.full_after)));
    }

    /// Writes the same, and when to come again, in `Retry-After`: not before a second has passed.
    pub fn write_refusal(&self, headers: &mut HeaderMap) {
        self.write(headers);
        let after = seconds(self.next_after).max(1);
        headers.insert(RETRY_AFTER, number(after));
    }
}

fn told(headers: &HeaderMap) -> Option<u32> {
    headers.get(REMAINING)?.to_str().ok()?.parse().ok()
}

/// In digits, with one allocation, where that of `http` needs two.
fn number(number: u64) -> HeaderValue {
    let mut digits = [0; 20];
    let mut rest = digits.as_mut_slice();
    write!(rest, "{number}").expect("20 digits are enough");
    let unused = rest.len();
    let digits = &digits[..digits.len() - unused];
    HeaderValue::from_bytes(digits).expect("digits are text")
}

/// Rounded up; but parts of a millisecond are over before the client has read this.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_millis() > 0)
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_second_are_a_second_and_of_a_millisecond_nothing() {
        assert_eq!(seconds(Duration::from_millis(59_001)), 60);
        assert_eq!(seconds(Duration::from_micros(60_000_999)), 60);
        assert_eq!(seconds(Duration::ZERO), 0);
    }

    #[test]
    fn numbers_are_written_in_digits() {
        for value in [0, 9, 10, 4_711, u64::MAX] {
            assert_eq!(number(value), value.to_string());
        }
    }
}
