//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::Inquire;
use super::forward_body::{ForwardBody, Longer};
use super::future::ResponseFuture;
use super::reading::Reading;
use crate::BoxError;
use crate::answer_body::AnswerBody;
use crate::body_limit::{Foreseen, foresee};
use crate::deferred::for_later;
use crate::retry::ReplayBody;
use crate::tunnel::asks_for_tunnel;

/// Calls `S` with requests about which `I` says that they may pass. It is ready when `S` is.
///
/// A request that waits holds no place in `S`: that is asked again when it may pass.
///
/// A service that knows another type of body is reached by mapping requests; see [`ReplayBody`].
#[derive(Debug)]
pub struct InquiryService<S, I> {
    inner: S,
    inquirer: Arc<I>,
}

impl<S, I> InquiryService<S, I> {
    pub(super) fn new(inner: S, inquirer: Arc<I>) -> Self {
        Self { inner, inquirer }
    }
}

impl<S, I, ReqBody, ResBody> Service<Request<ReqBody>> for InquiryService<S, I>
where
    S: Service<Request<ReplayBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    S::Error: Into<BoxError>,
    I: Inquire,
    ReqBody: Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<BoxError>,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = BoxError;
    type Future = ResponseFuture<S, ReqBody, I>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let inner = for_later(&mut self.inner);
        let inquirer = Arc::clone(&self.inquirer);
        let (head, body) = request.into_parts();

        let shown = inquirer.forward_body();
        let Some(shown) = shown.filter(|_| has_body(&head, &body)) else {
            let request = Request::from_parts(head, ReplayBody::direct(body));
            return ResponseFuture::ask(inner, request, None, inquirer);
        };
        if let Some(refused) = refused(shown, &head, &body) {
            return ResponseFuture::answer(refused, inquirer);
        }
        let reading = Reading::new(body, shown.limit().get());
        ResponseFuture::read(inner, head, reading, inquirer)
    }
}

/// Whether there is anything to be read.
fn has_body<B: Body>(head: &Parts, body: &B) -> bool {
    !body.is_end_stream() && !asks_for_tunnel(&head.method, &head.headers)
}

/// What is answered to a request that says itself that its body is too long.
fn refused<B: Body>(shown: &ForwardBody, head: &Parts, body: &B) -> Option<Response<Bytes>> {
    let Longer::Refuse(answer) = shown.longer() else {
        return None;
    };
    let limit = u64::try_from(shown.limit().get()).unwrap_or(u64::MAX);
    let foreseen = foresee(limit, &head.headers, body);
    (foreseen == Foreseen::Beyond).then(|| answer.to_response())
}

// By hand: a derive would ask it of the inquirer, who is shared.
impl<S: Clone, I> Clone for InquiryService<S, I> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.inquirer))
    }
}
