//! What circuit breakers are not told of: failures that are nobody's but ours.

use std::error::Error;

use gateway_filters::circuit_breaker::Uncounted;
use gateway_lb::pool::{UpstreamError, UpstreamErrorKind};
use http::Response;

use crate::{Body, BoxError};

/// What a limit of the gateway's own has refused, on its way past a breaker.
#[derive(Clone)]
struct Spared(UpstreamError);

type Answer = Result<Response<Body>, BoxError>;

/// Makes a failure that says nothing about the backend an answer that is not counted.
pub(super) fn spare(answer: Answer) -> Answer {
    let error = match answer {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    let Some(overloaded) = overloaded(&*error) else {
        return Err(error);
    };
    let mut response = Response::new(Body::empty());
    let extensions = response.extensions_mut();
    extensions.insert(Uncounted);
    extensions.insert(Spared(overloaded.clone()));
    Ok(response)
}

/// The failure again.
pub(super) fn unspare(answer: Answer) -> Answer {
    let mut response = answer?;
    match response.extensions_mut().remove::<Spared>() {
        Some(Spared(error)) => Err(error.into()),
        None => Ok(response),
    }
}

fn overloaded<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a UpstreamError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let upstream = error.downcast_ref::<UpstreamError>();
        if let Some(error) = upstream.filter(|error| error.kind() == UpstreamErrorKind::Overloaded)
        {
            return Some(error);
        }
        cause = error.source();
    }
    None
}
