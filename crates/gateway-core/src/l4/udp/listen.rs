//! Receives datagrams of an address.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::port::UdpPort;
use super::sessions::Sessions;
use super::socket::Socket;
use crate::listen::Acceptor;

/// What becomes of a UDP socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Listening {
    /// It is served.
    On,
    /// Only the sessions that there are go on, until they end.
    Draining,
    /// Its sessions end.
    Off,
}

/// Receives from `socket` until `state` says otherwise.
pub(crate) async fn receive(
    socket: UdpSocket,
    port: Arc<UdpPort>,
    acceptor: Acceptor,
    mut state: Receiver<Listening>,
) {
    let address = port.address();
    let socket = match Socket::new(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%address, %error, "cannot receive datagrams"),
    };
    let mut sessions = Sessions::new(socket, port, acceptor);

    loop {
        let now = *state.borrow_and_update();
        match now {
            Listening::On => {}
            Listening::Draining if !sessions.is_empty() => sessions.refuse(),
            Listening::Draining | Listening::Off => return,
        }

        tokio::select! {
            served = std::future::poll_fn(|cx| sessions.poll_serve(cx)) => if let Err(error) = served {
                // What one client's network says is no reason to leave the others.
                tracing::debug!(%address, %error, "cannot receive");
                tokio::time::sleep(PAUSE).await;
            },
            changed = state.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

const PAUSE: Duration = Duration::from_millis(1);
