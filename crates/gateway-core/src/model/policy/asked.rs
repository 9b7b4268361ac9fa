//! Whom a policy asks.

use crate::model::BackendTarget;

/// Settings of a filter that asks a service about each request, and that service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked<T> {
    /// How it is asked.
    pub settings: T,
    /// Who is asked. An invalid one cannot be, and the settings say what then.
    pub backend: BackendTarget,
}
