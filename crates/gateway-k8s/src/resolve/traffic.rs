//! Settings of listeners that are about connections and sessions, whatever is in
//! them. The API has no fields for them: they are annotations.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::model::{
    self, ConnectionLimits, ProxyProtocol, ProxyVersion, Strangers, UdpSettings,
};
use gateway_filters::CidrSet;

use super::annotations::Annotations;
use super::duration;
use super::spoken::{Spoken, Transport};
use crate::verdict::Problem;

/// What is set for one listener.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traffic {
    proxy_protocol: Option<Arc<ProxyProtocol>>,
    limits: ConnectionLimits,
    udp: UdpSettings,
}

impl Traffic {
    /// Whether nothing is set.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The listener with these settings.
    pub(super) fn apply(&self, listener: model::Listener) -> model::Listener {
        let listener = listener
            .with_limits(self.limits)
            .with_udp_settings(self.udp);

        match &self.proxy_protocol {
            Some(proxy) => listener.with_proxy_protocol(Arc::clone(proxy)),
            None => listener,
        }
    }
}

/// What is set for a listener, with what is wrong.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) traffic: Traffic,
    /// Why the listener is not accepted.
    pub(super) refused: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// Reads what is set for the listener `name`, which speaks `spoken`.
pub(super) fn read(annotations: &Annotations<'_>, name: &str, spoken: Spoken) -> Read {
    let transport = spoken.transport();
    let mut reading = Reading {
        annotations,
        name,
        transport,
        read: Read::default(),
    };
    let proxy = reading.proxy_protocol();
    let total = reading.get(MAX_CONNECTIONS, Transport::Tcp, positive);
    let per_source = reading.get(MAX_PER_CLIENT, Transport::Tcp, positive);
    let idle = reading.get(UDP_IDLE, Transport::Udp, span);
    let sessions = reading.get(UDP_SESSIONS, Transport::Udp, positive);
    let rate = reading.get(UDP_RATE, Transport::Udp, positive);

    let default = UdpSettings::default();
    reading.read.traffic = Traffic {
        proxy_protocol: proxy.map(Arc::new),
        limits: ConnectionLimits { total, per_source },
        udp: UdpSettings {
            idle: idle.unwrap_or(default.idle),
            max_sessions: sessions.unwrap_or(default.max_sessions),
            new_sessions_per_second: rate.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
        },
    };
    reading.read
}

struct Reading<'a, 'm> {
    annotations: &'a Annotations<'m>,
    name: &'a str,
    transport: Transport,
    read: Read,
}

impl Reading<'_, '_> {
    /// A setting of listeners of one transport. What is written for all listeners is
    /// for those it can mean.
    fn get<T>(
        &mut self,
        key: &str,
        of: Transport,
        read: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let setting = self.annotations.get(self.name, key)?;
        if self.transport != of {
            let what = match of {
                Transport::Tcp => "connections",
                Transport::Udp => "sessions of datagrams",
            };
            let problem = setting.problem(format!("listener {} has no {what}", self.name));
            let warnings = &mut self.read.warnings;
            warnings.extend(setting.is_of_part().then_some(problem));
            return None;
        }

        let result = setting.read(read);
        result
            .map_err(|problem| self.read.refused.push(problem))
            .ok()
    }

    fn proxy_protocol(&mut self) -> Option<ProxyProtocol> {
        let trusted = self.get(PROXY_FROM, Transport::Tcp, ranges);
        let others = self.get(PROXY_OTHERS, Transport::Tcp, strangers);
        if let Some(setting) = self.annotations.get(self.name, PROXY_OTHERS)
            && self.annotations.get(self.name, PROXY_FROM).is_none()
        {
            let problem = setting.problem(format!("means nothing without {PROXY_FROM}"));
            self.read.warnings.push(problem);
        }

        let proxy = ProxyProtocol::new(trusted?);
        Some(proxy.with_others(others.unwrap_or_default()))
    }
}

/// Whether and how connections to the port of a backend begin with a PROXY protocol
/// header.
///
/// # Errors
///
/// A value that cannot be obeyed. Nobody who waits for a header can be sent anything
/// else.
pub(super) fn sent(
    annotations: &Annotations<'_>,
    port: u16,
) -> Result<Option<ProxyVersion>, Problem> {
    let setting = annotations.get(&port.to_string(), PROXY_SENT);

    setting.map(|setting| setting.read(version)).transpose()
}

fn version(text: &str) -> Result<ProxyVersion, String> {
    match text {
        "v1" => Ok(ProxyVersion::V1),
        "v2" => Ok(ProxyVersion::V2),
        _ => Err(format!("{text:?} is not v1 or v2")),
    }
}

fn strangers(text: &str) -> Result<Strangers, String> {
    match text {
        "refuse" => Ok(Strangers::Refuse),
        "serve" => Ok(Strangers::Plain),
        _ => Err(format!("{text:?} is not refuse or serve")),
    }
}

fn ranges(text: &str) -> Result<CidrSet, String> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());

    match CidrSet::parse(parts) {
        Ok(ranges) if ranges.is_empty() => Err("names no addresses".to_owned()),
        ranges => ranges.map_err(|error| error.to_string()),
    }
}

fn positive(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);

    number.ok_or_else(|| format!("{text:?} is not a number above 0"))
}

/// A duration that is not nothing.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span = duration::parse(text).filter(|span| !span.is_zero());

    span.ok_or_else(|| format!("{text:?} is not a duration above 0s, such as 30s or 1h30m"))
}

/// What a Gateway or a ListenerSet can be told about its listeners.
pub(super) const OF_LISTENERS: &[&str] = &[
    PROXY_FROM,
    PROXY_OTHERS,
    MAX_CONNECTIONS,
    MAX_PER_CLIENT,
    UDP_IDLE,
    UDP_SESSIONS,
    UDP_RATE,
];

/// What a Service or an XBackend can be told about its ports.
pub(super) const OF_BACKENDS: &[&str] = &[PROXY_SENT];

const PROXY_FROM: &str = "proxy-protocol-from";
const PROXY_OTHERS: &str = "proxy-protocol-others";
const MAX_CONNECTIONS: &str = "max-connections";
const MAX_PER_CLIENT: &str = "max-connections-per-client";
const UDP_IDLE: &str = "udp-idle-timeout";
const UDP_SESSIONS: &str = "udp-max-sessions";
const UDP_RATE: &str = "udp-max-new-sessions-per-second";
const PROXY_SENT: &str = "proxy-protocol";
