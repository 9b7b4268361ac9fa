//! One rule.

use std::net::IpAddr;

use http::{Extensions, HeaderMap, HeaderName, Method};

use super::error::InvalidAccessPath;
use super::path::{PathPattern, Readings};
use crate::{CidrSet, Lookup};

/// Conditions of a request, and what happens when all of them hold.
///
/// A rule without conditions holds always. Conditions of different kinds all have to hold, and so
/// do those on different headers or lookups; of several methods or paths, one has to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessRule {
    effect: Effect,
    methods: Vec<Method>,
    paths: Vec<PathPattern>,
    headers: Vec<(HeaderName, Values)>,
    lookups: Vec<(Lookup, Values)>,
    addresses: Option<CidrSet>,
}

/// What a rule does. The list is complete.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Effect {
    /// The request passes.
    Allow,
    /// The request is refused.
    Deny,
}

/// The values of which one is wanted.
type Values = Vec<String>;

impl AccessRule {
    /// Lets requests pass for which all conditions hold.
    #[must_use]
    pub fn allow() -> Self {
        Self::new(Effect::Allow)
    }

    /// Refuses requests for which all conditions hold.
    #[must_use]
    pub fn deny() -> Self {
        Self::new(Effect::Deny)
    }

    /// Only requests with this method, or another that is given. The default is any.
    #[must_use]
    pub fn on_method(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    /// Only requests for this path, or another that is given. The default is any.
    ///
    /// # Errors
    ///
    /// If `path` does not start with a slash, or has a query or fragment.
    pub fn on_path(mut self, path: &str) -> Result<Self, InvalidAccessPath> {
        self.paths.push(PathPattern::exact(path)?);
        Ok(self)
    }

    /// Only requests for this path or one below, or another that is given. The default is any.
    ///
    /// Whole elements are compared: `/a` has `/a`, `/a/` and `/a/b` below it, but not `/ab`.
    ///
    /// # Errors
    ///
    /// If `path` does not start with a slash, or has a query or fragment.
    pub fn on_path_prefix(mut self, path: &str) -> Result<Self, InvalidAccessPath> {
        self.paths.push(PathPattern::prefix(path)?);
        Ok(self)
    }

    /// Only requests with this header and one of `values`.
    ///
    /// Without values there is none that allows: a rule that denies then holds for every value, and
    /// one that allows never.
    #[must_use]
    pub fn on_header<I>(mut self, name: HeaderName, values: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.headers.push((name, collect(values)));
        self
    }

    /// Only requests of which `lookup` finds one of `values`: say, a claim of their token.
    ///
    /// Without values as for [headers](Self::on_header).
    #[must_use]
    pub fn on_lookup<I>(mut self, lookup: Lookup, values: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.lookups.push((lookup, collect(values)));
        self
    }

    /// Only requests from these addresses. The default is any.
    #[must_use]
    pub fn on_addresses(mut self, addresses: CidrSet) -> Self {
        self.addresses = Some(addresses);
        self
    }

    /// Whether it asks what other layers found out.
    pub(super) fn asks_lookups(&self) -> bool {
        !self.lookups.is_empty()
    }

    /// Whether it asks who sent a request.
    pub(super) fn asks_address(&self) -> bool {
        self.addresses.is_some()
    }

    pub(super) fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether all conditions hold. In doubt they do for a rule that denies, and do not for one
    /// that allows.
    pub(super) fn holds(&self, asked: &Asked<'_>, path: &mut Readings<'_>) -> bool {
        self.has_method(asked)
            && self.has_address(asked)
            && self.headers.iter().all(|(name, values)| {
                let mut lines = asked.headers.get_all(name).iter().peekable();
                let wanted =
                    |line: &http::HeaderValue| self.wants(values, line.as_bytes().trim_ascii());
                match self.effect {
                    Effect::Deny => lines.any(wanted),
                    Effect::Allow => lines.peek().is_some() && lines.all(wanted),
                }
            })
            && self.lookups.iter().all(|(lookup, values)| {
                lookup.finds(asked.extensions, |found| {
                    self.wants(values, found.as_bytes())
                })
            })
            && self.has_path(path)
    }

    /// Whether `there` is one of `values`; where there are none, as far as that refuses a request.
    fn wants(&self, values: &Values, there: &[u8]) -> bool {
        let any = values.is_empty() && self.effect == Effect::Deny;
        any || values.iter().any(|value| value.as_bytes() == there)
    }

    fn has_method(&self, asked: &Asked<'_>) -> bool {
        self.methods.is_empty() || self.methods.contains(asked.method)
    }

    fn has_address(&self, asked: &Asked<'_>) -> bool {
        match (&self.addresses, asked.address) {
            (None, _) => true,
            (Some(addresses), Some(address)) => addresses.contains(address),
            (Some(_), None) => self.effect == Effect::Deny,
        }
    }

    fn has_path(&self, path: &mut Readings<'_>) -> bool {
        let has = |reading: &dyn Fn(&PathPattern) -> bool| self.paths.iter().any(reading);
        if self.paths.is_empty() {
            return true;
        }
        let written = has(&|pattern| pattern.matches_written(path));
        match (self.effect, written) {
            (Effect::Deny, true) => true,
            (Effect::Allow, false) => false,
            _ => match path.understood() {
                Some(understood) => has(&|pattern| pattern.matches_understood(understood)),
                None => self.effect == Effect::Deny,
            },
        }
    }

    fn new(effect: Effect) -> Self {
        Self {
            effect,
            methods: Vec::new(),
            paths: Vec::new(),
            headers: Vec::new(),
            lookups: Vec::new(),
            addresses: None,
        }
    }
}

/// What is known of a request, but for its path.
pub(super) struct Asked<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) extensions: &'a Extensions,
}

fn collect<I>(values: I) -> Values
where
    I: IntoIterator<Item: Into<String>>,
{
    values.into_iter().map(Into::into).collect()
}
