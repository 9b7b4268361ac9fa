//! Asks another service about a request, before it is forwarded.
//!
//! What [`ext_auth`](crate::ext_auth) and its like have in common: the head of the request is
//! described to somebody, who says whether it may pass, what is to be changed, or what the client
//! is told instead. There is a deadline for that; and a choice, made in the configuration, of what
//! becomes of a request about which nothing is known: [`OnFailure`].
//!
//! The request waits meanwhile, its body unread, and holds no place in the service inside, which is
//! asked whether it is ready once more when the request may pass. Dropping the response future drops
//! the question. A question costs one allocation besides what the client of the other service does.
//!
//! # Bodies
//!
//! Where the other service is to be shown bodies ([`ForwardBody`]), as much is read as may be shown
//! and no more than a frame besides, before it is asked; the backend gets all of it afterwards, as
//! it came. This is off by default, and costs a request without body nothing. For one that has a
//! body it costs
//!
//! * memory: the limit and a frame, once more for what is shown, until the backend has read it.
//!   Limit the [number of requests](crate::concurrency_limit) where that matters;
//! * time: nobody is asked before the body has ended, or is longer than the limit. The time for the
//!   question begins afterwards; how slowly a client may send is not limited here;
//! * streams: a client that waits for an answer before it sends its body to the end, as a call of
//!   gRPC may, waits in vain, unless it sends more than the limit.
//!
//! What passes through a tunnel is no body. A client that leaves takes with it what was read.

mod edits;
mod forward_body;
mod future;
mod layer;
mod reading;
mod service;
mod settings;
#[cfg(test)]
mod tests;

use std::pin::Pin;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

pub use self::edits::HeaderEdits;
pub use self::forward_body::{Excerpt, ForwardBody, Longer};
pub use self::future::ResponseFuture;
pub use self::layer::InquiryLayer;
pub use self::service::InquiryService;
pub use self::settings::{InquiryFailed, InquiryTimedOut, OnFailure, RequestUnreadable};

pub(crate) use self::edits::is_free;
pub(crate) use self::forward_body::PARTIAL_BODY;

use crate::BoxError;

/// Someone who can be asked about a request.
pub trait Inquire {
    /// Asks about the request with this head, and with what is shown of its body: nothing, if it
    /// has none.
    fn inquire(&self, head: &Parts, body: Option<Excerpt>) -> Inquiry;

    /// How much of a body it wants to be shown. Nothing by default.
    fn forward_body(&self) -> Option<&ForwardBody> {
        None
    }

    /// How long to wait for what it says.
    fn timeout(&self) -> std::time::Duration;

    /// What becomes of a request about which nothing is known.
    fn on_failure(&self) -> &OnFailure;

    /// What changes of a request that passes though nothing is known about it
    /// ([`OnFailure::Allow`]): headers in which backends believe what it says are removed, for a
    /// client may have sent them. Nothing by default.
    fn edits_on_failure(&self) -> HeaderEdits {
        HeaderEdits::new()
    }
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
