//! Builds a stream route's stack, once for each change of the route.

use std::sync::Arc;

use gateway_filters::Bandwidth;
use gateway_filters::rate_limit::RateLimiter;
use tower::Layer;

use super::layers::Layers;
use super::policy::{BandwidthLayer, Entry};
use super::udp::{ForwardDatagrams, Session, SessionStack};
use super::{Connection, ConnectionStack, Forward, Policed, Stack};
use crate::model::{Listener, StreamPolicy, StreamRoute, UnfitPolicy};
use crate::stack::{AllAttached, Assembler, LiveBackend, Share};

impl Assembler {
    /// Everything that happens to the connections of `route` at `listener`. Without a stack
    /// they are closed: neither a layer that is asked for and not there nor a policy that
    /// cannot hold is ever skipped.
    pub(crate) fn connections(
        &self,
        listener: &Listener,
        route: &StreamRoute,
    ) -> Option<Policed<Connection>> {
        let forward = Forward::new(self.legs(route), route.timeouts());

        self.forwarded(listener, route, forward)
    }

    /// As [`Assembler::connections`], for those that are encrypted by client and
    /// backend themselves.
    pub(crate) fn passing_through(
        &self,
        listener: &Listener,
        route: &StreamRoute,
    ) -> Option<Policed<Connection>> {
        let forward = Forward::new(self.legs(route), route.timeouts());

        self.forwarded(listener, route, forward.without_tls())
    }

    fn forwarded(
        &self,
        listener: &Listener,
        route: &StreamRoute,
        forward: Forward,
    ) -> Option<Policed<Connection>> {
        let policies = self.policies(listener, route)?;
        let stack = wrapped(
            route,
            &self.streams.connections,
            ConnectionStack::new(forward),
        )?;
        let layers = BandwidthLayer::of_all(&policies.received, &policies.sent);
        let stack = layers.into_iter().rev().fold(stack, |stack, layer| {
            ConnectionStack::new(layer.layer(stack))
        });

        Some(Policed::new(stack, policies.entry, policies.shares))
    }

    /// Everything that happens to the sessions of `route`, likewise.
    pub(crate) fn sessions(
        &self,
        listener: &Listener,
        route: &StreamRoute,
    ) -> Option<Policed<Session>> {
        let policies = self.policies(listener, route)?;
        let forward = ForwardDatagrams::new(self.legs(route));
        let stack = wrapped(route, &self.streams.sessions, SessionStack::new(forward))?;

        Some(Policed::new(stack, policies.entry, policies.shares))
    }

    fn policies(&self, listener: &Listener, route: &StreamRoute) -> Option<Policies> {
        let refused = |error: &UnfitPolicy| {
            let (listener, route) = (listener.name(), route.name());
            tracing::warn!(%listener, %route, %error, "policy cannot hold; nothing is forwarded");
        };
        let policies = Policies::of(self, &AllAttached::of_stream(listener, route), route);
        policies.inspect_err(refused).ok()
    }

    fn legs(&self, route: &StreamRoute) -> impl Iterator<Item = (Arc<LiveBackend>, u32)> {
        let backends = route.backends().iter();
        backends.map(|backend| (self.backends.of(backend.target()), backend.weight()))
    }
}

/// What holds for a route, as it is asked and done.
#[derive(Debug, Default)]
struct Policies {
    entry: Entry,
    received: Vec<Bandwidth>,
    sent: Vec<Bandwidth>,
    shares: Vec<Share>,
}

impl Policies {
    fn of(
        assembler: &Assembler,
        attached: &AllAttached<'_>,
        route: &StreamRoute,
    ) -> Result<Self, UnfitPolicy> {
        let mut all = Self::default();
        for one in attached.iter() {
            match one.policy.for_streams(route.kind())? {
                StreamPolicy::Access(access) => all.entry = all.entry.with_access(access)?,
                StreamPolicy::RateLimit(limit) => {
                    let (limiter, share) =
                        assembler.kept.keep(one.place.clone(), &limit, |limit| {
                            RateLimiter::new(Arc::clone(limit))
                        });
                    all.entry = all.entry.with_limit(limiter)?;
                    all.shares.push(share);
                }
                StreamPolicy::Received(bandwidth) => all.received.push(bandwidth),
                StreamPolicy::Sent(bandwidth) => all.sent.push(bandwidth),
            }
        }
        Ok(all)
    }
}

fn wrapped<I: Send + 'static>(
    route: &StreamRoute,
    layers: &Layers<I>,
    inner: Stack<I>,
) -> Option<Stack<I>> {
    layers
        .wrap(route.layers(), inner)
        .inspect_err(|layer| {
            tracing::warn!(route = %route.name(), %layer, "no such layer; nothing is forwarded");
        })
        .ok()
}
