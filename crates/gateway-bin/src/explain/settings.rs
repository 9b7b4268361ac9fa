//! Settings that no field of the API has.

use gateway_core::model::{
    ConnectionLimits, Listener, Protocol, Strangers, StreamRoute, StreamRouteKind, StreamTimeouts,
    UdpSettings,
};

/// What is set for a listener, apart from what is so by default.
pub(super) fn describe(listener: &Listener) -> Vec<String> {
    let mut told = Vec::new();
    if let Some(proxy) = listener.proxy_protocol() {
        told.push(match proxy.others() {
            Strangers::Refuse => "PROXY protocol; others are refused".to_owned(),
            Strangers::Plain => "PROXY protocol; others are served without".to_owned(),
        });
    }
    let ConnectionLimits { total, per_source } = *listener.limits();
    told.extend(total.map(|limit| format!("at most {limit} connections")));
    told.extend(per_source.map(|limit| format!("at most {limit} connections of one client")));
    if *listener.protocol() == Protocol::Udp {
        told.extend(sessions(*listener.udp_settings()));
    }
    told
}

fn sessions(settings: UdpSettings) -> Vec<String> {
    let default = UdpSettings::default();
    let mut told = Vec::new();
    if settings.idle != default.idle {
        told.push(format!("sessions end after {:?} of silence", settings.idle));
    }
    if settings.max_sessions != default.max_sessions {
        told.push(format!("at most {} sessions", settings.max_sessions));
    }
    let rate = settings.new_sessions_per_second;
    told.extend(rate.map(|rate| format!("at most {rate} new sessions in a second")));
    told
}

/// The timeouts of a route for connections, if they are not those by default.
pub(super) fn timeouts(route: &StreamRoute) -> Option<String> {
    let StreamTimeouts { connect, idle } = route.timeouts();
    let is_set = route.timeouts() != StreamTimeouts::default();

    (is_set && route.kind() != StreamRouteKind::Udp)
        .then(|| format!("connect {connect:?}, idle {idle:?}"))
}
