//! Backends whose connections are opened before there are requests.

use std::sync::Arc;

use arc_swap::ArcSwap;
use gateway_lb::pool::Pool;

use super::LiveBackend;
use crate::Body;

/// Those of the current configuration; none, mostly. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warmed(Arc<ArcSwap<Vec<Arc<LiveBackend>>>>);

impl Warmed {
    /// From now on these.
    pub(super) fn replace(&self, backends: Vec<Arc<LiveBackend>>) {
        // Where it is not asked for, nothing is written.
        if !(backends.is_empty() && self.0.load().is_empty()) {
            self.0.store(Arc::new(backends));
        }
    }

    /// Opens on this thread what is missing. To be called now and then.
    pub(crate) fn warm(&self, pool: &Pool<Body>) {
        for backend in &**self.0.load() {
            backend.warm(pool);
        }
    }
}
