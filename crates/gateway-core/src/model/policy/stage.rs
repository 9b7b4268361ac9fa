//! Where a policy stands in a rule's stack.

use super::Policy;

/// When a policy has its turn, from the outside to the inside. Complete.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Around everything, even the deadline of the exchange: what it does is done to every
    /// response, whoever made it.
    Response,
    /// Who may ask for what, as far as that can be said without knowing who it is.
    Access,
    /// How much.
    Limits,
    /// What is made to fail.
    Faults,
    /// Who it is.
    Authentication,
    /// What may be said only of somebody who is known.
    Known,
    /// Inside the rule's filters, around its backends and all tries at them.
    Backends,
}

impl Policy {
    /// When it has its turn, where its place is not written out.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::ErrorBodies(_) | Self::RequestId(_) | Self::ResponseHeaderValues(_) => {
                Stage::Response
            }
            #[cfg(feature = "compression")]
            Self::Compression(_) => Stage::Response,
            Self::Access(access) if access.asks_lookups() => Stage::Known,
            Self::Access(_) => Stage::Access,
            Self::RateLimit(limit) if limit.asks_lookups() => Stage::Known,
            Self::RateLimit(_)
            | Self::BodyLimit(_)
            | Self::ConcurrencyLimit(_)
            | Self::RequestBandwidth(_)
            | Self::ResponseBandwidth(_) => Stage::Limits,
            #[cfg(feature = "global-rate-limit")]
            Self::GlobalRateLimit(_) => Stage::Limits,
            Self::Fault(_) => Stage::Faults,
            Self::Csrf(_) | Self::BasicAuth(_) | Self::ApiKeys(_) | Self::ExtAuth(_) => {
                Stage::Authentication
            }
            #[cfg(feature = "jwt")]
            Self::Jwt(_) => Stage::Authentication,
            #[cfg(feature = "ext-authz")]
            Self::ExtAuthz(_) => Stage::Authentication,
            Self::RequestHeaderValues(_) => Stage::Known,
            Self::CircuitBreaker(_) | Self::DirectResponse(_) => Stage::Backends,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gateway_filters::access::AccessRule;
    use gateway_filters::rate_limit::Key;
    use gateway_filters::{AccessControl, Lookup, RateLimit};

    use super::*;

    #[test]
    fn what_asks_who_it_is_comes_after_authentication() {
        let role = || Lookup::new("role", |_, _| {});
        let limit = RateLimit::new(1, Duration::from_secs(1)).unwrap();
        let access = AccessControl::new();

        let before = [
            Policy::RateLimit(Arc::new(limit.clone())),
            Policy::Access(Arc::new(access.clone())),
        ];
        let after = [
            Policy::RateLimit(Arc::new(limit.by(Key::Lookup(role())))),
            Policy::Access(Arc::new(
                access.rule(AccessRule::allow().on_lookup(role(), ["admin"])),
            )),
        ];

        assert!(before.iter().all(|p| p.stage() < Stage::Authentication));
        assert!(after.iter().all(|p| p.stage() > Stage::Authentication));
    }
}
