//! The decision.

use std::net::IpAddr;

use http::Request;

use super::error::AccessDenied;
use super::path::Readings;
use super::rule::{Asked, Effect};
use super::settings::AccessControl;

impl AccessControl {
    /// Whether `request` may pass.
    ///
    /// # Errors
    ///
    /// If not, and why.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), AccessDenied> {
        let address = self.address(request.extensions());
        self.check_address(address)?;
        if self.rules.is_empty() {
            return Ok(());
        }
        let mut readings = Readings::of(request.uri().path());
        let asked = Asked {
            address,
            method: request.method(),
            headers: request.headers(),
            extensions: request.extensions(),
        };
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.holds(&asked, &mut readings) {
                return match rule.effect() {
                    Effect::Allow => Ok(()),
                    Effect::Deny => Err(AccessDenied::Rule { rule: index }),
                };
            }
        }
        match self.otherwise {
            Effect::Allow => Ok(()),
            Effect::Deny => Err(AccessDenied::NoRule),
        }
    }

    /// Whether someone with this address may pass, as far as rules do not matter.
    ///
    /// # Errors
    ///
    /// If not, and why.
    pub fn check_address(&self, address: Option<IpAddr>) -> Result<(), AccessDenied> {
        if self.denied.is_empty() && self.allowed.is_none() {
            return Ok(());
        }
        let address = address.ok_or(AccessDenied::UnknownAddress)?;
        if self.denied.contains(address) {
            return Err(AccessDenied::DeniedAddress);
        }
        match &self.allowed {
            Some(allowed) if !allowed.contains(address) => Err(AccessDenied::NotAllowedAddress),
            _ => Ok(()),
        }
    }
}
