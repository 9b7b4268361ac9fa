//! Whose turn it is to shake hands.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;

/// Does a handshake, the costly part of it in turn.
///
/// A thread computes a few handshakes before it looks at its other connections again;
/// the others wait, in the order in which they came. So clients that connect all at
/// once do not stop those who are connected. A client that takes its time takes it from
/// nobody else: its turn is over when the first answer is computed.
///
/// It has no deadline of its own, and whoever is still waiting can be dropped.
pub(super) async fn in_turn<F: Future>(handshake: F) -> F::Output {
    fairly(&TURNS.with(Arc::clone), handshake).await
}

async fn fairly<F: Future>(turns: &Semaphore, handshake: F) -> F::Output {
    let mut handshake = pin!(handshake);
    let turn = turns.acquire().await;
    // The key exchange and the signature are computed when it is first polled.
    let first = std::future::poll_fn(|cx| Poll::Ready(handshake.as_mut().poll(cx))).await;
    // Not before the others have been looked at.
    tokio::task::yield_now().await;
    drop(turn);

    match first {
        Poll::Ready(output) => output,
        Poll::Pending => handshake.await,
    }
}

thread_local! {
    /// The turns of this worker.
    static TURNS: Arc<Semaphore> = Arc::new(Semaphore::new(AT_ONCE));
}

/// An RSA signature takes about a millisecond, which is how long a request may wait.
const AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::{JoinSet, yield_now};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_few_are_computed_between_two_looks_at_others() {
        let turns = Arc::new(Semaphore::new(2));
        let computed = Arc::new(AtomicUsize::new(0));
        let mut all = JoinSet::new();
        for _ in 0..10 {
            let (turns, computed) = (Arc::clone(&turns), Arc::clone(&computed));
            all.spawn(async move {
                let compute = async { computed.fetch_add(1, Ordering::Relaxed) };
                fairly(&turns, compute).await
            });
        }

        let (mut before, mut most) = (0, 0);
        while before < 10 {
            yield_now().await;
            let now = computed.load(Ordering::Relaxed);
            most = most.max(now - before);
            before = now;
        }

        assert_eq!(most, 2);
        assert_eq!(all.join_all().await.len(), 10);
    }

    #[tokio::test]
    async fn a_client_that_takes_its_time_takes_it_from_nobody_else() {
        let turns = Arc::new(Semaphore::new(1));
        let shared = Arc::clone(&turns);
        let slow = tokio::spawn(async move { fairly(&shared, std::future::pending::<()>()).await });
        while turns.available_permits() > 0 {
            yield_now().await;
        }

        assert_eq!(fairly(&turns, std::future::ready(7)).await, 7);
        assert!(!slow.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_turn_has_the_deadline_of_the_handshake() {
        let turns = Semaphore::new(0);
        let waiting = fairly(&turns, std::future::ready(()));

        assert!(timeout(Duration::from_secs(10), waiting).await.is_err());
    }
}
