//! A body that does as it is told, for tests.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::BoxError;

/// What a body does when it is polled, one step after the other.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether the end is known before it is polled.
    foretold: bool,
    /// Whether the number of bytes is known.
    sized: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Error,
    /// Wakes its task at once.
    Yield,
    Sleep(Duration),
    Hang,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn data(chunks: impl IntoIterator<Item = &'static str>) -> Self {
        Self::new(chunks.into_iter().map(data))
    }

    /// Says that it is at its end when that is so.
    pub(crate) fn foretold(mut self) -> Self {
        self.foretold = true;
        self
    }

    /// Says how many bytes are left.
    pub(crate) fn sized(mut self) -> Self {
        self.sized = true;
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                std::task::ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Trailers(map)) => return Poll::Ready(Some(Ok(Frame::trailers(map)))),
                Some(Step::Error) => return Poll::Ready(Some(Err("client left".into()))),
                Some(Step::Yield) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Sleep(time)) => self.sleep = Some(Box::pin(sleep(time))),
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.foretold && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            let sizes = self.steps.iter().map(|step| match step {
                Step::Data(data) => data.len() as u64,
                _ => 0,
            });
            SizeHint::with_exact(sizes.sum())
        } else {
            SizeHint::default()
        }
    }
}

pub(crate) fn data(chunk: &'static str) -> Step {
    Step::Data(Bytes::from_static(chunk.as_bytes()))
}

pub(crate) fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::EXPIRES, HeaderValue::from_static("0"))])
}

/// Bodies in any number of chunks, which come now or later, with or without
/// trailers and a known end.
pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let chunk = prop_oneof![
        4 => vec(any::<u8>(), 0..40).prop_map(|chunk| Step::Data(Bytes::from(chunk))),
        1 => vec(any::<u8>(), 500..600).prop_map(|chunk| Step::Data(Bytes::from(chunk))),
        1 => Just(Step::Yield),
    ];
    (vec(chunk, 0..30), any::<bool>()).prop_map(|(mut steps, with_trailers)| {
        if with_trailers {
            steps.push(Step::Trailers(trailers()));
        }
        steps
    })
}

/// All bytes and trailers that a script will give.
pub(crate) fn contents(steps: &[Step]) -> (Vec<u8>, Option<HeaderMap>) {
    let mut bytes = Vec::new();
    let mut trailers = None;
    for step in steps {
        match step {
            Step::Data(data) => bytes.extend_from_slice(data),
            Step::Trailers(map) => trailers = Some(map.clone()),
            Step::Error | Step::Yield | Step::Sleep(_) | Step::Hang => {}
        }
    }
    (bytes, trailers)
}

/// All bytes and trailers of a body.
pub(crate) async fn read<B>(body: B) -> Result<(Vec<u8>, Option<HeaderMap>), B::Error>
where
    B: Body<Data = Bytes>,
{
    let collected = body.collect().await?;
    let trailers = collected.trailers().cloned();
    Ok((collected.to_bytes().to_vec(), trailers))
}

/// Runs a test's future on a paused clock, for tests that are not async.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// A service for one call at a time, which reserves its place when it says that it is ready, as
/// tower's limits and buffers do.
#[derive(Debug)]
pub(crate) struct OnePlace {
    place: Arc<Semaphore>,
    reserved: Option<OwnedSemaphorePermit>,
}

impl OnePlace {
    pub(crate) fn new() -> Self {
        Self {
            place: Arc::new(Semaphore::new(1)),
            reserved: None,
        }
    }
}

impl Clone for OnePlace {
    fn clone(&self) -> Self {
        // Nothing was promised to the clone.
        Self {
            place: Arc::clone(&self.place),
            reserved: None,
        }
    }
}

impl Service<Request<()>> for OnePlace {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Ready<Result<Response<Bytes>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.reserved.is_none() {
            self.reserved = Arc::clone(&self.place).try_acquire_owned().ok();
        }
        match self.reserved {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        drop(self.reserved.take().expect("it said that it is ready"));
        ready(Ok(Response::new(Bytes::new())))
    }
}

pub(crate) fn assert_thread_safe<T: Send + Sync>() {}
