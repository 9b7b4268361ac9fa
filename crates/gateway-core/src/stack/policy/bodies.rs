//! Bodies of layers become the body of the gateway again, without a box where nothing is left
//! to be watched.

use gateway_filters::AnswerBody;
use gateway_filters::bandwidth::BandwidthBody;
use gateway_filters::body_limit::CountedBody;
use gateway_filters::circuit_breaker::BreakerBody;
use gateway_filters::concurrency_limit::LimitedBody;
use gateway_filters::retry::ReplayBody;
use http::Response;

use crate::Body;

pub(super) fn answered(response: Response<AnswerBody<Body>>) -> Response<Body> {
    response.map(either)
}

fn either(body: AnswerBody<Body>) -> Body {
    match body.try_into_inner() {
        Ok(body) => body,
        Err(bytes) => bytes.into(),
    }
}

pub(super) fn counted(response: Response<AnswerBody<CountedBody<Body>>>) -> Response<Body> {
    response.map(|body| match body.try_into_inner() {
        Ok(counted) => uncounted(counted),
        Err(bytes) => bytes.into(),
    })
}

pub(super) fn uncounted(body: CountedBody<Body>) -> Body {
    match body.try_into_inner() {
        Ok(inner) => inner,
        Err(counted) => Body::new(counted),
    }
}

pub(in crate::stack) fn limited(response: Response<LimitedBody<Body>>) -> Response<Body> {
    response.map(|body| body.try_into_answer().map_or_else(Body::new, either))
}

pub(in crate::stack) fn watched(response: Response<BreakerBody<Body>>) -> Response<Body> {
    response.map(|body| body.try_into_answer().map_or_else(Body::new, either))
}

/// Most requests are sent once, with the body they came with.
pub(in crate::stack) fn direct(body: ReplayBody<Body>) -> Body {
    match body.try_into_inner() {
        Ok(inner) => inner,
        Err(shared) => Body::new(shared),
    }
}

pub(super) fn paced(response: Response<BandwidthBody<Body>>) -> Response<Body> {
    response.map(Body::new)
}
