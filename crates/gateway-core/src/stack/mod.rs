//! One service for each rule, assembled when the configuration changes.
//!
//! From the outside to the inside, where layers of a rule that does not ask for them are not
//! there:
//!
//! ```text
//! policies of Stage::Response   error bodies, request names, compression
//!   ExchangeDeadline            the rule's timeouts.request, or the client's grpc-timeout
//!     policies                  in the order of their stages: access, limits, faults,
//!                               authentication, what is for those who are known
//!       FilterChain             the rule's filters as written; custom layers and policies
//!                               among them
//!         policies of Stage::Backends   circuit breakers, direct responses
//!           Retry               the rule's retry
//!             Dispatch          one backendRef by weight
//!               FilterChain     that backendRef's filters
//!                 BackendRequestTimeout
//!                   UpstreamService     an endpoint, a connection
//! ```

mod assemble;
mod attached;
mod backends;
mod boxed;
mod chain;
mod check;
mod choose;
mod chore;
mod deadline;
mod dispatch;
mod extension;
mod guard;
mod kept;
mod live;
mod lookup;
mod needs;
mod policy;
mod security;
mod spared;
mod step;
mod surroundings;
#[cfg(test)]
mod tests;
mod upstream;
mod warmed;

pub(crate) use self::assemble::{Assembler, LiveRule};
pub(crate) use self::attached::AllAttached;
pub(crate) use self::backends::Backends;
pub use self::boxed::{RuleStack, StackFuture};
pub(crate) use self::choose::HashKeys;
pub(crate) use self::chore::Chore;
pub(crate) use self::extension::Extensions;
pub(crate) use self::kept::Share;
pub(crate) use self::live::LiveBackend;
pub(crate) use self::security::InvalidBackendTls;
use self::step::Step;
pub(crate) use self::step::UnresolvedFilter;
pub(crate) use self::surroundings::Surroundings;
pub(crate) use self::upstream::{InvalidBackend, SwitchedAt, UpstreamService};
pub(crate) use self::warmed::Warmed;
