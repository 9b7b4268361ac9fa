//! Tokens, and where the keys come from that they are checked with.

use gateway_filters::Jwt;
use gateway_filters::jwt::JwksRefresh;

use crate::model::BackendTarget;

/// Whose tokens are accepted, and through which backends the keys are fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JwtPolicy {
    jwt: Jwt,
    fetched: Vec<(JwksRefresh, BackendTarget)>,
}

impl JwtPolicy {
    /// Accepts the tokens that `jwt` does.
    #[must_use]
    pub fn new(jwt: Jwt) -> Self {
        Self {
            jwt,
            fetched: Vec::new(),
        }
    }

    /// Fetches the keys of sources that [are fetched](gateway_filters::jwt::JwksSource::fetched)
    /// as `refresh` says from `backend`. Without one, nothing is fetched, and tokens cannot be
    /// checked.
    #[must_use]
    pub fn with_keys_from(mut self, refresh: JwksRefresh, backend: BackendTarget) -> Self {
        self.fetched.push((refresh, backend));
        self
    }

    /// Whose tokens are accepted.
    pub fn jwt(&self) -> &Jwt {
        &self.jwt
    }

    /// Where keys are fetched from as `refresh` says.
    pub fn keys_from(&self, refresh: &JwksRefresh) -> Option<&BackendTarget> {
        let mut fetched = self.fetched.iter();
        let (_, backend) = fetched.find(|(known, _)| known == refresh)?;
        Some(backend)
    }

    /// The backends from which keys are fetched.
    pub fn backends(&self) -> impl Iterator<Item = &BackendTarget> {
        self.fetched.iter().map(|(_, backend)| backend)
    }
}
