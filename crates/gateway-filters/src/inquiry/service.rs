//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Inquire;
use super::future::ResponseFuture;
use crate::answer_body::AnswerBody;

/// Calls `S` with requests about which `I` says that they may pass. It is ready when `S` is.
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
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    I: Inquire,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody, I>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (head, body) = request.into_parts();
        let question = self.inquirer.inquire(&head);
        // The one that said it is ready is the one to be called.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);

        let request = Request::from_parts(head, body);
        ResponseFuture::new(ready, request, question, Arc::clone(&self.inquirer))
    }
}

// By hand: a derive would ask it of the inquirer, who is shared.
impl<S: Clone, I> Clone for InquiryService<S, I> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.inquirer))
    }
}
