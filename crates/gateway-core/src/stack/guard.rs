//! What stands between the requests of all rules and the endpoints of a backend.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use gateway_filters::{
    CircuitBreaker, CircuitBreakerLayer, ConcurrencyLimit, ConcurrencyLimitLayer,
};
use gateway_lb::pool::Pool;
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt};

use super::RuleStack;
use super::live::LiveBackend;
use super::policy::{limited, watched};
use super::spared::{spare, unspare};
use super::upstream::{InvalidBackend, UpstreamFuture, send};
use crate::model::BackendTraffic;
use crate::{Body, BoxError};

/// A circuit breaker, a limit, or both.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    breaker: Option<CircuitBreakerLayer>,
    limit: Option<ConcurrencyLimitLayer>,
    pub(super) stack: RuleStack,
}

impl Guard {
    /// What `traffic` asks for, with what is known of it from `before`. Nothing, mostly.
    pub(super) fn new(
        before: Option<&Self>,
        traffic: &BackendTraffic,
        live: &Arc<LiveBackend>,
        pool: &Pool<Body>,
    ) -> Option<Self> {
        if traffic.circuit_breaker().is_none() && traffic.concurrency_limit().is_none() {
            return None;
        }
        let known = before.and_then(|before| before.breaker.clone());
        let breaker = traffic.circuit_breaker().map(|settings: &CircuitBreaker| {
            let known = known.filter(|known| known.settings() == settings);
            known.unwrap_or_else(|| CircuitBreakerLayer::new(settings.clone()))
        });
        let known = before.and_then(|before| before.limit.clone());
        let limit = traffic
            .concurrency_limit()
            .map(|settings: &ConcurrencyLimit| {
                let known = known.filter(|known| known.settings() == settings);
                known.unwrap_or_else(|| ConcurrencyLimitLayer::new(settings.clone()))
            });

        let mut stack = RuleStack::new(Guarded {
            backend: Arc::downgrade(live),
            pool: pool.clone(),
        });
        // Whom the limit refuses did not fail.
        if let Some(breaker) = &breaker {
            let broken = breaker.layer(stack.map_result(spare)).map_response(watched);
            stack = RuleStack::new(broken.map_result(unspare));
        }
        if let Some(limit) = &limit {
            stack = RuleStack::new(limit.layer(stack).map_response(limited));
        }
        Some(Self {
            breaker,
            limit,
            stack,
        })
    }
}

/// The endpoints behind the guard of a backend, which must not keep the backend alive.
#[derive(Clone, Debug)]
struct Guarded {
    backend: Weak<LiveBackend>,
    pool: Pool<Body>,
}

impl Service<Request<Body>> for Guarded {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = UpstreamFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> UpstreamFuture {
        let Some(backend) = self.backend.upgrade() else {
            return UpstreamFuture::failed(InvalidBackend.into());
        };
        let active = backend.active();
        match active.as_ref() {
            Some(active) => send(&backend, active, &self.pool, request),
            None => UpstreamFuture::failed(InvalidBackend.into()),
        }
    }
}
