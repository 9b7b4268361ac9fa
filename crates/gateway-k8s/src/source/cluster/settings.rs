//! What of a cluster is looked at.

use super::kinds::Watched;

/// What of a cluster is looked at. All of it by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClusterSettings {
    namespaces: Vec<String>,
    secrets: Option<Vec<String>>,
    endpoints: Vec<String>,
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

    /// Looks at the EndpointSlices of these namespaces too, where those that are looked at
    /// are restricted.
    #[must_use]
    pub fn with_endpoints_of<N: Into<String>>(
        mut self,
        namespaces: impl IntoIterator<Item = N>,
    ) -> Self {
        self.endpoints = namespaces.into_iter().map(Into::into).collect();
        self
    }

    /// The namespaces in which a kind is looked at; nothing for the whole cluster.
    pub(super) fn places(&self, watched: &Watched) -> Option<Vec<String>> {
        match &self.secrets {
            Some(namespaces) if watched.is_secret() => return Some(namespaces.clone()),
            _ if !watched.reader.namespaced || self.namespaces.is_empty() => return None,
            _ => {}
        }
        let mut places = self.namespaces.clone();
        if watched.kind == "EndpointSlice" {
            places.extend(self.endpoints.iter().cloned());
            places.sort_unstable();
            places.dedup();
        }
        Some(places)
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
