//! Sees a client's connection to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tower::Service;

use super::{ByteStream, Connection, ConnectionStack};
use crate::listen::Watched;

/// Serves the connection `tcp` from `client` with `stack`, if there is one. It counts as one of
/// the worker's until it ends. `destination` is where the client wanted to, if that
/// is not this end.
pub(crate) async fn serve(
    tcp: TcpStream,
    client: SocketAddr,
    destination: Option<SocketAddr>,
    stack: Option<&ConnectionStack>,
    watched: Watched,
) {
    // Without a local address there is no connection any more.
    let local = destination.or_else(|| tcp.local_addr().ok());
    let (Some(stack), Some(local)) = (stack, local) else {
        watched.cells().streams().failed();
        return ByteStream::from(tcp).reset();
    };
    forward(stack, Connection::new(tcp, client, local), watched).await;
}

/// Serves a connection of which it is known where it goes. It counts as one of the
/// worker's until it ends.
pub(crate) async fn forward(stack: &ConnectionStack, connection: Connection, watched: Watched) {
    let client = connection.client_address();
    let connection = connection.watched(Arc::clone(watched.watch()));

    let outcome = stack.clone().call(connection).await;
    watched.cells().streams().ended(&outcome);
    match outcome {
        Ok(summary) => tracing::debug!(%client, ?summary, "connection ended"),
        Err(error) => {
            tracing::debug!(%client, error = &*error as &dyn std::error::Error, "connection closed");
        }
    }
}
