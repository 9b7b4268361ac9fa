//! The error that layers pass on.

use std::error::Error;

/// Any error, as tower's middleware passes it on.
///
/// A layer that can fail by itself answers with this type; what it raised is a
/// small struct inside, found by `downcast_ref` or along `source`.
pub type BoxError = Box<dyn Error + Send + Sync>;
