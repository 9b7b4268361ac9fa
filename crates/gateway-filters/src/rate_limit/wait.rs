//! A place in the queue.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::bucket::{Bucket, Ticket, Turn};
use super::quota::{Quota, Standing, nanoseconds};

/// The turn of a request that waits: `Ok` if it may pass, and has been counted; `Err` if it has
/// waited as long as it may.
///
/// Dropping it gives the place up, and all behind move up. Only the first in the queue waits for
/// a token; the others are woken one by the other, so that none is overtaken.
#[must_use = "futures do nothing unless polled"]
pub struct Wait {
    bucket: Arc<Bucket>,
    quota: Quota,
    ticket: Ticket,
    started: Instant,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    over: bool,
}

impl Wait {
    pub(super) fn new(
        bucket: Arc<Bucket>,
        quota: Quota,
        ticket: Ticket,
        started: Instant,
        deadline: Duration,
    ) -> Self {
        Self {
            bucket,
            quota,
            ticket,
            started,
            deadline: later(started, deadline),
            sleep: None,
            over: false,
        }
    }

    fn poll_sleep(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if sleep.deadline() != until {
                    sleep.as_mut().reset(until);
                }
                sleep
            }
            none => none.insert(Box::pin(sleep_until(until))),
        };
        sleep.as_mut().poll(cx)
    }
}

impl Future for Wait {
    type Output = Result<Standing, Standing>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            let now = Instant::now();
            let elapsed = nanoseconds(now.saturating_duration_since(this.started));
            let turn = this
                .bucket
                .turn(&this.quota, elapsed, this.ticket, cx.waker());
            let until = match turn {
                Turn::Now(standing) => {
                    this.over = true;
                    return Poll::Ready(Ok(standing));
                }
                Turn::At(at) => later(this.started, Duration::from_nanos(at)).min(this.deadline),
                Turn::Behind => this.deadline,
            };
            if now >= this.deadline {
                this.over = true;
                this.bucket.leave(this.ticket);
                let ahead = this.bucket.waiting();
                return Poll::Ready(Err(this.bucket.standing(&this.quota, elapsed, ahead)));
            }
            ready!(this.poll_sleep(until, cx));
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if !self.over {
            self.bucket.leave(self.ticket);
        }
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("ticket", &self.ticket)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// `after` after `start`; a year after now, if the clock cannot count that far.
fn later(start: Instant, after: Duration) -> Instant {
    start
        .checked_add(after)
        .unwrap_or_else(|| Instant::now() + Duration::from_secs(366 * 24 * 60 * 60))
}
