//! The status of objects of a cluster: what was seen, and what is written.

mod observed;

pub use self::observed::{Observed, Statuses};
