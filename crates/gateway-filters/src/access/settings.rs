//! Who may ask for what.

use std::net::IpAddr;

use http::{Extensions, StatusCode};

use super::rule::{AccessRule, Effect};
use crate::client_address::{ClientAddress, PeerAddress};
use crate::{Answer, CidrSet};

/// Addresses and rules that decide whether a request may pass. By default every one may.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessControl {
    pub(super) denied: CidrSet,
    pub(super) allowed: Option<CidrSet>,
    pub(super) source: AddressSource,
    pub(super) rules: Vec<AccessRule>,
    pub(super) otherwise: Effect,
    pub(super) answer: Answer,
}

/// Whose address is looked at. The list is complete.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AddressSource {
    /// That of the client, as far as the proxies in between are trusted; of the peer, if nobody
    /// looked further. This is the default.
    #[default]
    Client,
    /// That of the other end of the connection, be it a proxy.
    Peer,
}

impl AccessControl {
    /// Lets every request pass.
    #[must_use]
    pub fn new() -> Self {
        Self {
            denied: CidrSet::default(),
            allowed: None,
            source: AddressSource::Client,
            rules: Vec::new(),
            otherwise: Effect::Deny,
            answer: Answer::of(StatusCode::FORBIDDEN),
        }
    }

    /// Refuses these addresses, whatever else is allowed. The default is none.
    #[must_use]
    pub fn deny_addresses(mut self, denied: CidrSet) -> Self {
        self.denied = denied;
        self
    }

    /// Refuses all addresses but these; an empty set refuses everybody. By default all are
    /// allowed.
    #[must_use]
    pub fn allow_addresses(mut self, allowed: CidrSet) -> Self {
        self.allowed = Some(allowed);
        self
    }

    /// Whose address is looked at. The default is [`AddressSource::Client`].
    #[must_use]
    pub fn by(mut self, source: AddressSource) -> Self {
        self.source = source;
        self
    }

    /// Adds a rule, which decides where none before does.
    #[must_use]
    pub fn rule(mut self, rule: AccessRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What happens to a request about which no rule decides, if there are rules. The default is
    /// [`Effect::Deny`].
    #[must_use]
    pub fn otherwise(mut self, effect: Effect) -> Self {
        self.otherwise = effect;
        self
    }

    /// Answers so the requests that may not pass. The default is 403 without a body.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// The answer to a request that may not pass.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Whether anything but addresses is looked at.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether it asks what other layers found out: then those have to be outside.
    #[must_use]
    pub fn asks_lookups(&self) -> bool {
        self.rules.iter().any(AccessRule::asks_lookups)
    }

    /// Whether it asks who sent a request. If not, nobody needs to know.
    #[must_use]
    pub fn asks_address(&self) -> bool {
        let by_rules = self.rules.iter().any(AccessRule::asks_address);
        by_rules || self.allowed.is_some() || !self.denied.is_empty()
    }

    pub(super) fn address(&self, extensions: &Extensions) -> Option<IpAddr> {
        match self.source {
            AddressSource::Client => ClientAddress::of(extensions),
            AddressSource::Peer => PeerAddress::of(extensions),
        }
    }
}

impl Default for AccessControl {
    fn default() -> Self {
        Self::new()
    }
}
