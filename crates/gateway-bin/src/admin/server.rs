//! A small server, apart from those that it tells of.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::Gateway;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::answer::answer;
use super::{Subject, Vitals};
use crate::failure::CommandFailure;

/// An address that is listened on for those who operate the gateway.
#[derive(Debug)]
pub(crate) struct Admin {
    listener: TcpListener,
}

impl Admin {
    /// Listens; whoever connects waits until [`Admin::start`].
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, CommandFailure> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| {
            let message = format!("cannot listen on {address} for administration");
            CommandFailure::caused(message, &error)
                .remedy("name another address with --admin, or leave it out")
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!("answering /livez, /readyz and /metrics on {address}");
        }

        Ok(Self { listener })
    }

    /// Answers until the runtime ends.
    pub(crate) fn start(self, gateway: Gateway, vitals: Arc<Vitals>) {
        tokio::spawn(self.serve(Subject { gateway, vitals }));
    }

    async fn serve(self, subject: Subject) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // Nobody closes it, so that there is a place sooner or later. Others wait
            // in the kernel's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let serving = timeout(LONGEST, connection(stream, subject.clone()));
                    tokio::spawn(async move {
                        let _ = serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection for administration");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn connection(stream: TcpStream, subject: Subject) {
    let service = service_fn(|request: Request<Incoming>| {
        let subject = subject.clone();
        async move { Ok::<_, Infallible>(answer(&subject, &request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        // Those who ask every few seconds do well without, and nobody is idle here.
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);

    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection for administration failed");
    }
}

/// Connections at a time.
const CONNECTIONS: usize = 64;

/// For a request's head.
const HEAD: Duration = Duration::from_secs(5);

/// For all of a connection.
const LONGEST: Duration = Duration::from_secs(30);

const HEAD_BYTES: usize = 16 * 1024;

const PAUSE: Duration = Duration::from_millis(100);
