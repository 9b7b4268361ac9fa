//! Which outcome is a reason to retry.

use http::{HeaderMap, Response, StatusCode};

use super::policy::RetryPolicy;
use crate::grpc::GrpcStatus;

/// What an error of the inner service says about the try that it ended.
///
/// The list is complete: a new kind of failure is one of these to a retry.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FailedTry {
    /// The backend cannot have seen the request: no connection, no TLS, a refused
    /// HTTP/2 stream, or nothing written. Always repeated.
    Unsent,
    /// A client would see the error as this status, such as 504 for a backend that
    /// took too long. Repeated if the policy names the status.
    Answered(StatusCode),
    /// Never repeated.
    Final,
}

/// Whether `policy` would repeat a try that ended in an error.
pub(super) fn retries_error(policy: &RetryPolicy, tunnel: bool, failed: FailedTry) -> bool {
    match failed {
        FailedTry::Unsent => true,
        FailedTry::Answered(status) => !tunnel && policy.retries(status),
        FailedTry::Final => false,
    }
}

/// Whether `policy` would repeat a try that was answered.
pub(super) fn retries_response<R>(
    policy: &RetryPolicy,
    tunnel: bool,
    response: &Response<R>,
) -> bool {
    !tunnel && (policy.retries(response.status()) || retries_grpc(policy, response.headers()))
}

/// Whether a gRPC backend says in the head that the call has ended in such a way. A status in the
/// trailers comes too late, for the head has been sent by then.
fn retries_grpc(policy: &RetryPolicy, headers: &HeaderMap) -> bool {
    GrpcStatus::of(headers).is_some_and(|status| policy.retries_grpc(status))
}
