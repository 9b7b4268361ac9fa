//! Whether a response is an error.

use http::{HeaderMap, Response};
use http_body::Body;

use super::settings::{CircuitBreaker, Errors};
use crate::grpc::{GrpcStatus, is_grpc};

/// What the head of a response says of the call.
///
/// The list is complete: a call has ended well or badly, or that is not known yet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Judgement {
    /// It counts as a success.
    Success,
    /// It counts as an error.
    Error,
    /// It counts neither way.
    Neither,
    /// It is a gRPC call whose status comes after its messages.
    InTrailers,
}

/// An extension of responses that say nothing of whom the breaker is for, such as answers of a
/// limit on the way there: their calls count neither way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Uncounted;

impl CircuitBreaker {
    /// What `response` says of the call that it answers.
    pub fn judge<B: Body>(&self, response: &Response<B>) -> Judgement {
        if response.extensions().get::<Uncounted>().is_some() {
            return Judgement::Neither;
        }
        if self.errors.statuses.contains(response.status()) {
            return Judgement::Error;
        }
        if self.errors.grpc.is_empty() {
            return Judgement::Success;
        }
        if GrpcStatus::of(response.headers()).is_some() {
            return self.errors.grpc_error(response.headers());
        }
        if is_grpc(response.headers()) && !response.body().is_end_stream() {
            return Judgement::InTrailers;
        }
        Judgement::Success
    }
}

impl Errors {
    /// What the trailers of a gRPC response say, or headers that take their place.
    pub(super) fn grpc_error(&self, headers: &HeaderMap) -> Judgement {
        match GrpcStatus::of(headers) {
            Some(status) if self.grpc.contains(status) => Judgement::Error,
            Some(_) | None => Judgement::Success,
        }
    }
}
