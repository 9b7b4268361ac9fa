//! Why a request cannot be redirected.

/// The request does not say, in a form that can be read, which host it is for.
///
/// It has neither a URI with an authority nor a `Host` header, or what it has is not a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the host of the request is unknown")]
pub struct UnknownHost;
