//! The answer for people.

use http::StatusCode;

use super::answer::{Answer, ListenerReport, RuleReport};
use super::backends::BackendReport;
use super::misses::MissReport;
use super::outcome::OutcomeReport;
use super::stream::StreamReport;
use crate::paint::Paint;
use crate::table::{Cell, Table};

/// The whole answer: the way of the request, what comes of it, and near misses;
/// these first, if there is no way.
pub(super) fn render(answer: &Answer, paint: Paint) -> String {
    let asked = if answer.method.is_empty() {
        answer.url.clone()
    } else {
        format!("{} {}", answer.method, answer.url)
    };
    let mut text = format!("{}\n", paint.strong(asked));
    for note in &answer.notes {
        text += &format!("{} {note}\n", paint.warning("note:"));
    }
    text.push('\n');
    if let Some(refused) = &answer.refused {
        return text + &format!("  {} {refused}\n", paint.bad("✗"));
    }

    if let Some(stream) = &answer.stream {
        text += &stream_way(answer.listener.as_ref(), stream).render(paint);
        for other in &stream.others {
            text += &format!("  {}\n", paint.faint(other));
        }
        return text;
    }

    match &answer.rule {
        Some(rule) => {
            text += &way(answer.listener.as_ref(), rule).render(paint);
            for outcome in &rule.outcomes {
                text += &format!("\n{}", render_outcome(outcome, paint));
            }
            text += &misses("\nNear misses\n", answer, paint);
        }
        None => {
            let what = match &answer.listener {
                Some(listener) => no_route(listener),
                None => "no listener serves this host: 404".to_owned(),
            };
            text += &format!("  {} {what}\n", paint.bad("✗"));
            text += &misses("\nNearest rules\n", answer, paint);
        }
    }
    text + &other_listeners(answer, paint)
}

fn no_route(listener: &ListenerReport) -> String {
    let ListenerReport {
        gateway,
        name,
        address,
        ..
    } = listener;

    format!("no rule of Gateway {gateway}, listener {name} ({address}) takes it: 404")
}

/// The way of a connection or a datagram.
fn stream_way(listener: Option<&ListenerReport>, stream: &StreamReport) -> Table<3> {
    let mut way = Table::headless();
    begin(&mut way, listener);

    let hostname = stream.hostname.as_ref();
    let meant = hostname.map_or_else(String::new, |hostname| format!(" for {hostname}"));
    let text = format!("{}{meant}", stream.route);
    step(&mut way, stream.kind, &text, stream.place.as_deref());
    if let Some(tls) = stream.tls {
        step(&mut way, "TLS", tls, None);
    }
    if let Some(timeouts) = &stream.timeouts {
        step(&mut way, "timeouts", timeouts, None);
    }
    backends(&mut way, &stream.backends);
    way
}

/// The way from the Gateway to the endpoints, one step on each line.
fn way(listener: Option<&ListenerReport>, rule: &RuleReport) -> Table<3> {
    let mut way = Table::headless();
    begin(&mut way, listener);

    let hostname = rule.hostname.as_ref();
    let meant = hostname.map_or_else(String::new, |hostname| format!(" for {hostname}"));
    let text = format!("{}{meant}", rule.route);
    step(&mut way, rule.kind, &text, rule.route_place.as_deref());
    step(
        &mut way,
        "rule",
        &rule_name(rule.index, rule.name.as_deref()),
        rule.place.as_deref(),
    );
    step(&mut way, "match", &rule.condition, None);
    for (index, filter) in rule.filters.iter().enumerate() {
        let label = if index == 0 { "filters" } else { "" };
        let text = format!("{}. {}", index + 1, filter.text);
        step(&mut way, label, &text, filter.place.as_deref());
    }
    let extras = [("timeouts", &rule.timeouts), ("retry", &rule.retry)];
    for (label, text) in extras {
        if let Some(text) = text {
            step(&mut way, label, text, None);
        }
    }
    backends(&mut way, &rule.backends);
    way
}

fn begin(way: &mut Table<3>, listener: Option<&ListenerReport>) {
    if let Some(listener) = listener {
        step(
            way,
            "Gateway",
            &listener.gateway,
            listener.gateway_place.as_deref(),
        );
        let hostname = listener.hostname.as_ref();
        let serves = hostname.map_or_else(String::new, |hostname| format!(" for {hostname}"));
        let text = format!("{}, {}{serves}", listener.name, listener.address);
        step(way, "listener", &text, listener.place.as_deref());
        for setting in &listener.settings {
            step(way, "", &format!("  {setting}"), None);
        }
    }
}

fn backends(way: &mut Table<3>, backends: &[BackendReport]) {
    for (index, backend) in backends.iter().enumerate() {
        let label = match (index, backends.len()) {
            (0, 1) => "backend",
            (0, _) => "backends",
            _ => "",
        };
        let share = if backends.len() == 1 {
            String::new()
        } else {
            format!(", weight {} ({} %)", backend.weight, backend.percent)
        };
        let protocol = backend
            .protocol
            .map_or_else(String::new, |one| format!(", {one}"));
        let tls = backend.tls.as_ref();
        let tls = tls.map_or_else(String::new, |name| format!(", TLS as {name}"));
        let proxy = backend
            .proxy_protocol
            .map_or_else(String::new, |version| format!(", PROXY protocol {version}"));
        step(
            way,
            label,
            &format!("{}{share}{protocol}{tls}{proxy}", backend.name),
            None,
        );
        for filter in &backend.filters {
            step(
                way,
                "",
                &format!("  {}", filter.text),
                filter.place.as_deref(),
            );
        }
        if let Some(failure) = &backend.failure {
            step(way, "", &format!("  answers {failure}"), None);
        }
        if !backend.endpoints.is_empty() {
            step(
                way,
                "",
                &format!("  → {}", endpoints(&backend.endpoints)),
                None,
            );
        }
    }
}

fn endpoints(all: &[String]) -> String {
    let mut text = all[..all.len().min(SHOWN_ENDPOINTS)].join(", ");
    if all.len() > SHOWN_ENDPOINTS {
        text += &format!(" and {} more", all.len() - SHOWN_ENDPOINTS);
    }
    text
}

fn step(way: &mut Table<3>, label: &str, text: &str, place: Option<&str>) {
    way.row([
        Cell::styled(format!("  {label}"), |paint, text| paint.good(text)),
        Cell::plain(text),
        Cell::styled(place.unwrap_or_default(), |paint, text| paint.faint(text)),
    ]);
}

fn rule_name(index: usize, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{index} ({name})"),
        None => index.to_string(),
    }
}

fn render_outcome(outcome: &OutcomeReport, paint: Paint) -> String {
    let (title, first, headers) = match outcome {
        OutcomeReport::Forwarded {
            backends,
            request,
            headers,
        } => {
            let whom = match backends.as_slice() {
                [] => "The backend".to_owned(),
                names => names.join(", "),
            };
            (format!("{whom} gets"), request.clone(), headers)
        }
        OutcomeReport::Answered { status, headers } => (
            "The gateway answers".to_owned(),
            with_reason(*status),
            headers,
        ),
    };
    let mut text = format!("{}\n  {first}\n", paint.strong(title));

    for (name, value) in headers {
        text += &format!("  {}: {value}\n", paint.faint(name));
    }
    text
}

fn with_reason(status: u16) -> String {
    StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |status| status.to_string())
}

fn misses(title: &str, answer: &Answer, paint: Paint) -> String {
    if answer.near_misses.is_empty() {
        return String::new();
    }
    let mut text = paint.strong(title.trim_end());
    text.push('\n');

    for miss in &answer.near_misses {
        text += &render_miss(miss, paint);
    }
    if answer.more_near_misses > 0 {
        let all = answer.near_misses.len() + answer.more_near_misses;
        let more = format!(
            "and {} more; --misses {all} shows all",
            answer.more_near_misses
        );
        text += &format!("  {}\n", paint.faint(more));
    }
    text
}

fn render_miss(miss: &MissReport, paint: Paint) -> String {
    let rule = rule_name(miss.rule, miss.rule_name.as_deref());
    let place = miss.place.as_deref().unwrap_or_default();
    let mut text = format!(
        "  {} {} rule {rule}: {}  {}\n",
        miss.kind,
        miss.route,
        miss.condition,
        paint.faint(place)
    );

    for why in &miss.why_not {
        text += &format!("    {} {why}\n", paint.warning("✗"));
    }
    text
}

fn other_listeners(answer: &Answer, paint: Paint) -> String {
    if answer.other_listeners.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", paint.strong("Other listeners"));

    for miss in &answer.other_listeners {
        text += &format!(
            "  Gateway {}, listener {}: {}\n",
            miss.gateway, miss.name, miss.why_not
        );
    }
    text
}

const SHOWN_ENDPOINTS: usize = 8;
