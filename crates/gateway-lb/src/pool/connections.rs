//! Connections that are apart from others.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::life::UseLimits;
use super::settings::PoolSettings;
use crate::connections::ConnectionSettings;

/// Connections that are apart from all others, with settings of their own.
///
/// Destinations [with](super::Destination::with_connections) clones of one share connections
/// and limits. To others, even if they were made with the same settings, it is a stranger.
#[derive(Clone, Debug)]
pub struct Connections {
    settings: Arc<ConnectionSettings>,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(settings: ConnectionSettings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    /// How they are limited and kept.
    #[must_use]
    pub fn settings(&self) -> &ConnectionSettings {
        &self.settings
    }

    /// These settings, and those of `pool` where nothing is set.
    pub(super) fn over(&self, pool: &PoolSettings) -> PoolSettings {
        let (own, limits) = (&*self.settings, pool.use_limits);
        PoolSettings {
            dial_timeout: own.dial_timeout.unwrap_or(pool.dial_timeout),
            idle_timeout: own.idle_timeout.unwrap_or(pool.idle_timeout),
            use_limits: UseLimits {
                age: own.max_age.or(limits.age),
                requests: own.max_requests.or(limits.requests),
            },
            ..pool.clone()
        }
    }

    pub(super) fn idle_timeout(&self) -> Option<Duration> {
        self.settings.idle_timeout
    }

    /// What tells them from others, for as long as they are there.
    pub(super) fn identity(&self) -> usize {
        Arc::as_ptr(&self.settings).addr()
    }
}

impl PartialEq for Connections {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Connections {}

impl Hash for Connections {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn what_is_not_set_is_as_the_pool_has_it() {
        let pool = PoolSettings::new()
            .with_dial_timeout(Duration::from_secs(1))
            .with_max_connection_age(Duration::from_secs(2));

        let over = |settings| Connections::new(settings).over(&pool);

        assert_eq!(over(ConnectionSettings::new()), pool);
        let idle = Duration::from_secs(3);
        let set = ConnectionSettings::new().with_idle_timeout(idle);
        assert_eq!(over(set.clone()), pool.clone().with_idle_timeout(idle));
        let all = set
            .with_dial_timeout(Duration::from_secs(4))
            .with_max_age(Duration::from_secs(5))
            .with_max_requests(NonZeroU32::MIN);
        let expected = PoolSettings::new()
            .with_dial_timeout(Duration::from_secs(4))
            .with_idle_timeout(idle)
            .with_max_connection_age(Duration::from_secs(5))
            .with_max_requests_per_connection(NonZeroU32::MIN);
        assert_eq!(over(all), expected);
    }

    #[test]
    fn connections_of_equal_settings_are_apart() {
        let one = Connections::new(ConnectionSettings::new());
        let other = Connections::new(ConnectionSettings::new());

        assert_eq!(one, one.clone());
        assert_ne!(one, other);
    }
}
