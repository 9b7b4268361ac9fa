//! What a policy means where there are no requests.

use std::sync::Arc;

use gateway_filters::rate_limit::Key;
use gateway_filters::{AccessControl, Bandwidth, RateLimit};

use super::Policy;
use crate::model::StreamRouteKind;

/// A policy as it holds for connections that are not HTTP, and for sessions of datagrams.
/// Complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StreamPolicy {
    /// Refuses clients by their addresses.
    Access(Arc<AccessControl>),
    /// Lets so many connections or sessions begin in a time.
    RateLimit(Arc<RateLimit>),
    /// Lets so many bytes in a second pass that a client sends in a connection.
    Received(Bandwidth),
    /// Lets so many bytes in a second pass that a client is sent in a connection.
    Sent(Bandwidth),
}

/// A policy that cannot hold for connections that are not HTTP, or for sessions of datagrams.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitPolicy {
    /// It is about requests.
    #[error("{policy} is for requests, and none are read here")]
    Requests {
        /// Which one.
        policy: &'static str,
    },
    /// It is about bytes in their order.
    #[error("{policy} is for connections; datagrams are not slowed down")]
    Datagrams {
        /// Which one.
        policy: &'static str,
    },
    /// Its rules ask for paths, methods or headers.
    #[error("Access has rules, and here only denied and allowed addresses are looked at")]
    AccessRules,
    /// It counts apart what only requests have.
    #[error("RateLimit has a key that requests have; here only the client's address is known")]
    Key,
    /// It has some of them wait.
    #[error("RateLimit has a queue, and neither connections nor sessions wait for their turn")]
    Queue,
}

impl Policy {
    /// What it means for the connections or sessions of a route of this kind.
    ///
    /// Who may not pass is told nothing, whatever answer there is for requests.
    ///
    /// # Errors
    ///
    /// When it means nothing there, or not all of what it says.
    pub fn for_streams(&self, kind: StreamRouteKind) -> Result<StreamPolicy, UnfitPolicy> {
        let connections_only = |policy: StreamPolicy| match kind {
            StreamRouteKind::Tcp | StreamRouteKind::Tls => Ok(policy),
            StreamRouteKind::Udp => Err(UnfitPolicy::Datagrams {
                policy: self.name(),
            }),
        };
        match self {
            Self::Access(access) if access.has_rules() => Err(UnfitPolicy::AccessRules),
            Self::Access(access) => Ok(StreamPolicy::Access(Arc::clone(access))),
            Self::RateLimit(limit) => {
                countable(limit).map(|()| StreamPolicy::RateLimit(Arc::clone(limit)))
            }
            Self::RequestBandwidth(bandwidth) => {
                connections_only(StreamPolicy::Received(*bandwidth))
            }
            Self::ResponseBandwidth(bandwidth) => connections_only(StreamPolicy::Sent(*bandwidth)),
            // Whatever is added means nothing here, until somebody says what.
            _ => Err(UnfitPolicy::Requests {
                policy: self.name(),
            }),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::ErrorBodies(_) => "ErrorBodies",
            Self::RequestId(_) => "RequestId",
            #[cfg(feature = "compression")]
            Self::Compression(_) => "Compression",
            Self::Access(_) => "Access",
            Self::BodyLimit(_) => "BodyLimit",
            Self::RateLimit(_) => "RateLimit",
            #[cfg(feature = "global-rate-limit")]
            Self::GlobalRateLimit(_) => "GlobalRateLimit",
            Self::ConcurrencyLimit(_) => "ConcurrencyLimit",
            Self::RequestBandwidth(_) => "RequestBandwidth",
            Self::ResponseBandwidth(_) => "ResponseBandwidth",
            Self::Fault(_) => "Fault",
            Self::Csrf(_) => "Csrf",
            Self::BasicAuth(_) => "BasicAuth",
            Self::ApiKeys(_) => "ApiKeys",
            #[cfg(feature = "jwt")]
            Self::Jwt(_) => "Jwt",
            Self::ExtAuth(_) => "ExtAuth",
            #[cfg(feature = "ext-authz")]
            Self::ExtAuthz(_) => "ExtAuthz",
            Self::RequestHeaderValues(_) => "RequestHeaderValues",
            Self::ResponseHeaderValues(_) => "ResponseHeaderValues",
            Self::CircuitBreaker(_) => "CircuitBreaker",
            Self::DirectResponse(_) => "DirectResponse",
        }
    }
}

/// Whether connections and sessions have everything that `limit` counts by.
pub(crate) fn countable(limit: &RateLimit) -> Result<(), UnfitPolicy> {
    if limit.keys().iter().any(|key| *key != Key::ClientAddress) {
        return Err(UnfitPolicy::Key);
    }
    match limit.has_queue() {
        true => Err(UnfitPolicy::Queue),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use gateway_filters::access::AccessRule;
    use gateway_filters::{CidrSet, ConcurrencyLimit, Csrf, Fault};

    use super::*;

    const KINDS: [StreamRouteKind; 3] = [
        StreamRouteKind::Tcp,
        StreamRouteKind::Tls,
        StreamRouteKind::Udp,
    ];

    fn limit() -> RateLimit {
        RateLimit::new(1, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn addresses_and_limits_hold_for_whatever_arrives() {
        let office = CidrSet::parse(["192.0.2.0/24"]).unwrap();
        let access = Arc::new(AccessControl::new().deny_addresses(office));
        let limit = Arc::new(limit().by(Key::ClientAddress));

        for kind in KINDS {
            let policy = Policy::Access(Arc::clone(&access));
            let expected = StreamPolicy::Access(Arc::clone(&access));
            assert_eq!(policy.for_streams(kind), Ok(expected));
            let policy = Policy::RateLimit(Arc::clone(&limit));
            let expected = StreamPolicy::RateLimit(Arc::clone(&limit));
            assert_eq!(policy.for_streams(kind), Ok(expected));
        }
    }

    #[test]
    fn bandwidth_holds_for_connections_alone() {
        let bandwidth = Bandwidth::new(1_000).unwrap();
        let (up, down) = (
            Policy::RequestBandwidth(bandwidth),
            Policy::ResponseBandwidth(bandwidth),
        );

        for kind in [StreamRouteKind::Tcp, StreamRouteKind::Tls] {
            assert_eq!(up.for_streams(kind), Ok(StreamPolicy::Received(bandwidth)));
            assert_eq!(down.for_streams(kind), Ok(StreamPolicy::Sent(bandwidth)));
        }
        let error = up.for_streams(StreamRouteKind::Udp).unwrap_err();
        let told = "RequestBandwidth is for connections; datagrams are not slowed down";
        assert_eq!(error.to_string(), told);
    }

    #[test]
    fn what_asks_for_requests_is_refused() {
        let rule = AccessRule::deny().on_path_prefix("/admin").unwrap();
        let by_path = Policy::Access(Arc::new(AccessControl::new().rule(rule)));
        let by_user = limit()
            .by(Key::ClientAddress)
            .by(Key::Cookie("user".into()));
        let queued = limit().with_queue(1, Duration::from_secs(1));
        let requests = |policy| UnfitPolicy::Requests { policy };

        let refused = [
            (by_path, UnfitPolicy::AccessRules),
            (Policy::RateLimit(Arc::new(by_user)), UnfitPolicy::Key),
            (Policy::RateLimit(Arc::new(queued)), UnfitPolicy::Queue),
            (Policy::Csrf(Arc::new(Csrf::new())), requests("Csrf")),
            (Policy::Fault(Arc::new(Fault::new())), requests("Fault")),
            (
                Policy::ConcurrencyLimit(Arc::new(ConcurrencyLimit::new(NonZeroU32::MIN))),
                requests("ConcurrencyLimit"),
            ),
        ];

        for (policy, error) in refused {
            for kind in KINDS {
                assert_eq!(policy.for_streams(kind), Err(error.clone()), "{policy:?}");
            }
        }
    }
}
