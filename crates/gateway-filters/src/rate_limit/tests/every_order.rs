//! Every order of threads is tried: `RUSTFLAGS="--cfg loom" cargo test -p gateway-filters --lib
//! every_order`.

use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};

use loom::sync::Arc;
use loom::thread;

use super::super::bucket::{Bucket, Ticket, Turn};
use super::super::quota::Quota;
use super::*;
use crate::sync::Ordering;

const SECOND: u64 = 1_000_000_000;

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn quota(requests: u32, refill: Refill) -> Quota {
    Quota {
        refill,
        ..Quota::new(requests, secs(1))
    }
}

/// A bucket that was emptied at the start, and who waits at it.
fn queue(quota: &Quota, length: usize) -> (Arc<Bucket>, Vec<Ticket>) {
    let bucket = Arc::new(Bucket::default());
    while bucket.take(quota, 0).is_ok() {}
    let wait = |_| match bucket.take_or_wait(quota, 0, length, u64::MAX) {
        Ok(Err(ticket)) => ticket,
        other => panic!("{other:?}"),
    };
    let tickets = (0..length).map(wait).collect();
    (bucket, tickets)
}

fn is_now(turn: &Turn) -> bool {
    matches!(turn, Turn::Now(_))
}

#[test]
fn token_is_taken_once() {
    for refill in [Refill::Continuous, Refill::Window] {
        loom::model(move || {
            let bucket = Arc::new(Bucket::default());
            let quota = quota(2, refill);
            let threads = [(); 2].map(|()| {
                let bucket = Arc::clone(&bucket);
                thread::spawn(move || bucket.take(&quota, 0).is_ok())
            });

            let here = bucket.take(&quota, 0).is_ok();
            let there = threads.map(|thread| thread.join().expect("no panic"));

            let passed = there.iter().filter(|passed| **passed).count() + usize::from(here);
            assert_eq!(passed, 2);
        });
    }
}

#[test]
fn one_who_becomes_the_first_is_woken_or_sees_it() {
    loom::model(|| {
        let quota = quota(1, Refill::Continuous);
        let (bucket, tickets) = queue(&quota, 2);
        let leaving = {
            let (bucket, first) = (Arc::clone(&bucket), tickets[0]);
            thread::spawn(move || bucket.leave(first))
        };
        let flag = std::sync::Arc::new(Flag::default());
        let waker = Waker::from(std::sync::Arc::clone(&flag));

        let turn = bucket.turn(&quota, SECOND, tickets[1], &waker);
        leaving.join().expect("no panic");

        if !is_now(&turn) {
            assert!(flag.0.load(Ordering::SeqCst), "{turn:?}, and not woken");
            assert!(is_now(&bucket.turn(&quota, SECOND, tickets[1], &waker)));
        }
        assert_eq!(bucket.waiting(), 0);
    });
}

#[test]
fn first_and_newcomer_do_not_share_a_token() {
    loom::model(|| {
        let quota = quota(1, Refill::Continuous);
        let (bucket, tickets) = queue(&quota, 1);
        let newcomer = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take(&quota, SECOND).is_ok())
        };

        let turn = bucket.turn(&quota, SECOND, tickets[0], Waker::noop());
        let overtaken = newcomer.join().expect("no panic");

        assert!(is_now(&turn), "it came first");
        assert!(!overtaken);
    });
}

#[test]
fn newcomer_passes_or_is_the_first_when_the_last_leaves() {
    loom::model(|| {
        let quota = quota(1, Refill::Window);
        let (bucket, tickets) = queue(&quota, 1);
        let leaving = {
            let (bucket, last) = (Arc::clone(&bucket), tickets[0]);
            thread::spawn(move || bucket.leave(last))
        };

        let asked = bucket.take_or_wait(&quota, SECOND, 2, u64::MAX);
        leaving.join().expect("no panic");

        match asked {
            Ok(Ok(_)) => {}
            Ok(Err(ticket)) => {
                assert!(is_now(&bucket.turn(&quota, SECOND, ticket, Waker::noop())));
            }
            Err(standing) => panic!("refused: {standing:?}"),
        }
        assert_eq!(bucket.waiting(), 0);
    });
}
