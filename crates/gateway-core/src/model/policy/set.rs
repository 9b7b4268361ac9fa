//! Policies that several places have in common.

use std::sync::Arc;

use super::Policy;

/// The policies of a route or of a rule: those it has in common with others, and its own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policies {
    pub(in crate::model) shared: Vec<Arc<PolicySet>>,
    pub(in crate::model) own: Vec<Policy>,
}

impl Policies {
    /// Those it has in common with others, the outermost first.
    pub fn shared(&self) -> &[Arc<PolicySet>] {
        &self.shared
    }

    /// Its own, inside the others.
    pub fn own(&self) -> &[Policy] {
        &self.own
    }

    /// All of them, from the outside to the inside.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        let shared = self.shared.iter().flat_map(|set| set.policies());
        shared.chain(&self.own)
    }
}

/// Policies with a name. Wherever a set of this name is attached, it is the same one: a limit
/// counts the requests of all those places together.
///
/// What belongs to a whole gateway is a set that all of its listeners have.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use gateway_core::model::{Listener, Policy, PolicySet};
/// use gateway_filters::RateLimit;
///
/// # fn main() -> Result<(), gateway_filters::rate_limit::InvalidRateLimit> {
/// let limit = RateLimit::new(1_000, Duration::from_secs(1))?;
/// let edge = Arc::new(PolicySet::new("gateway shop/edge").with(Policy::RateLimit(limit.into())));
///
/// // A thousand requests a second on both ports together.
/// let one = Listener::http("one", 80).with_policies(Arc::clone(&edge));
/// let two = Listener::http("two", 81).with_policies(edge);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicySet {
    name: Arc<str>,
    policies: Vec<Policy>,
}

impl PolicySet {
    /// No policies yet, under a name that no other set has.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            policies: Vec::new(),
        }
    }

    /// Adds a policy. Of one stage, the first is the outermost.
    #[must_use]
    pub fn with(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// What it is called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its policies.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }
}
