//! Builds a stream route's stack, once for each change of the route.

use std::sync::Arc;

use super::layers::Layers;
use super::udp::{ForwardDatagrams, SessionStack};
use super::{ConnectionStack, Forward, Stack};
use crate::model::StreamRoute;
use crate::stack::{Assembler, LiveBackend};

impl Assembler {
    /// Everything that happens to the connections of `route`. Without a stack they
    /// are closed: a layer that is asked for and not there is never skipped.
    pub(crate) fn connections(&self, route: &StreamRoute) -> Option<ConnectionStack> {
        self.forwarded(route, Forward::new(self.legs(route), route.timeouts()))
    }

    /// As [`Assembler::connections`], for those that are encrypted by client and
    /// backend themselves.
    pub(crate) fn passing_through(&self, route: &StreamRoute) -> Option<ConnectionStack> {
        let forward = Forward::new(self.legs(route), route.timeouts());

        self.forwarded(route, forward.without_tls())
    }

    fn forwarded(&self, route: &StreamRoute, forward: Forward) -> Option<ConnectionStack> {
        let stack = ConnectionStack::new(forward);

        wrapped(route, &self.streams.connections, stack)
    }

    /// Everything that happens to the sessions of `route`, likewise.
    pub(crate) fn sessions(&self, route: &StreamRoute) -> Option<SessionStack> {
        let forward = ForwardDatagrams::new(self.legs(route));

        wrapped(route, &self.streams.sessions, SessionStack::new(forward))
    }

    fn legs(&self, route: &StreamRoute) -> impl Iterator<Item = (Arc<LiveBackend>, u32)> {
        let backends = route.backends().iter();
        backends.map(|backend| (self.backends.of(backend.target()), backend.weight()))
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
