//! What a body that is too long raises.

/// The client sent more than is allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("request body is longer than {limit} bytes")]
pub struct RequestTooLarge {
    /// What is allowed.
    pub limit: u64,
}

/// The backend sent more than is allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("response body is longer than {limit} bytes")]
pub struct ResponseTooLarge {
    /// What is allowed.
    pub limit: u64,
}
