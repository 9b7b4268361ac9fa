//! Each policy as the layer that it is.

use std::sync::Arc;

use gateway_filters::bandwidth::BandwidthBody;
use gateway_filters::guard::{Guard, GuardLayer};
use gateway_filters::inquiry::{Inquire, InquiryLayer};
use gateway_filters::rate_limit::RateLimiter;
use gateway_filters::{
    AccessLayer, BasicAuth, BasicAuthLayer, BodyLimitLayer, CircuitBreaker, CircuitBreakerLayer,
    ConcurrencyLimit, ConcurrencyLimitLayer, DirectResponseLayer, ErrorBodiesLayer, ExtAuthLayer,
    FaultLayer, RateLimitLayer, RequestBandwidthLayer, RequestHeaderValuesLayer, RequestIdLayer,
    ResponseBandwidthLayer, ResponseHeaderValuesLayer,
};
use http::Request;
use tower::{Layer, ServiceExt};

use super::bodies::{answered, counted, direct, limited, paced, uncounted, watched};
use super::client::Client;
use super::rescued::Rescued;
use crate::Body;
use crate::model::{BackendTarget, Policy};
use crate::stack::RuleStack;
use crate::stack::assemble::Making;
use crate::stack::kept::Place;
use crate::stack::spared::{spare, unspare};

/// `inner` inside the layer that `policy` is, whose state is at `place`.
pub(in crate::stack) fn wrap(
    making: &mut Making<'_>,
    policy: &Policy,
    place: &Place,
    inner: RuleStack,
) -> RuleStack {
    match policy {
        Policy::ErrorBodies(bodies) => {
            // Errors are answers that want a body, too.
            let layer = ErrorBodiesLayer::new(Arc::clone(bodies));
            RuleStack::new(layer.layer(Rescued::new(inner)).map_response(answered))
        }
        Policy::RequestId(ids) => RuleStack::new(RequestIdLayer::new(Arc::clone(ids)).layer(inner)),
        Policy::ResponseHeaderValues(values) => {
            let layer = ResponseHeaderValuesLayer::new(Arc::clone(values));
            RuleStack::new(layer.layer(inner))
        }
        Policy::RequestHeaderValues(values) => {
            let layer = RequestHeaderValuesLayer::new(Arc::clone(values));
            RuleStack::new(layer.layer(inner))
        }
        Policy::DirectResponse(answer) => {
            let layer = DirectResponseLayer::new(Arc::clone(answer));
            RuleStack::new(layer.layer(inner).map_response(answered))
        }
        Policy::Fault(fault) => RuleStack::new(FaultLayer::new(Arc::clone(fault)).layer(inner)),
        Policy::Access(access) => RuleStack::new(AccessLayer::new(Arc::clone(access)).layer(inner)),
        Policy::Csrf(guard) => guarded(guard, inner),
        Policy::BasicAuth(auth) => {
            let layer = basic_auth(making, place, auth);
            RuleStack::new(layer.layer(inner).map_response(answered))
        }
        Policy::ApiKeys(guard) => guarded(guard, inner),
        Policy::ExtAuth(asked) => {
            let client = client(making, &asked.backend);
            let layer: ExtAuthLayer<Client<Body>, Body> =
                ExtAuthLayer::new(asked.settings.clone().ask(client));
            inquired(layer, inner)
        }
        Policy::RateLimit(limit) => {
            let limiter = making.keep(place, limit, |limit| RateLimiter::new(Arc::clone(limit)));
            RuleStack::new(RateLimitLayer::new(limiter).layer(inner))
        }
        Policy::ConcurrencyLimit(limit) => {
            let new = |limit: &Arc<ConcurrencyLimit>| ConcurrencyLimitLayer::new((**limit).clone());
            let layer = making.keep(place, limit, new);
            RuleStack::new(layer.layer(inner).map_response(limited))
        }
        Policy::CircuitBreaker(breaker) => {
            let new = |breaker: &Arc<CircuitBreaker>| CircuitBreakerLayer::new((**breaker).clone());
            let layer = making.keep(place, breaker, new);
            let broken = layer.layer(inner.map_result(spare)).map_response(watched);
            RuleStack::new(broken.map_result(unspare))
        }
        Policy::BodyLimit(limit) => {
            let inner = inner.map_request(|request: Request<_>| request.map(uncounted));
            let layer = BodyLimitLayer::new(Arc::clone(limit));
            RuleStack::new(layer.layer(inner).map_response(counted))
        }
        Policy::RequestBandwidth(bandwidth) => {
            let inner =
                inner.map_request(|request: Request<BandwidthBody<Body>>| request.map(Body::new));
            RuleStack::new(RequestBandwidthLayer::new(*bandwidth).layer(inner))
        }
        Policy::ResponseBandwidth(bandwidth) => {
            let layer = ResponseBandwidthLayer::new(*bandwidth);
            RuleStack::new(layer.layer(inner).map_response(paced))
        }
        #[cfg(feature = "compression")]
        Policy::Compression(compression) => {
            let layer = gateway_filters::CompressionLayer::new(Arc::clone(compression));
            let service = layer.layer(inner);
            RuleStack::new(service.map_response(|response| response.map(Body::new)))
        }
        #[cfg(feature = "jwt")]
        Policy::Jwt(jwt) => guarded(&Arc::new(with_live_keys(making, jwt)), inner),
        #[cfg(feature = "ext-authz")]
        Policy::ExtAuthz(asked) => {
            let client = client(making, &asked.backend);
            inquired(InquiryLayer::new(asked.settings.clone().ask(client)), inner)
        }
        #[cfg(feature = "global-rate-limit")]
        Policy::GlobalRateLimit(asked) => {
            let client = client(making, &asked.backend);
            inquired(InquiryLayer::new(asked.settings.clone().ask(client)), inner)
        }
    }
}

fn guarded<G: Guard + Send + Sync + 'static>(guard: &Arc<G>, inner: RuleStack) -> RuleStack {
    let layer = GuardLayer::<G>::new(Arc::clone(guard));
    RuleStack::new(layer.layer(inner).map_response(answered))
}

fn inquired<I>(layer: InquiryLayer<I>, inner: RuleStack) -> RuleStack
where
    I: Inquire + Send + Sync + 'static,
{
    let inner = inner.map_request(|request: Request<_>| request.map(direct));
    RuleStack::new(layer.layer(inner).map_response(answered))
}

/// What is known of passwords is remembered.
fn basic_auth(making: &mut Making<'_>, place: &Place, auth: &Arc<BasicAuth>) -> BasicAuthLayer {
    #[cfg(feature = "bcrypt")]
    let new = {
        let hashing = making.hashing().clone();
        move |auth: &Arc<BasicAuth>| BasicAuthLayer::with_hashing(Arc::clone(auth), hashing)
    };
    #[cfg(not(feature = "bcrypt"))]
    let new = |auth: &Arc<BasicAuth>| BasicAuthLayer::new(Arc::clone(auth));
    making.keep(place, auth, new)
}

fn client<B>(making: &Making<'_>, backend: &BackendTarget) -> Client<B> {
    Client::new(making.backends().service(backend))
}

/// With keys that are fetched where they are to be.
#[cfg(feature = "jwt")]
fn with_live_keys(
    making: &mut Making<'_>,
    policy: &crate::model::JwtPolicy,
) -> gateway_filters::Jwt {
    use crate::stack::Chore;
    use crate::stack::kept::{Part, Scope};
    use gateway_filters::jwt::JwksSource;

    policy.jwt().clone().with_sources(|source| {
        let Some((how, backend)) = source
            .how()
            .and_then(|how| Some((how, policy.keys_from(how)?)))
        else {
            return source.clone();
        };
        let place = Place {
            scope: Scope::Keys(how.clone(), backend.clone()),
            part: Part::Policies,
            index: 0,
        };
        let client: Client<Body> = client(making, backend);
        let chores = making.chores().clone();
        making.keep(&place, how, |how| {
            let live = JwksSource::remote();
            let failed = |error| tracing::warn!(%error, "keys cannot be fetched");
            chores.add(Chore::new(live.refresh(how.clone(), client, failed)));
            live
        })
    })
}
