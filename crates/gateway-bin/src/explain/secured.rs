//! Handshakes: which listener a connection with TLS is for.

use std::cmp::Reverse;
use std::sync::Arc;

use gateway_core::model::{Hostname, Listener};

use super::request::Asked;
use super::site::Site;

/// The listener that a connection is for: the one with the most specific hostname of
/// those that the name of the handshake belongs to.
///
/// # Errors
///
/// Why there is none.
pub(super) fn listener(site: &Site, asked: &Asked) -> Result<Arc<Listener>, String> {
    let name = asked.sni.as_deref();
    let meant = |listener: &&Arc<Listener>| is_meant(listener.hostname(), name);
    let found = site
        .listeners
        .iter()
        .filter(meant)
        .min_by_key(|listener| rank(listener.hostname()));

    found.map(Arc::clone).ok_or_else(|| match name {
        Some(name) => format!(
            "no listener of {} is for {name}: the handshake is refused",
            site.describe()
        ),
        None => format!(
            "every listener of {} has a hostname, and the handshake asks for none: it is refused",
            site.describe()
        ),
    })
}

/// Whether a hostname stands for the name of a handshake; no hostname stands for any.
pub(super) fn is_meant(hostname: Option<&Hostname>, name: Option<&str>) -> bool {
    match (hostname, name) {
        (None, _) => true,
        (Some(hostname), Some(name)) => hostname.matches(name),
        (Some(_), None) => false,
    }
}

/// The most specific is the smallest.
pub(super) fn rank(hostname: Option<&Hostname>) -> (u8, Reverse<usize>) {
    match hostname {
        Some(name) if !name.is_wildcard() => (0, Reverse(0)),
        Some(name) => (1, Reverse(name.as_str().len())),
        None => (2, Reverse(0)),
    }
}
