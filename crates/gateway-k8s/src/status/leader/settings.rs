//! Which Lease, and for how long.

use std::time::Duration;

/// The Lease that candidates agree by, and who this one is.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) identity: String,
    pub(super) duration: Duration,
    pub(super) renew_deadline: Duration,
    pub(super) retry: Duration,
}

impl LeaseSettings {
    /// The Lease called `name` in `namespace`. `host` is where this process runs, for
    /// people who look at the Lease; what follows it there is random.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, host: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: format!("{host}_{:016x}", fastrand::u64(..)),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }

    /// What this candidate is called in the Lease. No two have the same.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn collection(&self) -> String {
        let namespace = &self.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases")
    }

    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }
}
