//! Asks a rate limit service whether there is room for a request.
//!
//! A limit that holds for many gateways together needs someone who counts for all of them. This
//! is a client for the protocol of Envoy's rate limit service:
//! `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`. Each request is described by
//! [`Descriptor`]s, lists of keys and values; the service has the limits for these, and says
//! whether one is used up.
//!
//! A value is fixed or has [variables](crate::template). A descriptor of which a value is empty is
//! left out: a request without the header that it counts by is not counted by it. If no
//! descriptor is left, the service is not asked.
//!
//! Over the limit the answer is 429, with the headers that the service adds and, if told so,
//! `RateLimit-Limit`, `-Remaining` and `-Reset` of the descriptor with the least left. What
//! becomes of a request when the service cannot be reached in time has no default: nobody else
//! can know whether being open or being fair matters more.
//!
//! The service is reached through any transport of tonic's: a channel of its own, or a tower
//! service over our own connections. Every request waits for it: a round trip, up to the timeout.

mod ask;
mod error;
mod proto;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::ask::AskLimits;
pub use self::error::InvalidDescriptor;
pub use self::settings::{Descriptor, GlobalRateLimit};

#[doc(no_inline)]
pub use crate::inquiry::OnFailure;
use crate::inquiry::{InquiryLayer, InquiryService};

/// Applies [`GlobalRateLimitService`].
pub type GlobalRateLimitLayer<C> = InquiryLayer<AskLimits<C>>;

/// Calls `S` for requests for which a service behind `C` has room.
pub type GlobalRateLimitService<S, C> = InquiryService<S, AskLimits<C>>;
