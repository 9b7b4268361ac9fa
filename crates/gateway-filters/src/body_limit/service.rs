//! The service.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::{CountedBody, Side};
use super::future::ResponseFuture;
use super::settings::{BodyLimit, Foreseen, foresee};
use crate::BoxError;
use crate::answer_body::AnswerBody;

/// Refuses bodies to and from `S` that are too long. It is ready when `S` is.
#[derive(Clone, Debug)]
pub struct BodyLimitService<S> {
    inner: S,
    limit: Arc<BodyLimit>,
}

impl<S> BodyLimitService<S> {
    pub(super) fn new(inner: S, limit: Arc<BodyLimit>) -> Self {
        Self { inner, limit }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BodyLimitService<S>
where
    S: Service<Request<CountedBody<ReqBody>>, Response = Response<ResBody>>,
    ReqBody: Body<Data = Bytes>,
    ResBody: Body<Data = Bytes>,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<AnswerBody<CountedBody<ResBody>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let foreseen = match self.limit.request() {
            Some(limit) => (limit, foresee(limit, request.headers(), request.body())),
            None => (0, Foreseen::Within),
        };
        let limit = Arc::clone(&self.limit);
        match foreseen {
            (_, Foreseen::Beyond) => ResponseFuture::answer(limit.request_answer().to_response()),
            (_, Foreseen::Within) => {
                let request = request.map(CountedBody::uncounted);
                ResponseFuture::forward(self.inner.call(request), limit, None)
            }
            (bytes, Foreseen::Unknown) => {
                let told = Arc::new(AtomicBool::new(false));
                let teller = Some(Arc::clone(&told));
                let request =
                    request.map(|body| CountedBody::counted(body, bytes, Side::Request, teller));
                ResponseFuture::forward(self.inner.call(request), limit, Some(told))
            }
        }
    }
}
