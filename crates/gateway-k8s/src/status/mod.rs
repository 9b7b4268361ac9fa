//! The status of objects of a cluster: what was seen, and what is written.

mod call;
#[cfg(test)]
mod double;
mod events;
mod leader;
mod merge;
mod observed;
mod orders;
mod places;
mod rate;
#[cfg(test)]
mod tests;
mod writer;

pub use self::events::{EventSettings, Events};
pub use self::leader::{Leader, LeaseSettings};
pub use self::merge::{Author, NodeAddresses, merge};
pub use self::observed::{Observed, Statuses};
pub use self::writer::{StatusWriter, WriterMetrics, WriterSettings};
