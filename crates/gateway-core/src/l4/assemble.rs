//! Builds a stream route's stack, once for each change of the route.

use super::{ConnectionStack, Forward};
use crate::model::StreamRoute;
use crate::stack::Assembler;

impl Assembler {
    /// Everything that happens to the connections of `route`. Without a stack they
    /// are closed: a layer that is asked for and not there is never skipped.
    pub(crate) fn connections(&self, route: &StreamRoute) -> Option<ConnectionStack> {
        let legs = route
            .backends()
            .iter()
            .map(|backend| (self.backends.of(backend.target()), backend.weight()));
        let forward = Forward::new(legs, route.timeouts());

        let wrapped = self
            .streams
            .connections
            .wrap(route.layers(), ConnectionStack::new(forward));
        wrapped
            .inspect_err(|layer| {
                tracing::warn!(route = %route.name(), %layer, "no such layer; connections are closed");
            })
            .ok()
    }
}
