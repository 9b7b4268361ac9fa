//! What the Service of a Gateway says: its addresses, and the ports behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::NeededPort;

/// Where clients find a Gateway, and where it finds them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Published {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) hostnames: Vec<String>,
    /// The port to listen on, by the port that clients use.
    pub(crate) ports: BTreeMap<NeededPort, u16>,
}

/// Reads the Service of a Gateway.
pub(crate) fn published(service: &Service) -> Published {
    let spec = service.spec.as_ref();
    let status = service.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    let ingress = balancer.and_then(|balancer| balancer.ingress.as_deref());
    let ingress = ingress.unwrap_or_default();
    let external = spec.and_then(|spec| spec.external_ips.as_deref());

    let of_balancer = ingress.iter().filter_map(|one| one.ip.as_deref());
    let addresses = of_balancer.chain(external.unwrap_or_default().iter().map(String::as_str));
    let mut published = Published::default();
    for address in addresses.filter_map(|text| text.parse().ok()) {
        if !published.addresses.contains(&address) {
            published.addresses.push(address);
        }
    }
    published.hostnames = ingress
        .iter()
        .filter_map(|one| one.hostname.clone())
        .collect();
    published.ports = ports(service).collect();
    published
}

/// Which port of a pod each port of a Service leads to.
fn ports(service: &Service) -> impl Iterator<Item = (NeededPort, u16)> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref());

    ports.unwrap_or_default().iter().filter_map(|one| {
        let port = NeededPort {
            port: u16::try_from(one.port).ok()?,
            datagrams: one.protocol.as_deref() == Some("UDP"),
        };
        match one.target_port.as_ref()? {
            IntOrString::Int(target) => Some((port, u16::try_from(*target).ok()?)),
            IntOrString::String(_) => None,
        }
    })
}

/// The ports of pods that Gateways listen on, of which each is given to one.
#[derive(Debug)]
pub(super) struct Allocation {
    taken: BTreeSet<u16>,
}

impl Allocation {
    /// What is known of Services is taken.
    pub(super) fn new<'a>(known: impl Iterator<Item = &'a BTreeMap<NeededPort, u16>>) -> Self {
        let taken = known.flat_map(|ports| ports.values().copied());
        Self {
            taken: taken.collect(),
        }
    }

    /// Gives each of a Gateway's ports the one that it is known to have, or else the
    /// lowest that is free. A port for which none is left is left out.
    pub(super) fn allocate(
        &mut self,
        ports: &[NeededPort],
        known: &BTreeMap<NeededPort, u16>,
    ) -> Vec<(NeededPort, u16)> {
        let each = ports.iter().filter_map(|port| {
            let target = known.get(port).copied().or_else(|| self.take())?;
            Some((*port, target))
        });
        each.collect()
    }

    fn take(&mut self) -> Option<u16> {
        let free = RANGE.into_iter().find(|port| !self.taken.contains(port))?;
        self.taken.insert(free);
        Some(free)
    }
}

/// Ports that need no privilege, below those that the kernel gives to clients.
const RANGE: std::ops::RangeInclusive<u16> = 10_000..=29_999;
