//! What of a cluster is looked at.

/// What of a cluster is looked at. All of it by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClusterSettings {
    pub(super) namespaces: Vec<String>,
    pub(super) secrets: Option<Vec<String>>,
}

impl ClusterSettings {
    /// Looks at all namespaces.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at nothing outside of these namespaces but GatewayClasses and the
    /// Namespaces themselves. With none, which is the default, looks at all.
    #[must_use]
    pub fn with_namespaces<N: Into<String>>(
        mut self,
        namespaces: impl IntoIterator<Item = N>,
    ) -> Self {
        self.namespaces = namespaces.into_iter().map(Into::into).collect();
        self.namespaces.sort_unstable();
        self.namespaces.dedup();
        self
    }

    /// Looks at the Secrets of these namespaces only, where that is all that may be
    /// read. By default they are looked at where everything else is.
    #[must_use]
    pub fn with_secrets_of<N: Into<String>>(
        mut self,
        namespaces: impl IntoIterator<Item = N>,
    ) -> Self {
        self.secrets = Some(namespaces.into_iter().map(Into::into).collect());
        self
    }
}
