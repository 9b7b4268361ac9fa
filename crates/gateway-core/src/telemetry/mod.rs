//! What a gateway counts, and what it tells of that.
//!
//! Every worker counts in cells of its own: plain additions, without a lock and
//! without memory that another core writes. [`Gateway::metrics`](crate::Gateway::metrics)
//! adds them up into a [`Metrics`], a value, which costs the workers nothing.
//!
//! What is counted apart is what the configuration names (listeners, addresses,
//! certificates) and what this program lists (reasons, classes of statuses), never
//! what a client sends, so that the number of series is bounded. Where a request is
//! counted is decided when the configuration changes. Listeners that stay keep
//! their counts; those that go take theirs along.
//!
//! ```
//! use gateway_core::Gateway;
//! use gateway_core::model::{Configuration, Gateway as Edge, Listener};
//!
//! let gateway = Gateway::builder().workers(2).build();
//! let edge = Edge::new("edge").with_address([127, 0, 0, 1].into());
//! gateway.update(Configuration::new().with_gateway(edge.with_listener(Listener::http("web", 0))));
//!
//! let metrics = gateway.metrics();
//!
//! assert_eq!((metrics.workers, metrics.generation), (2, 1));
//! assert_eq!(metrics.listeners[0].gateway.name(), "edge");
//! assert_eq!(metrics.listeners[0].requests.responses.total(), 0);
//! ```

mod certificates;
mod counter;
mod handshakes;
mod metrics;
mod port;
mod registry;
mod requests;
mod streams;
#[cfg(test)]
mod tests;

pub(crate) use self::certificates::certificates;
pub(crate) use self::handshakes::{Handshake, HandshakeFailure};
pub use self::metrics::{
    AddressMetrics, CertificateMetrics, DatagramMetrics, HandshakeMetrics, ListenerMetrics,
    Metrics, RequestMetrics, Responses, StreamMetrics, UpstreamMetrics,
};
pub(crate) use self::port::{PortCells, WorkerCells};
pub(crate) use self::registry::Registry;
pub(crate) use self::requests::{Counted, Counting, ListenerSeries};
