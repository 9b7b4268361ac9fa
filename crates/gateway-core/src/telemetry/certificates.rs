//! Until when the certificates of listeners are valid.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::CertificateMetrics;
use crate::model::{Configuration, Protocol, TlsMode, TlsTermination};

/// The certificates of the listeners of `configuration`, by listener and name. Of
/// several for one name the first to end.
pub(crate) fn certificates(configuration: &Configuration) -> Vec<CertificateMetrics> {
    let mut soonest = BTreeMap::new();
    for gateway in configuration.gateways() {
        for listener in gateway.listeners() {
            for (name, not_after) in shown(listener.protocol()) {
                let key = (gateway.name(), listener.name(), name);
                let end = soonest.entry(key).or_insert(not_after);
                *end = not_after.min(*end);
            }
        }
    }

    let metrics =
        |((gateway, listener, name), not_after): ((&_, &_, &str), _)| CertificateMetrics {
            gateway: Clone::clone(gateway),
            listener: Clone::clone(listener),
            name: name.into(),
            not_after,
        };
    soonest.into_iter().map(metrics).collect()
}

/// What a listener shows, each by the first name it is for.
fn shown(protocol: &Protocol) -> impl Iterator<Item = (&str, SystemTime)> {
    let settings = match protocol {
        Protocol::Https(settings) | Protocol::Tls(TlsMode::Terminate(settings)) => Some(settings),
        Protocol::Http | Protocol::Tls(TlsMode::Passthrough) | Protocol::Tcp | Protocol::Udp => {
            None
        }
    };
    let certificates = settings.map(|settings| TlsTermination::certificates(settings));

    certificates.into_iter().flatten().map(|certificate| {
        let name = certificate.names().next().unwrap_or_default();
        (name, certificate.not_after())
    })
}
