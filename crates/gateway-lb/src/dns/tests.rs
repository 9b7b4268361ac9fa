use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Mutex, PoisonError};

use proptest::prelude::{prop_assert, proptest};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

#[derive(Clone, Debug)]
enum Answer {
    Addresses(&'static [u8]),
    Failure,
    Silence,
}

/// Gives each of `answers` once, the last one for ever, and keeps the times it was asked.
#[derive(Clone, Debug)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        Self {
            answers: Arc::new(answers),
            asked: Arc::default(),
        }
    }

    fn next(&self) -> Answer {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Instant::now());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.len() {
            0 => Answer::Failure,
            1 => answers[0].clone(),
            _ => answers.pop_front().expect("there are two"),
        }
    }

    /// The times between one question and the next.
    fn pauses(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

impl Resolve for Script {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        assert_eq!(host, "backend.example");
        match self.next() {
            Answer::Addresses(last) => Ok(last.iter().map(|last| address(*last, port)).collect()),
            Answer::Failure => Err(io::ErrorKind::NotFound.into()),
            Answer::Silence => pending().await,
        }
    }
}

fn address(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], port))
}

fn endpoints(last: &[u8]) -> EndpointSet {
    last.iter().map(|last| address(*last, 80)).collect()
}

/// Follows `script` in a task; the receiver gets what is reported.
fn follow(script: &Script) -> (JoinHandle<Infallible>, UnboundedReceiver<EndpointSet>) {
    let (reports, reported) = unbounded_channel();
    let follow = DnsEndpoints::new("backend.example", 80)
        .follow(script.clone(), move |endpoints| {
            drop(reports.send(endpoints))
        });
    (tokio::spawn(follow), reported)
}

/// Whether `pause` is `seconds` or at most a tenth more (and the timer's millisecond).
fn is_about(pause: Duration, seconds: u64) -> bool {
    let least = Duration::from_secs(seconds);
    (least..=least.mul_f64(1.1) + Duration::from_millis(2)).contains(&pause)
}

#[test]
fn followers_can_be_spawned_and_shared() {
    fn assert<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn assert_send<T: Send>(_: T) {}

    let endpoints = DnsEndpoints::new("backend.example", 80);
    assert(&endpoints);
    assert(&SystemResolver);
    assert_send(endpoints.follow(SystemResolver, drop));
}

#[test]
fn settings_are_what_was_set() {
    let default = DnsEndpoints::new("backend.example", 80);
    assert_eq!((default.host(), default.port()), ("backend.example", 80));
    assert_eq!(default.refresh(), Duration::from_secs(30));

    let fast = default.clone().with_refresh(Duration::ZERO);
    assert_eq!(fast.refresh(), Duration::from_secs(1));
    assert_ne!(fast, default);
}

#[tokio::test(start_paused = true)]
async fn only_changes_are_reported() {
    let [one, two] = [Answer::Addresses(&[1, 2]), Answer::Addresses(&[2, 3])];
    let same = Answer::Addresses(&[2, 1, 2]);
    let (_task, mut reported) = follow(&Script::new([one, same, two]));
    let begun = Instant::now();

    assert_eq!(reported.recv().await, Some(endpoints(&[1, 2])));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(reported.recv().await, Some(endpoints(&[2, 3])));
    assert!(is_about(begun.elapsed(), 60));

    sleep(Duration::from_secs(1_000)).await;
    assert!(reported.is_empty());
}

#[tokio::test(start_paused = true)]
async fn last_good_answer_stays_in_force() {
    let script = Script::new([
        Answer::Addresses(&[1]),
        Answer::Failure,
        Answer::Addresses(&[]),
        Answer::Silence,
        Answer::Addresses(&[1]),
        Answer::Addresses(&[2]),
    ]);
    let (_task, mut reported) = follow(&script);

    assert_eq!(reported.recv().await, Some(endpoints(&[1])));
    assert_eq!(reported.recv().await, Some(endpoints(&[2])));

    assert!(reported.is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_are_retried_less_and_less_often() {
    let script = Script::new([Answer::Failure]);
    let (task, _reported) = follow(&script);

    sleep(Duration::from_secs(110)).await;
    task.abort();

    let pauses = script.pauses();
    let expected = [1, 2, 4, 8, 16, 30, 30];
    assert_eq!(pauses.len(), expected.len(), "{pauses:?}");
    for (pause, expected) in pauses.into_iter().zip(expected) {
        assert!(
            is_about(pause, expected),
            "{pause:?} instead of {expected} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn success_resets_the_pause_after_failures() {
    let [failure, success] = [Answer::Failure, Answer::Addresses(&[1])];
    let script = Script::new([failure.clone(), failure.clone(), success, failure]);
    let (_task, _reported) = follow(&script);

    sleep(Duration::from_secs(39)).await;

    let pauses = script.pauses();
    for (pause, expected) in pauses.iter().zip([1, 2, 30, 1]) {
        assert!(is_about(*pause, expected), "{pauses:?}");
    }
    assert!(pauses.len() >= 4, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn resolver_that_does_not_answer_is_asked_again() {
    let script = Script::new([Answer::Silence, Answer::Addresses(&[1])]);
    let (_task, mut reported) = follow(&script);

    assert_eq!(reported.recv().await, Some(endpoints(&[1])));

    let waited = script.pauses()[0] - LOOKUP_TIMEOUT;
    assert!(is_about(waited, 1), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn dropping_stops_the_lookups() {
    let script = Script::new([Answer::Addresses(&[1])]);
    let (task, mut reported) = follow(&script);
    assert_eq!(reported.recv().await, Some(endpoints(&[1])));

    task.abort();

    // The callback goes with the future.
    assert_eq!(reported.recv().await, None);
    sleep(Duration::from_secs(100)).await;
    assert!(script.pauses().is_empty());
}

#[tokio::test]
async fn system_resolves_an_address_literal_to_itself() -> io::Result<()> {
    let found = SystemResolver.resolve("127.0.0.1", 8080).await?;

    assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 8080))]);
    Ok(())
}

proptest! {
    /// Jitter only ever adds, and never more than a tenth.
    #[test]
    fn jitter_adds_up_to_a_tenth(millis in 0..1_000_000_u64) {
        let wait = Duration::from_millis(millis);

        let jittered = with_jitter(wait);

        prop_assert!(wait <= jittered);
        prop_assert!(jittered <= wait.mul_f64(1.1) + Duration::from_nanos(1));
    }
}
