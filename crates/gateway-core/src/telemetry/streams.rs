//! Connections and sessions that are not HTTP.

use super::StreamMetrics;
use super::counter::Counter;
use crate::BoxError;
use crate::l4::{End, Summary};

/// What a worker counts of what it forwards at one address.
#[derive(Debug, Default)]
pub(crate) struct StreamCells {
    ended: [Counter; ENDS.len()],
    received: Counter,
    sent: Counter,
}

impl StreamCells {
    /// One has ended, or could not be forwarded.
    pub(crate) fn ended(&self, outcome: &Result<Summary, BoxError>) {
        match outcome {
            Ok(summary) => {
                self.ended[place(summary.end)].increment();
                self.received.add(summary.received);
                self.sent.add(summary.sent);
            }
            Err(_) => self.failed(),
        }
    }

    /// There was nowhere to forward it to.
    pub(crate) fn failed(&self) {
        self.ended[FAILED].increment();
    }

    pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> StreamMetrics {
        let mut sum = StreamMetrics {
            ended: ENDS.map(|end| (end, 0)).to_vec(),
            received: 0,
            sent: 0,
        };
        for cells in all {
            sum.received += cells.received.value();
            sum.sent += cells.sent.value();
            for ((_, sum), counter) in sum.ended.iter_mut().zip(&cells.ended) {
                *sum += counter.value();
            }
        }
        sum
    }
}

fn place(end: End) -> usize {
    match end {
        End::Finished => 0,
        End::Downstream => 1,
        End::Upstream => 2,
        End::Idle => 3,
    }
}

/// Labels for metrics: [`End`], and what could not be forwarded.
const ENDS: [&str; 5] = ["finished", "downstream", "upstream", "idle", "failed"];

const FAILED: usize = ENDS.len() - 1;
