//! Delays and aborts.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::Policy;
use gateway_filters::{Answer, Fault, Fraction};

use super::{SECOND, counts, demo, ok};

/// AT-FAULT-3: from 500 to 1,000 milliseconds.
#[tokio::test(start_paused = true)]
async fn delays_are_between_their_bounds() {
    let (shortest, longest) = (Duration::from_millis(500), SECOND);
    let fault = Fault::new().with_delay_between(Fraction::ALWAYS, shortest, longest);
    let demo = demo(Policy::Fault(Arc::new(fault.unwrap())), ok);

    let replies = demo.paced(1_000, Duration::from_millis(5)).await;

    let rounded = Duration::from_millis(1);
    assert_eq!(counts(&replies), [(200, 1_000)].into());
    for (_, took) in &replies {
        assert!((shortest..=longest + rounded).contains(took), "{took:?}");
    }
    // Not one and the same.
    let quick = replies.iter().filter(|(_, took)| took.as_millis() < 750);
    assert!((350..=650).contains(&quick.count()));
}

/// AT-FAULT-4: a quarter of 10,000; none; all.
#[tokio::test(start_paused = true)]
async fn shares_are_kept() {
    // Three standard deviations are too few for one run in 400, so that it has to be the same one.
    fastrand::seed(1);
    let quarter = Fraction::from_percent(25).unwrap();
    for (share, of, bounds) in [
        // Of 43.3 each.
        (quarter, 10_000, 2_371..=2_629),
        (Fraction::NEVER, 2_000, 0..=0),
        (Fraction::ALWAYS, 2_000, 2_000..=2_000),
    ] {
        let fault = Fault::new().with_abort(share, Answer::new(503).unwrap());
        let demo = demo(Policy::Fault(Arc::new(fault)), ok);

        let counts = counts(&demo.paced(of, Duration::from_millis(1)).await);

        let aborted = counts.get(&503).copied().unwrap_or(0);
        assert!(bounds.contains(&aborted), "{counts:?}");
        assert_eq!(counts.values().sum::<usize>(), of as usize);
    }
}
