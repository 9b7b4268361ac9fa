//! Time that passes when a test says so, for sockets too.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::time::advance;

use crate::PATIENCE;

/// The paused clock of a test, held fast.
///
/// A clock that is only paused moves on by itself when nobody has anything to do, and to wait for
/// a socket is to have nothing to do. This one moves by [`HeldClock::advance`] alone. Once
/// [`PATIENCE`] has passed on the clock of the wall it is let go, so that a test which waits in
/// vain fails instead of hanging. Dropping it lets it go, too.
#[derive(Debug)]
pub struct HeldClock {
    _held: Sender<()>,
}

impl HeldClock {
    /// Holds the clock of this runtime.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    pub fn hold() -> Self {
        let (held, released) = channel::<()>();
        // As long as something blocks, tokio leaves the clock alone.
        tokio::task::spawn_blocking(move || {
            let _ = released.recv_timeout(PATIENCE);
        });
        Self { _held: held }
    }

    /// Lets so much time pass.
    pub async fn advance(&self, time: Duration) {
        advance(time).await;
    }
}
