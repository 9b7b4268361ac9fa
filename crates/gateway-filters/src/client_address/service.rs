//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::address::{ClientAddress, PeerAddress};
use super::settings::TrustedProxies;

/// Tells `S`, by an extension of every request, who sent it.
///
/// A request without a [`PeerAddress`] is passed on as it is.
#[derive(Clone, Debug)]
pub struct ClientAddressService<S> {
    inner: S,
    proxies: Arc<TrustedProxies>,
}

impl<S> ClientAddressService<S> {
    pub(super) fn new(inner: S, proxies: Arc<TrustedProxies>) -> Self {
        Self { inner, proxies }
    }
}

impl<S, B> Service<Request<B>> for ClientAddressService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = PeerAddress::of(request.extensions()) {
            let client = self.proxies.client(peer, request.headers());
            request.extensions_mut().insert(ClientAddress(client));
        }
        self.inner.call(request)
    }
}
