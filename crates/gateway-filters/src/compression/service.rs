//! The service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_http::CompressionLevel as Level;
use tower_http::compression::{Compression as Coder, CompressionBody};
use tower_service::Service;

use super::apply::Worth;
use super::future::ResponseFuture;
use super::mark::Mark;
use super::settings::{Coding, Compression, CompressionLevel};

/// Compresses responses of `S`. It is ready when `S` is.
#[derive(Clone)]
pub struct CompressionService<S> {
    inner: Coder<Mark<S>, Worth>,
}

impl<S> CompressionService<S> {
    pub(super) fn new(inner: S, compression: &Arc<Compression>) -> Self {
        let offers = |coding| compression.codings.contains(&coding);
        let level = match compression.level {
            CompressionLevel::Fastest => Level::Fastest,
            CompressionLevel::Default => Level::Default,
            CompressionLevel::Best => Level::Best,
        };
        let worth = Worth(Arc::clone(compression));
        let inner = Coder::new(Mark::new(inner, worth.clone()))
            .gzip(offers(Coding::Gzip))
            .br(offers(Coding::Brotli))
            .zstd(offers(Coding::Zstd))
            .quality(level)
            .compress_when(worth);
        Self { inner }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CompressionService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<CompressionBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        ResponseFuture::new(self.inner.call(request))
    }
}

impl<S: fmt::Debug> fmt::Debug for CompressionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressionService")
            .field("inner", self.inner.get_ref())
            .finish_non_exhaustive()
    }
}
