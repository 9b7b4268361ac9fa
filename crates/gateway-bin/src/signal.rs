//! Signals that ask the gateway to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::CommandFailure;

/// Waits for SIGTERM and SIGINT.
#[derive(Debug)]
pub(crate) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// From now on these signals no longer end the process by themselves.
    pub(crate) fn new() -> Result<Self, CommandFailure> {
        let listen = |kind| {
            signal(kind).map_err(|error| CommandFailure::caused("cannot wait for signals", &error))
        };

        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal. Cancel safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
