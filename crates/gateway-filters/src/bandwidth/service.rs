//! The services.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::BandwidthBody;
use super::future::ResponseFuture;
use super::settings::Bandwidth;

/// Gives `S` requests of which the body takes its time.
#[derive(Clone, Debug)]
pub struct RequestBandwidth<S> {
    inner: S,
    bandwidth: Option<Bandwidth>,
}

impl<S> RequestBandwidth<S> {
    pub(super) fn new(inner: S, bandwidth: Option<Bandwidth>) -> Self {
        Self { inner, bandwidth }
    }
}

impl<S, B> Service<Request<B>> for RequestBandwidth<S>
where
    S: Service<Request<BandwidthBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let bandwidth = self.bandwidth;
        self.inner
            .call(request.map(|body| BandwidthBody::new(body, bandwidth)))
    }
}

/// Makes the bodies of responses from `S` take their time.
#[derive(Clone, Debug)]
pub struct ResponseBandwidth<S> {
    inner: S,
    bandwidth: Option<Bandwidth>,
}

impl<S> ResponseBandwidth<S> {
    pub(super) fn new(inner: S, bandwidth: Option<Bandwidth>) -> Self {
        Self { inner, bandwidth }
    }
}

impl<S, Req, B> Service<Req> for ResponseBandwidth<S>
where
    S: Service<Req, Response = Response<B>>,
{
    type Response = Response<BandwidthBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        ResponseFuture::new(self.inner.call(request), self.bandwidth)
    }
}
