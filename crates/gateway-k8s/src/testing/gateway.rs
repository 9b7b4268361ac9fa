//! Writing Gateways.

use super::{CLASS, meta, parse, set_created};
use crate::api::{Gateway, GatewayAddress, GatewaySpec, Listener};

/// A Gateway under construction.
#[derive(Clone, Debug)]
pub struct GatewayText {
    gateway: Gateway,
}

impl GatewayText {
    pub(super) fn new(name: &str) -> Self {
        let spec = GatewaySpec {
            gateway_class_name: CLASS.to_owned(),
            ..Default::default()
        };

        Self {
            gateway: Gateway {
                metadata: meta(name),
                spec,
                status: None,
            },
        }
    }

    /// Asks for another class.
    #[must_use]
    pub fn class(mut self, name: &str) -> Self {
        self.gateway.spec.gateway_class_name = name.to_owned();
        self
    }

    /// Says when it was made.
    #[must_use]
    pub fn created(mut self, seconds: i64) -> Self {
        set_created(&mut self.gateway, seconds);
        self
    }

    /// Adds an HTTP listener called `http-PORT`.
    #[must_use]
    pub fn http(self, port: u16) -> Self {
        self.listener(&format!(
            "{{name: http-{port}, port: {port}, protocol: HTTP}}"
        ))
    }

    /// Adds an HTTP listener with a hostname.
    #[must_use]
    pub fn http_for(self, name: &str, port: u16, hostname: &str) -> Self {
        self.listener(&format!(
            "{{name: {name}, port: {port}, protocol: HTTP, hostname: '{hostname}'}}"
        ))
    }

    /// Adds a listener that is written as YAML.
    #[must_use]
    pub fn listener(mut self, text: &str) -> Self {
        self.gateway.spec.listeners.push(parse::<Listener>(text));
        self
    }

    /// Lets routes of every namespace attach to the last listener.
    #[must_use]
    pub fn from_all(self) -> Self {
        self.allowed_routes("{namespaces: {from: All}}")
    }

    /// Sets `allowedRoutes` of the last listener, written as YAML.
    #[must_use]
    pub fn allowed_routes(mut self, text: &str) -> Self {
        let listener = self.gateway.spec.listeners.last_mut().expect("a listener");
        listener.allowed_routes = Some(parse(text));
        self
    }

    /// Adds an address, written as YAML.
    #[must_use]
    pub fn address(mut self, text: &str) -> Self {
        let addresses = self.gateway.spec.addresses.get_or_insert_default();
        addresses.push(parse::<GatewayAddress>(text));
        self
    }

    /// Changes the spec in any other way.
    #[must_use]
    pub fn spec(mut self, edit: impl FnOnce(&mut GatewaySpec)) -> Self {
        edit(&mut self.gateway.spec);
        self
    }
}

impl From<GatewayText> for Gateway {
    fn from(text: GatewayText) -> Self {
        text.gateway
    }
}
