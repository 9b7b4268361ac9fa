//! What an answer means.

use std::cmp::Reverse;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::proto::{self, DescriptorStatus, OK, OVER_LIMIT, RateLimitResponse};
use super::settings::GlobalRateLimit;
use crate::inquiry::{HeaderEdits, Verdict};

/// An answer that is neither yes nor no.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the rate limit service answered what cannot be understood")]
pub(super) struct Unintelligible;

impl GlobalRateLimit {
    /// What `answer` means. A refusal stays one: what HTTP cannot carry of it is left out.
    pub(super) fn verdict(&self, answer: RateLimitResponse) -> Result<Verdict, Unintelligible> {
        let to_client = answer.response_headers_to_add.iter().map(parse);
        let mut response = match answer.overall_code {
            OK => added(to_client)?,
            OVER_LIMIT => added(to_client.filter(Result::is_ok))?,
            _ => return Err(Unintelligible),
        };
        if self.headers && !says_what_is_left(&answer.response_headers_to_add) {
            say_what_is_left(&mut response, &answer.statuses);
        }
        if answer.overall_code == OK {
            return Ok(Verdict::Pass {
                request: added(answer.request_headers_to_add.iter().map(parse))?,
                response,
            });
        }
        let mut refusal: Response<Bytes> = self.answer.to_response();
        if !answer.raw_body.is_empty() {
            *refusal.body_mut() = answer.raw_body.into();
        }
        response.apply(refusal.headers_mut());
        Ok(Verdict::Deny(refusal))
    }
}

type Parsed = Result<(HeaderName, HeaderValue), Unintelligible>;

fn parse(header: &proto::HeaderValue) -> Parsed {
    let name = HeaderName::from_bytes(header.key.as_bytes()).map_err(|_| Unintelligible)?;
    let value = HeaderValue::from_bytes(header.value.as_bytes()).map_err(|_| Unintelligible)?;
    Ok((name, value))
}

fn added(headers: impl Iterator<Item = Parsed>) -> Result<HeaderEdits, Unintelligible> {
    let mut edits = HeaderEdits::new();
    for header in headers {
        let (name, value) = header?;
        edits.add(name, value);
    }
    Ok(edits)
}

/// Whether the service does so itself, as it may be told to: what is said twice contradicts.
fn says_what_is_left(headers: &[proto::HeaderValue]) -> bool {
    let ours = [LIMIT, REMAINING, RESET];
    let is_ours = |header: &proto::HeaderValue| {
        let named = |ours: &HeaderName| header.key.eq_ignore_ascii_case(ours.as_str());
        ours.iter().any(named)
    };
    headers.iter().any(is_ours)
}

/// The limit with the least left, as clients know it. Of those with nothing left, one that was
/// exceeded; of several, the one that stays so the longest.
fn say_what_is_left(edits: &mut HeaderEdits, statuses: &[DescriptorStatus]) {
    let limited = statuses
        .iter()
        .filter(|status| status.current_limit.is_some());
    let order = |status: &&DescriptorStatus| {
        let reset = status.duration_until_reset.as_ref();
        let exceeded = status.code == OVER_LIMIT;
        let lasts = reset.map(|reset| (reset.seconds, reset.nanos));
        (!exceeded, status.limit_remaining, Reverse(lasts))
    };
    let Some(least) = limited.min_by_key(order) else {
        return;
    };
    if let Some(limit) = &least.current_limit {
        edits.set(LIMIT, HeaderValue::from(limit.requests_per_unit));
    }
    edits.set(REMAINING, HeaderValue::from(least.limit_remaining));
    if let Some(reset) = &least.duration_until_reset {
        let started = i64::from(reset.nanos > 0);
        edits.set(
            RESET,
            HeaderValue::from(reset.seconds.saturating_add(started)),
        );
    }
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
