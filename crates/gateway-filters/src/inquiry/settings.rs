//! What becomes of a request about which nothing is known.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::BoxError;
use crate::answer::Answer;

/// What becomes of a request when nobody says whether it may pass: the other service cannot be
/// reached, takes too long or says what cannot be understood.
///
/// The list is complete: a request passes or it does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OnFailure {
    /// It is answered with this.
    Deny(Answer),
    /// It is forwarded, without [the headers](super::Inquire::edits_on_failure) that nobody but the
    /// other service may say.
    Allow,
}

/// The other service took too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no answer within {after:?}")]
pub struct InquiryTimedOut {
    /// The limit that was exceeded.
    pub after: Duration,
}

/// The body that was to be shown broke off: the client's doing, about which nobody is asked.
#[derive(Debug, thiserror::Error)]
#[error("the request's body could not be read")]
pub struct RequestUnreadable(#[source] pub(super) BoxError);

/// Why nothing was known: an extension of the response in [`OnFailure::Deny`], for logs.
#[derive(Clone, Debug)]
pub struct InquiryFailed(pub Arc<dyn Error + Send + Sync>);
