//! Connections that have become something else than HTTP.

use gateway_lb::pool::UpgradedTransport;
use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};

use crate::listen::OnUpgrade;

/// Carries bytes both ways until both sides have ended, each half on its own.
///
/// Dropping it closes both connections. `held` is kept until then.
pub(crate) async fn run<T>(client: OnUpgrade, upstream: UpgradedTransport, held: T) {
    let UpgradedTransport {
        stream: mut backend,
        read_ahead,
    } = upstream;
    let Some(mut client) = client.ready().await else {
        return;
    };

    let outcome = async {
        client.write_all(&read_ahead).await?;
        copy_bidirectional_with_sizes(&mut client, &mut backend, BUFFER, BUFFER).await
    };
    if let Err(error) = outcome.await {
        tracing::debug!(%error, "tunnel ended");
    }
    drop(held);
}

/// For each direction. Messages of upgraded protocols are small.
const BUFFER: usize = 16 * 1024;
