use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok};

use super::super::bucket::{Bucket, Ticket, Turn};
use super::super::quota::Quota;
use super::*;

/// One request in a second, and a queue.
fn limiter(queue: usize, max_wait: Duration) -> RateLimiter {
    RateLimiter::new(limit(1, secs(1)).with_queue(queue, max_wait))
}

fn decide(limiter: &RateLimiter) -> Decision {
    limiter.decide(&get(), Instant::now().into_std())
}

#[track_caller]
fn wait(limiter: &RateLimiter) -> tokio_test::task::Spawn<Wait> {
    match decide(limiter) {
        Decision::Wait(wait) => spawn(wait),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn pass(limiter: &RateLimiter) -> Standing {
    match decide(limiter) {
        Decision::Pass(standing) => standing,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refuse(limiter: &RateLimiter) -> Standing {
    match decide(limiter) {
        Decision::Refuse(standing) => standing,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_pass_in_the_order_of_their_arrival() {
    let limiter = limiter(3, secs(60));
    pass(&limiter);
    let mut first = wait(&limiter);
    let mut second = wait(&limiter);
    // Polled in the other order, which must not matter.
    assert_pending!(second.poll());
    assert_pending!(first.poll());

    advance(millis(1_001)).await;
    assert_pending!(second.poll());
    assert_ready_ok!(first.poll());

    assert!(second.is_woken(), "it is the first now");
    assert_pending!(second.poll());
    advance(secs(1)).await;
    assert!(second.is_woken(), "its timer is set");
    assert_ready_ok!(second.poll());
}

#[tokio::test(start_paused = true)]
async fn newcomers_do_not_overtake_the_queue() {
    let limiter = limiter(2, secs(60));
    pass(&limiter);
    let mut waiting = wait(&limiter);

    advance(secs(1)).await;
    let mut newcomer = wait(&limiter);

    assert_ready_ok!(waiting.poll());
    assert_pending!(newcomer.poll());
}

#[tokio::test(start_paused = true)]
async fn full_queue_refuses() {
    let limiter = limiter(1, secs(60));
    pass(&limiter);
    let _waiting = wait(&limiter);

    let standing = refuse(&limiter);

    assert_eq!(standing.next_after, secs(2));
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_frees_its_place() {
    let limiter = limiter(1, secs(60));
    pass(&limiter);
    let waiting = wait(&limiter);
    refuse(&limiter);

    drop(waiting);

    let mut next = wait(&limiter);
    assert_pending!(next.poll());
}

#[tokio::test(start_paused = true)]
async fn those_behind_one_who_leaves_move_up() {
    let limiter = limiter(3, secs(60));
    pass(&limiter);
    let mut first = wait(&limiter);
    let mut second = wait(&limiter);
    assert_pending!(first.poll());
    assert_pending!(second.poll());

    drop(first);
    assert!(second.is_woken());
    assert_pending!(second.poll());

    advance(millis(1_001)).await;
    assert_ready_ok!(second.poll());
}

#[tokio::test(start_paused = true)]
async fn one_who_would_wait_too_long_is_refused_at_once() {
    let limiter = limiter(10, millis(2_500));
    pass(&limiter);
    let _first = wait(&limiter);
    let _second = wait(&limiter);

    let standing = refuse(&limiter);

    assert_eq!(standing.next_after, secs(3));
}

#[tokio::test(start_paused = true)]
async fn wait_ends_at_its_deadline_and_leaves_the_queue() {
    let bucket = Arc::new(Bucket::default());
    let quota = Quota::new(1, secs(10));
    let day = 24 * 60 * 60 * 1_000_000_000;
    let Ok(Ok(_)) = bucket.take_or_wait(&quota, 0, 1, day) else {
        panic!("full")
    };
    let Ok(Err(ticket)) = bucket.take_or_wait(&quota, 0, 1, day) else {
        panic!("empty")
    };
    let wait = Wait::new(Arc::clone(&bucket), quota, ticket, Instant::now(), secs(3));
    let mut wait = spawn(wait);
    assert_pending!(wait.poll());

    advance(millis(3_001)).await;

    assert!(wait.is_woken());
    assert_ready_err!(wait.poll());
    assert_eq!(bucket.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn answer_of_the_third_party_test_is_in_time() {
    // Burst 2, 2 in a second at its end, a queue of 5; ten requests 10 ms apart.
    let settings = limit(2, secs(1)).with_refill(Refill::Window);
    let limiter = RateLimiter::new(settings.with_queue(5, secs(10)));
    let start = Instant::now();

    let mut decisions = Vec::new();
    for _ in 0..10 {
        decisions.push(decide(&limiter));
        advance(millis(10)).await;
    }
    let mut times = Vec::new();
    for decision in decisions {
        times.push(match decision {
            Decision::Pass(_) => Some(0),
            Decision::Uncounted => panic!("there are no keys"),
            Decision::Wait(wait) => {
                wait.await.expect("its turn comes");
                Some(start.elapsed().as_millis() / 100)
            }
            Decision::Refuse(_) => None,
        });
    }

    let expected = [0, 0, 10, 10, 20, 20, 30].map(Some);
    assert_eq!(times, [&expected[..], &[None; 3]].concat());
}

#[tokio::test(start_paused = true)]
async fn tokens_of_those_who_left_are_not_lost() {
    let limiter = limiter(5, secs(60));
    pass(&limiter);
    let waiting: Vec<_> = (0..5).map(|_| wait(&limiter)).collect();

    drop(waiting);
    advance(secs(1)).await;

    pass(&limiter);
    refuse_now(&limiter);
}

/// Refused, or in the queue: at any rate not passed.
#[track_caller]
fn refuse_now(limiter: &RateLimiter) {
    assert!(!matches!(decide(limiter), Decision::Pass(_)));
}

#[test]
fn threads_that_come_and_go_leave_no_trace() {
    let bucket = Bucket::default();
    let quota = Quota::new(100, secs(1));
    let taken = AtomicUsize::new(0);

    thread::scope(|scope| {
        for thread in 0..8_usize {
            let (bucket, quota, taken) = (&bucket, &quota, &taken);
            scope.spawn(move || {
                for turn in 0..500 {
                    match bucket.take_or_wait(quota, 0, 4, u64::MAX) {
                        Ok(Ok(_)) => drop(taken.fetch_add(1, Ordering::Relaxed)),
                        Ok(Err(ticket)) if (turn + thread) % 3 == 0 => bucket.leave(ticket),
                        Ok(Err(ticket)) => match bucket.turn(quota, 0, ticket, Waker::noop()) {
                            Turn::Now(_) => drop(taken.fetch_add(1, Ordering::Relaxed)),
                            Turn::At(_) | Turn::Behind => bucket.leave(ticket),
                        },
                        Err(_) => {}
                    }
                }
            });
        }
    });

    assert_eq!(taken.load(Ordering::Relaxed), 100);
    assert_eq!(bucket.waiting(), 0);
}

/// What happens at a bucket.
#[derive(Clone, Debug)]
enum Event {
    Arrive,
    Leave(usize),
    /// Time passes, and those who wait look in an order of which this is the seed.
    Pass(u64, u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        5 => Just(Event::Arrive),
        1 => any::<usize>().prop_map(Event::Leave),
        3 => (0..600_000_000_u64, any::<u64>()).prop_map(|(time, seed)| Event::Pass(time, seed)),
    ];
    vec(event, 1..80)
}

proptest! {
    /// Nobody is overtaken, and nobody waits while there is a token.
    #[test]
    fn queue_is_fair_and_never_idle(events in events(), requests in 1..5_u32, fixed: bool) {
        let refill = if fixed { Refill::Window } else { Refill::Continuous };
        let quota = Quota { refill, ..Quota::new(requests, secs(1)) };
        let bucket = Bucket::default();
        let mut now = 0;
        let mut waiting: Vec<Ticket> = Vec::new();
        for event in events {
            match event {
                Event::Arrive => match bucket.take_or_wait(&quota, now, 6, u64::MAX) {
                    Ok(Ok(_)) => prop_assert!(waiting.is_empty(), "overtaken"),
                    Ok(Err(ticket)) => waiting.push(ticket),
                    Err(_) => prop_assert_eq!(waiting.len(), 6),
                },
                Event::Leave(at) if !waiting.is_empty() => {
                    bucket.leave(waiting.remove(at % waiting.len()));
                }
                Event::Leave(_) => {}
                Event::Pass(time, seed) => {
                    now += time;
                    let mut order = fastrand::Rng::with_seed(seed);
                    loop {
                        let mut looking = waiting.clone();
                        order.shuffle(&mut looking);
                        let looked = looking.into_iter().find(|ticket| {
                            matches!(bucket.turn(&quota, now, *ticket, Waker::noop()), Turn::Now(_))
                        });
                        let Some(passed) = looked else { break };
                        prop_assert_eq!(passed, waiting.remove(0), "overtaken");
                    }
                    let left = bucket.standing(&quota, now, 0).remaining;
                    prop_assert!(waiting.is_empty() || left == 0, "idle");
                }
            }
            prop_assert_eq!(bucket.waiting(), waiting.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_ready_only_once() {
    let limiter = limiter(1, secs(60));
    pass(&limiter);
    let mut waiting = wait(&limiter);

    advance(secs(1)).await;
    let passed = assert_ready!(waiting.poll());
    drop(waiting);

    assert!(passed.is_ok());
    assert_eq!(passed.map(|standing| standing.remaining), Ok(0));
}
