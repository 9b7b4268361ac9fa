//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::check::Gate;
#[cfg(feature = "bcrypt")]
use super::hashing::Hashing;
use super::service::BasicAuthService;
use super::settings::BasicAuth;
#[cfg(feature = "bcrypt")]
use super::slow::Slow;

/// Applies [`BasicAuthService`]. See the [module docs](super) for an example.
///
/// Clones, and the services of all of them, share what is known of passwords.
#[derive(Clone, Debug)]
pub struct BasicAuthLayer {
    gate: Arc<Gate>,
}

impl BasicAuthLayer {
    /// Lets the users of `auth` pass.
    ///
    /// Slow hashes are computed as `Hashing` has it by default, for this layer
    /// alone.
    #[must_use]
    pub fn new(auth: impl Into<Arc<BasicAuth>>) -> Self {
        #[cfg(feature = "bcrypt")]
        return Self::with_hashing(auth, Hashing::default());
        #[cfg(not(feature = "bcrypt"))]
        Self {
            gate: Arc::new(Gate { auth: auth.into() }),
        }
    }

    /// As [`new`](Self::new), computing slow hashes as `hashing` says, which others may share.
    #[cfg(feature = "bcrypt")]
    #[must_use]
    pub fn with_hashing(auth: impl Into<Arc<BasicAuth>>, hashing: Hashing) -> Self {
        let auth = auth.into();
        let slow = Slow::of(&auth, hashing);
        Self {
            gate: Arc::new(Gate { auth, slow }),
        }
    }

    #[cfg(test)]
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl<S> Layer<S> for BasicAuthLayer {
    type Service = BasicAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BasicAuthService::new(inner, Arc::clone(&self.gate))
    }
}
