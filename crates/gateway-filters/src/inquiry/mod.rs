//! Asks another service about a request, before it is forwarded.
//!
//! What [`ext_auth`](crate::ext_auth) and its like have in common: the head of the request is
//! described to somebody, who says whether it may pass, what is to be changed, or what the client
//! is told instead. There is a deadline for that; and a choice, made in the configuration, of what
//! becomes of a request about which nothing is known: [`OnFailure`].
//!
//! The request waits meanwhile, its body unread. Dropping the response future drops the question.
//! A question costs one allocation besides what the client of the other service does.

mod edits;
mod future;
mod layer;
mod service;
mod settings;

use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

pub use self::edits::HeaderEdits;
pub use self::future::ResponseFuture;
pub use self::layer::InquiryLayer;
pub use self::service::InquiryService;
pub use self::settings::{InquiryFailed, InquiryTimedOut, OnFailure};

pub(crate) use self::edits::is_free;

use crate::BoxError;

/// Someone who can be asked about a request.
pub trait Inquire {
    /// Asks about the request with this head.
    fn inquire(&self, head: &Parts) -> Inquiry;

    /// How long to wait for what it says.
    fn timeout(&self) -> std::time::Duration;

    /// What becomes of a request about which nothing is known.
    fn on_failure(&self) -> &OnFailure;
}

/// A question that is being answered.
///
/// Boxed, for it reads bodies and decodes messages, and goes over the network: one allocation is
/// the least of it.
pub type Inquiry = Pin<Box<dyn Future<Output = Result<Verdict, BoxError>> + Send>>;

/// What is to become of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It is forwarded.
    Pass {
        /// What changes of the request.
        request: HeaderEdits,
        /// What changes of the response.
        response: HeaderEdits,
    },
    /// It is answered with this.
    Deny(Response<Bytes>),
}
