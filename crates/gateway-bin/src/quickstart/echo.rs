//! A backend that answers with the request it got.

use std::convert::Infallible;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::failure::CommandFailure;

/// A backend on a free port of the loopback interface.
#[derive(Debug)]
pub(super) struct Echo {
    name: &'static str,
    listener: TcpListener,
    port: u16,
}

impl Echo {
    /// Listens; connections wait until [`Echo::serve`].
    pub(super) async fn bind(name: &'static str) -> Result<Self, CommandFailure> {
        let failed = |error| CommandFailure::caused("cannot start the sample backends", &error);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();

        Ok(Self {
            name,
            listener,
            port,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self) -> Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(answer(self.name, stream));
                }
                Err(error) => {
                    tracing::debug!(%error, "the sample backend cannot accept a connection");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn answer(name: &'static str, stream: TcpStream) {
    let echo = service_fn(move |request: Request<Incoming>| async move {
        Ok::<_, Infallible>(echo(name, &request))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), echo);

    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the sample backend failed");
    }
}

fn echo<B>(name: &str, request: &Request<B>) -> Response<Full<Bytes>> {
    let mut text = format!("{name} got\n\n{} {}\n", request.method(), request.uri());
    for (header, value) in request.headers() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{header}: {}",
            String::from_utf8_lossy(value.as_bytes())
        );
    }

    Response::new(Full::new(text.into()))
}

const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn request_is_told_as_it_arrived() {
        let request = Request::get("/a?b=1").header("x-c", "d").body(());

        let response = echo("me", &request.expect("is valid"));

        let Ok(body) = response.into_body().collect().await;
        assert_eq!(body.to_bytes(), "me got\n\nGET /a?b=1\nx-c: d\n");
    }
}
