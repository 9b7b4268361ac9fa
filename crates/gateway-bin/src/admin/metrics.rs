//! Everything that is counted, as a text.

use std::fmt::Display;

use gateway_core::telemetry::{Metrics, RequestMetrics, StreamMetrics};

use super::control::{Source, StatusWrite};
use super::exposition::{Samples, Text};
use super::{Vitals, families};

/// What `/metrics` says.
pub(super) fn text(metrics: &Metrics, vitals: &Vitals) -> String {
    let mut text = Text::default();
    process(&mut text, metrics, vitals);
    configuration(&mut text, metrics, vitals);
    requests(&mut text, metrics);
    unclaimed(&mut text, metrics);
    connections(&mut text, metrics);
    streams(&mut text, metrics);
    datagrams(&mut text, metrics);
    upstream(&mut text, metrics);
    certificates(&mut text, metrics);
    cluster(&mut text, vitals);
    text.into_string()
}

type Labels<'a> = [(&'a str, &'a dyn Display)];

fn process(text: &mut Text, metrics: &Metrics, vitals: &Vitals) {
    text.family(&families::BUILD_INFO)
        .sample(&[("version", &env!("CARGO_PKG_VERSION"))], 1);
    text.family(&families::WORKERS).sample(&[], metrics.workers);
    text.family(&families::PANICS).sample(&[], metrics.panics);
    text.family(&families::READY)
        .sample(&[], u8::from(vitals.health.readiness().is_ok()));
}

fn configuration(text: &mut Text, metrics: &Metrics, vitals: &Vitals) {
    let facts = vitals.control.facts();
    text.family(&families::CONFIG_GENERATION)
        .sample(&[], metrics.generation);
    let mut samples = text.family(&families::CONFIG_LAST_CHANGE);
    if let Some(moment) = metrics.changed_at {
        samples.moment(&[], moment);
    }
    let mut samples = text.family(&families::CONFIG_SOURCE);
    for source in Source::ALL {
        let is_it = facts.source == Some(source);
        samples.sample(&[("source", &source.label())], u8::from(is_it));
    }
    let mut samples = text.family(&families::CONFIG_READ);
    if let Some(moment) = facts.read_at {
        samples.moment(&[], moment);
    }
    let mut samples = text.family(&families::CONFIG_PROBLEMS);
    for (severity, count) in ["error", "warning"]
        .iter()
        .zip(facts.problems.into_iter().flatten())
    {
        samples.sample(&[("severity", severity)], count);
    }
}

fn requests(text: &mut Text, metrics: &Metrics) {
    let each = |samples: &mut Samples<'_>,
                write: fn(&mut Samples<'_>, &Labels<'_>, &RequestMetrics)| {
        for listener in &metrics.listeners {
            let labels: &Labels<'_> = &[
                ("gateway", &listener.gateway),
                ("listener", &listener.listener),
            ];
            write(samples, labels, &listener.requests);
        }
    };

    each(&mut text.family(&families::REQUESTS), responses);
    each(&mut text.family(&families::REQUEST_FAILURES), failures);
    each(
        &mut text.family(&families::REQUESTS_ABANDONED),
        |samples, labels, requests| samples.sample(labels, requests.abandoned),
    );
    each(
        &mut text.family(&families::REQUESTS_IN_FLIGHT),
        |samples, labels, requests| samples.sample(labels, requests.in_flight),
    );
}

fn unclaimed(text: &mut Text, metrics: &Metrics) {
    let mut samples = text.family(&families::UNCLAIMED_REQUESTS);
    for at in &metrics.addresses {
        responses(&mut samples, &[("address", &at.address)], &at.unclaimed);
    }
    let mut samples = text.family(&families::UNCLAIMED_FAILURES);
    for at in &metrics.addresses {
        failures(&mut samples, &[("address", &at.address)], &at.unclaimed);
    }
}

fn responses(samples: &mut Samples<'_>, labels: &Labels<'_>, requests: &RequestMetrics) {
    for (class, count) in requests.responses.by_class() {
        let class = format!("{class}xx");
        samples.sample(&[labels, &[("code_class", &class)]].concat(), count);
    }
}

fn failures(samples: &mut Samples<'_>, labels: &Labels<'_>, requests: &RequestMetrics) {
    counted(samples, labels, "reason", &requests.failures);
}

/// Those that have happened: there are many more that never will.
fn counted(
    samples: &mut Samples<'_>,
    labels: &Labels<'_>,
    name: &str,
    counts: &[(&'static str, u64)],
) {
    for (label, count) in counts.iter().filter(|(_, count)| *count > 0) {
        samples.sample(&[labels, &[(name, label)]].concat(), count);
    }
}

fn connections(text: &mut Text, metrics: &Metrics) {
    let mut samples = text.family(&families::CONNECTIONS_ACCEPTED);
    for at in &metrics.addresses {
        samples.sample(&[("address", &at.address)], at.accepted);
    }
    let mut samples = text.family(&families::CONNECTIONS_OPEN);
    for at in &metrics.addresses {
        samples.sample(&[("address", &at.address)], at.open);
    }
    let mut samples = text.family(&families::CONNECTIONS_REFUSED);
    for at in &metrics.addresses {
        samples.sample(&[("address", &at.address)], at.refused);
    }
    let mut samples = text.family(&families::HANDSHAKES);
    for at in &metrics.addresses {
        samples.sample(&[("address", &at.address)], at.handshakes.completed);
    }
    let mut samples = text.family(&families::HANDSHAKE_FAILURES);
    for at in &metrics.addresses {
        let failures = &at.handshakes.failures;
        counted(
            &mut samples,
            &[("address", &at.address)],
            "reason",
            failures,
        );
    }
}

fn streams(text: &mut Text, metrics: &Metrics) {
    let tcp = metrics.addresses.iter();
    let tcp = tcp.map(|at| (at.address, "tcp", &at.streams));
    let udp = metrics.datagrams.iter();
    let udp = udp.map(|at| (at.address, "udp", &at.streams));
    let all: Vec<_> = tcp.chain(udp).collect();
    let each = |samples: &mut Samples<'_>,
                write: fn(&mut Samples<'_>, &Labels<'_>, &StreamMetrics)| {
        for (address, transport, streams) in &all {
            let labels: &Labels<'_> = &[("address", address), ("transport", transport)];
            write(samples, labels, streams);
        }
    };

    each(
        &mut text.family(&families::STREAMS),
        |samples, labels, streams| {
            counted(samples, labels, "end", &streams.ended);
        },
    );
    each(
        &mut text.family(&families::STREAM_RECEIVED),
        |samples, labels, streams| samples.sample(labels, streams.received),
    );
    each(
        &mut text.family(&families::STREAM_SENT),
        |samples, labels, streams| samples.sample(labels, streams.sent),
    );
}

fn datagrams(text: &mut Text, metrics: &Metrics) {
    let mut samples = text.family(&families::SESSIONS);
    for at in &metrics.datagrams {
        samples.sample(&[("address", &at.address)], at.sessions);
    }
    let mut samples = text.family(&families::SESSIONS_OPEN);
    for at in &metrics.datagrams {
        samples.sample(&[("address", &at.address)], at.open);
    }
    let mut samples = text.family(&families::DATAGRAMS_DROPPED);
    for at in &metrics.datagrams {
        samples.sample(&[("address", &at.address)], at.dropped);
    }
}

fn upstream(text: &mut Text, metrics: &Metrics) {
    let upstream = &metrics.upstream;
    text.family(&families::UPSTREAM_OPENED)
        .sample(&[], upstream.opened);
    text.family(&families::UPSTREAM_REUSED)
        .sample(&[], upstream.reused);
    text.family(&families::UPSTREAM_FAILURES)
        .sample(&[], upstream.failed);
}

fn certificates(text: &mut Text, metrics: &Metrics) {
    let mut samples = text.family(&families::CERTIFICATE_NOT_AFTER);
    for certificate in &metrics.certificates {
        let labels: &Labels<'_> = &[
            ("gateway", &certificate.gateway),
            ("listener", &certificate.listener),
            ("name", &certificate.name),
        ];
        samples.moment(labels, certificate.not_after);
    }
}

fn cluster(text: &mut Text, vitals: &Vitals) {
    let facts = vitals.control.facts();
    let mut samples = text.family(&families::WATCH_CONNECTED);
    for (kind, connected) in &facts.watches {
        samples.sample(&[("kind", kind)], u8::from(*connected));
    }
    let mut samples = text.family(&families::STATUS_WRITES);
    for (write, count) in vitals.control.status_writes() {
        samples.sample(&[("result", &StatusWrite::label(write))], count);
    }
    let mut samples = text.family(&families::LEADER);
    if let Some(leads) = facts.leads {
        samples.sample(&[], u8::from(leads));
    }
}
