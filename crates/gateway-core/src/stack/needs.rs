//! What filters and policies of a rule have to be told about a request.

use gateway_filters::client_address::{ClientAddress, PeerAddress};
use gateway_filters::template::RouteName;
use http::Extensions;

use crate::admission::Sender;
use crate::model::{Filter, Policy, Route, Rule};

/// What has to be in a request's extensions before it enters the stack of a rule. Requests of
/// other rules are spared it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Needs {
    /// What the router knows.
    pub(crate) context: bool,
    /// Who sent it.
    pub(crate) address: bool,
    /// What the route is called.
    pub(crate) name: Option<RouteName>,
}

impl Needs {
    /// What `rule` of `route` needs for its filters and for `policies`; nothing, mostly.
    pub(crate) fn of<'a>(
        route: &Route,
        rule: &'a Rule,
        policies: impl Iterator<Item = &'a Policy>,
    ) -> Option<Box<Self>> {
        let of_backends = rule.backends().iter().flat_map(|backend| backend.filters());
        let mut asked = Asked::default();
        let filters = rule.filters().iter().chain(of_backends);
        filters.for_each(|filter| asked.by_filter(filter));
        policies.for_each(|policy| asked.by_policy(policy));

        let name = || RouteName(route.name().to_string().into());
        let name = asked.name.then(name);
        asked.needs(name)
    }

    /// What `policies` need of a request that no route wants.
    pub(crate) fn of_unrouted<'a>(policies: impl Iterator<Item = &'a Policy>) -> Option<Box<Self>> {
        let mut asked = Asked::default();
        policies.for_each(|policy| asked.by_policy(policy));
        asked.needs(None)
    }

    /// Tells what does not depend on the match.
    pub(crate) fn tell(&self, extensions: &mut Extensions, sender: Option<Sender>) {
        if let Some(sender) = sender.filter(|_| self.address) {
            extensions.insert(PeerAddress(sender.peer));
            extensions.insert(ClientAddress(sender.client));
        }
        if let Some(name) = &self.name {
            extensions.insert(name.clone());
        }
    }
}

#[derive(Default)]
struct Asked {
    context: bool,
    address: bool,
    name: bool,
}

impl Asked {
    fn needs(&self, name: Option<RouteName>) -> Option<Box<Needs>> {
        let needs = Needs {
            context: self.context,
            address: self.address,
            name,
        };
        (needs != Needs::default()).then(|| Box::new(needs))
    }

    fn all(&mut self) {
        (self.context, self.address, self.name) = (true, true, true);
    }

    fn by_filter(&mut self, filter: &Filter) {
        match filter {
            Filter::RequestRedirect(_) | Filter::UrlRewrite(_) => self.context = true,
            // Whatever it wants to know.
            Filter::Extension(_) => self.all(),
            Filter::Policy(policy) => self.by_policy(policy),
            Filter::RequestHeaderModifier(_)
            | Filter::ResponseHeaderModifier(_)
            | Filter::RequestMirror(_)
            | Filter::Cors(_)
            | Filter::Invalid(_) => {}
        }
    }

    fn by_policy(&mut self, policy: &Policy) {
        match policy {
            Policy::Access(access) => self.address |= access.asks_address(),
            Policy::RateLimit(limit) => self.address |= limit.asks_address(),
            // Text with variables, which may be any.
            Policy::ErrorBodies(_)
            | Policy::RequestHeaderValues(_)
            | Policy::ResponseHeaderValues(_) => self.all(),
            Policy::ExtAuth(_) => self.address = true,
            #[cfg(feature = "ext-authz")]
            Policy::ExtAuthz(_) => (self.context, self.address) = (true, true),
            #[cfg(feature = "global-rate-limit")]
            Policy::GlobalRateLimit(_) => self.all(),
            #[cfg(feature = "compression")]
            Policy::Compression(_) => {}
            #[cfg(feature = "jwt")]
            Policy::Jwt(_) => {}
            Policy::RequestId(_)
            | Policy::BodyLimit(_)
            | Policy::ConcurrencyLimit(_)
            | Policy::RequestBandwidth(_)
            | Policy::ResponseBandwidth(_)
            | Policy::Fault(_)
            | Policy::Csrf(_)
            | Policy::BasicAuth(_)
            | Policy::ApiKeys(_)
            | Policy::CircuitBreaker(_)
            | Policy::DirectResponse(_) => {}
        }
    }
}
