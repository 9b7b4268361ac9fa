//! The addresses that are listened on, and who listens there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{Configuration, Gateway, Listener};

use super::request::{Asked, Means};

/// All listeners of one address and port.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// Every address, if there is none.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    gateways: Vec<Arc<Gateway>>,
    pub(super) listeners: Vec<Arc<Listener>>,
}

impl Site {
    /// Every address that is listened on for what comes by these means.
    pub(super) fn all(configuration: &Configuration, means: Means) -> Vec<Self> {
        let mut sites: BTreeMap<(Option<IpAddr>, u16), Self> = BTreeMap::new();

        for gateway in configuration.gateways() {
            let addresses = gateway.addresses().iter().copied().map(Some);
            let mut addresses: Vec<_> = addresses.collect();
            if addresses.is_empty() {
                addresses.push(None);
            }
            for address in addresses {
                let listeners = gateway.listeners().iter();
                for listener in listeners.filter(|one| means.meets(one.protocol())) {
                    let port = listener.port();
                    let site = sites.entry((address, port)).or_insert_with(|| Self {
                        address,
                        port,
                        gateways: Vec::new(),
                        listeners: Vec::new(),
                    });
                    site.gateways.push(Arc::clone(gateway));
                    site.listeners.push(Arc::clone(listener));
                }
            }
        }
        sites.into_values().collect()
    }

    /// The Gateway that a listener is of.
    pub(super) fn gateway_of(&self, listener: &Arc<Listener>) -> Option<&Arc<Gateway>> {
        let mut pairs = self.listeners.iter().zip(&self.gateways);

        pairs
            .find(|(other, _)| Arc::ptr_eq(other, listener))
            .map(|(_, gateway)| gateway)
    }

    /// The same place with some of its listeners.
    pub(super) fn with_listeners(&self, keep: impl Fn(&Listener) -> bool) -> Self {
        let pairs = self.listeners.iter().zip(&self.gateways);
        let kept = pairs.filter(|(listener, _)| keep(listener));
        let (listeners, gateways) = kept
            .map(|(listener, gateway)| (Arc::clone(listener), Arc::clone(gateway)))
            .unzip();

        Self {
            listeners,
            gateways,
            ..*self
        }
    }

    /// Whether requests for `address` arrive here.
    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.address.is_none_or(|own| own == address)
    }

    /// As in `port 80 of 192.0.2.1`.
    pub(super) fn describe(&self) -> String {
        match self.address {
            Some(address) => format!("port {} of {address}", self.port),
            None => format!("port {} of every address", self.port),
        }
    }

    /// The names of its Gateways, each once.
    pub(super) fn gateway_names(&self) -> String {
        let mut names: Vec<_> = self
            .gateways
            .iter()
            .map(|gateway| format!("Gateway {}", gateway.name()))
            .collect();
        names.dedup();
        names.join(", ")
    }
}

/// The address that a request arrives at, with what should be known about the
/// choice; or why it arrives nowhere. Of several, the first that takes it.
pub(super) fn choose<'a>(
    sites: &'a [Site],
    asked: &Asked,
    takes: impl Fn(&Site) -> bool,
) -> Result<(&'a Site, Vec<String>), String> {
    let mut notes = Vec::new();
    let port = port(sites, asked, &mut notes)?;
    let of_port: Vec<_> = sites.iter().filter(|site| site.port == port).collect();
    let here = of_port.iter().copied();
    let here: Vec<_> = here
        .filter(|site| asked.address.is_none_or(|address| site.is_at(address)))
        .collect();

    let Some(first) = here.first().copied() else {
        let places: Vec<_> = of_port.iter().map(|site| site.describe()).collect();
        return Err(format!(
            "nothing listens there, only on {}",
            places.join(", ")
        ));
    };
    let chosen = here
        .iter()
        .copied()
        .find(|site| takes(site))
        .unwrap_or(first);
    for other in here.iter().filter(|site| site.address != chosen.address) {
        let names = other.gateway_names();
        if let Some(address) = other.address {
            notes.push(format!(
                "{names} has port {port} of {address}; --address {address} explains that one"
            ));
        }
    }
    Ok((chosen, notes))
}

/// The port of the URL, or the only one there is.
fn port(sites: &[Site], asked: &Asked, notes: &mut Vec<String>) -> Result<u16, String> {
    let ports: BTreeSet<_> = sites.iter().map(|site| site.port).collect();
    let usual = asked.means.usual_port().unwrap_or_default();
    let port = asked.port().unwrap_or(usual);
    if ports.contains(&port) {
        return Ok(port);
    }

    match (asked.port(), ports.first()) {
        (_, None) => Err("no listener for this is served; 'gateway check' says why".to_owned()),
        (None, Some(only)) if ports.len() == 1 => {
            let url = asked.url_with_port(*only);
            notes.push(format!(
                "nothing listens on port {usual}; this is for {url}"
            ));
            Ok(*only)
        }
        (_, Some(_)) => {
            let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
            Err(format!(
                "nothing listens on port {port}; there is {}",
                ports.join(", ")
            ))
        }
    }
}
