//! A backend that does as it is told, and what the retries make of it.

mod bodies;
mod limits;
mod tries;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::script::Script;

/// An error that says what it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Failed(FailedTry);

/// How the backend ends a try.
#[derive(Clone, Copy, Debug)]
enum End {
    Status(u16),
    Error(FailedTry),
}

/// What the backend does with a try: reads some frames, then ends it.
#[derive(Clone, Copy, Debug)]
struct Try {
    reads: usize,
    end: End,
}

/// What a try was.
#[derive(Debug)]
struct Seen {
    attempt: Option<RetryAttempt>,
    bytes: Vec<u8>,
    trailers: Option<http::HeaderMap>,
    /// The body was read to its end.
    whole: bool,
}

type Body = ReplayBody<Script>;
type Inner = BoxCloneService<Request<Body>, Response<&'static str>, Failed>;

#[derive(Clone, Default)]
struct Backend {
    plan: Arc<Mutex<VecDeque<Try>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Backend {
    fn new(plan: impl IntoIterator<Item = Try>) -> Self {
        let plan = Arc::new(Mutex::new(plan.into_iter().collect()));
        Self {
            plan,
            seen: Arc::default(),
        }
    }

    /// Reads everything, and ends its tries as told; later ones with 200.
    fn ending(ends: impl IntoIterator<Item = End>) -> Self {
        Self::new(ends.into_iter().map(|end| Try {
            reads: usize::MAX,
            end,
        }))
    }

    fn service(&self) -> Inner {
        let backend = self.clone();
        BoxCloneService::new(service_fn(move |request| backend.clone().serve(request)))
    }

    async fn serve(self, request: Request<Body>) -> Result<Response<&'static str>, Failed> {
        let next = self.plan.lock().expect("alone").pop_front();
        let next = next.unwrap_or(Try {
            reads: usize::MAX,
            end: End::Status(200),
        });
        let seen = look(request, next.reads).await;
        let last = if seen.attempt.is_some() {
            "retried"
        } else {
            "first"
        };
        self.seen.lock().expect("alone").push(seen);

        match next.end {
            End::Status(status) => {
                let mut response = Response::new(last);
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                Ok(response)
            }
            End::Error(failed) => Err(Failed(failed)),
        }
    }

    async fn send(
        &self,
        policy: RetryPolicy,
        request: Request<Script>,
    ) -> Result<Response<&'static str>, Failed> {
        let layer = RetryLayer::new(policy, |error: &Failed| error.0);
        layer.layer(self.service()).oneshot(request).await
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("alone"))
    }

    fn tries(&self) -> usize {
        self.seen.lock().expect("alone").len()
    }
}

/// Reads at most `reads` frames of a request.
async fn look(request: Request<Body>, reads: usize) -> Seen {
    let attempt = request.extensions().get().copied();
    let mut seen = Seen {
        attempt,
        bytes: Vec::new(),
        trailers: None,
        whole: false,
    };
    let mut body = request.into_body();
    for _ in 0..reads {
        match body.frame().await {
            None => {
                seen.whole = true;
                break;
            }
            Some(Err(_)) => break,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => seen.bytes.extend_from_slice(&data),
                Err(frame) => seen.trailers = frame.into_trailers().ok(),
            },
        }
    }
    seen
}

/// Retries 502 and 504 at once.
fn policy(attempts: u32) -> RetryPolicy {
    RetryPolicy::new()
        .with_codes([StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT])
        .expect("error codes")
        .with_attempts(attempts)
        .with_backoff(Duration::ZERO)
}

fn upload(chunks: impl IntoIterator<Item = &'static str>) -> Request<Script> {
    Request::new(Script::data(chunks))
}

fn get() -> Request<Script> {
    Request::new(Script::default().foretold())
}
