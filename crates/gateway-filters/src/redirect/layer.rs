//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::RedirectService;
use super::settings::Redirect;

/// Puts a [`RedirectService`] in the place of a service. See the [module docs](super) for an
/// example.
#[derive(Clone, Debug)]
pub struct RedirectLayer {
    redirect: Arc<Redirect>,
}

impl RedirectLayer {
    /// Answers every request with `redirect`.
    #[must_use]
    pub fn new(redirect: impl Into<Arc<Redirect>>) -> Self {
        Self {
            redirect: redirect.into(),
        }
    }
}

impl<S> Layer<S> for RedirectLayer {
    type Service = RedirectService<S>;

    fn layer(&self, _unreachable: S) -> Self::Service {
        RedirectService::new(Arc::clone(&self.redirect))
    }
}
