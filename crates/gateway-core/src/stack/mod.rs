//! One service for each rule, assembled when the configuration changes.
//!
//! From the outside to the inside:
//!
//! ```text
//! ExchangeDeadline      the rule's timeouts.request, or the client's grpc-timeout
//!   FilterChain         the rule's filters as written; custom layers among them
//!     Retry             the rule's retry
//!       Dispatch        one backendRef by weight
//!         FilterChain   that backendRef's filters
//!           BackendRequestTimeout
//!             UpstreamService    an endpoint, a connection
//! ```

mod assemble;
mod backends;
mod boxed;
mod chain;
mod deadline;
mod dispatch;
mod extension;
mod security;
mod step;
#[cfg(test)]
mod tests;
mod upstream;

pub(crate) use self::assemble::{Assembler, LiveRule};
pub(crate) use self::backends::{Backends, LiveBackend, Lookup};
pub use self::boxed::{RuleStack, StackFuture};
pub(crate) use self::extension::Extensions;
pub(crate) use self::security::InvalidBackendTls;
use self::step::Step;
pub(crate) use self::step::UnresolvedFilter;
pub(crate) use self::upstream::{InvalidBackend, UpstreamService};
