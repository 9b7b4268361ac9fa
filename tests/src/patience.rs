//! How long a test waits for what must come.

use std::time::Duration;

use tokio::time::timeout;

/// Longer than anything takes on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The output of `future`.
///
/// # Panics
///
/// If there is none within [`PATIENCE`], naming `what` was waited for.
pub async fn patiently<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_elapsed) => panic!("waited in vain for {what}"),
    }
}
