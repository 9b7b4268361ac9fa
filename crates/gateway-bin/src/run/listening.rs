//! Which listeners are behind which address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gateway_core::model::{Configuration, Gateway, Listener};

/// For each address that is listened on, whom for.
pub(super) fn by_address(
    configuration: &Configuration,
    addresses: &[SocketAddr],
) -> BTreeMap<SocketAddr, String> {
    let whom = |address: &SocketAddr| {
        let gateways = configuration.gateways().iter();
        let names: Vec<_> = gateways
            .filter_map(|gateway| listeners(gateway, address))
            .collect();
        names.join("; ")
    };

    addresses
        .iter()
        .map(|address| (*address, whom(address)))
        .collect()
}

fn listeners(gateway: &Gateway, address: &SocketAddr) -> Option<String> {
    let ips = gateway.addresses();
    let is_here = if ips.is_empty() {
        address.ip().is_unspecified()
    } else {
        ips.contains(&address.ip())
    };
    let listeners = gateway.listeners().iter();
    let here: Vec<_> = listeners
        .filter(|listener| is_here && listener.port() == address.port())
        .map(|listener| describe(listener))
        .collect();

    let plural = if here.len() == 1 { "" } else { "s" };
    (!here.is_empty()).then(|| {
        let name = gateway.name();
        format!("Gateway {name}, listener{plural} {}", here.join(", "))
    })
}

fn describe(listener: &Listener) -> String {
    match listener.hostname() {
        Some(hostname) => format!("{} ({hostname})", listener.name()),
        None => listener.name().to_string(),
    }
}
