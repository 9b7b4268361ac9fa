//! The walk over what proxies wrote.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderValue};

use super::settings::{Trust, TrustedProxies};

impl TrustedProxies {
    /// Who sent a request that came from `peer` with these headers.
    ///
    /// Entries are read from the right, over several lines too. The walk ends at one that is no
    /// address, with or without a port: the client is then the proxy that wrote it.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        match &self.trust {
            Trust::Nobody => peer,
            Trust::Hops(hops) => {
                let mut client = peer;
                let mut entries = self.entries(headers);
                for _ in 0..*hops {
                    match entries.next() {
                        Some(Some(address)) => client = address,
                        Some(None) => break,
                        None => return peer,
                    }
                }
                client
            }
            Trust::Networks(networks) => {
                let mut client = peer;
                let mut entries = self.entries(headers);
                while networks.contains(client) {
                    match entries.next() {
                        Some(Some(address)) => client = address,
                        Some(None) | None => break,
                    }
                }
                client
            }
        }
    }

    /// All entries from right to left; `None` for one that is no address.
    fn entries<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = Option<IpAddr>> + use<'a> {
        let lines = headers.get_all(&self.header).iter().rev();
        let lines = lines.map(HeaderValue::as_bytes);
        lines.flat_map(|line| line.rsplit(|byte| *byte == b',').map(parse))
    }
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry.trim_ascii()).ok()?;
    let address = match entry.strip_prefix('[').and_then(|e| e.strip_suffix(']')) {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => entry.parse::<IpAddr>().ok(),
    };
    let address = address.or_else(|| {
        entry
            .parse::<SocketAddr>()
            .ok()
            .as_ref()
            .map(SocketAddr::ip)
    });
    address.map(|address| address.to_canonical())
}
