//! A backend as those see it who ask it something.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Response, Uri, header};
use http_body::Body as HttpBody;
use tower::Service;

use crate::stack::UpstreamService;
use crate::stack::upstream::UpstreamFuture;
use crate::{Body, BoxError};

/// Sends requests that name a whole URL to a backend, whatever host they name.
pub(super) struct Client<B> {
    upstream: UpstreamService,
    body: PhantomData<fn(B)>,
}

impl<B> Client<B> {
    pub(super) fn new(upstream: UpstreamService) -> Self {
        Self {
            upstream,
            body: PhantomData,
        }
    }
}

impl<B> Service<Request<B>> for Client<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = UpstreamFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.upstream.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> UpstreamFuture {
        let mut request = request.map(Body::new);
        in_origin_form(&mut request);
        self.upstream.call(request)
    }
}

/// The host goes where HTTP/1.1 has it; the pool brings it to where HTTP/2 does.
fn in_origin_form(request: &mut Request<Body>) {
    let named = request.uri().authority().map(Authority::as_str);
    let host = named.and_then(|name| HeaderValue::try_from(name).ok());
    if let Some(host) = host {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    let target = request.uri().path_and_query().cloned();
    let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
}

// By hand: a derive would ask it of the body.
impl<B> Clone for Client<B> {
    fn clone(&self) -> Self {
        Self::new(self.upstream.clone())
    }
}

impl<B> fmt::Debug for Client<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.upstream.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_taken_apart() {
        let mut request = Request::post("http://auth.test:9000/check?a=b")
            .body(Body::empty())
            .unwrap();

        in_origin_form(&mut request);

        assert_eq!(request.uri(), "/check?a=b");
        assert_eq!(request.headers()["host"], "auth.test:9000");
    }

    #[test]
    fn host_that_was_chosen_stays() {
        let mut request = Request::get("http://auth.test")
            .header("host", "shop.test")
            .body(Body::empty())
            .unwrap();

        in_origin_form(&mut request);

        assert_eq!(request.uri(), "/");
        assert_eq!(request.headers()["host"], "shop.test");
    }
}
