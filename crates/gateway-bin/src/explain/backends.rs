//! The backends of a rule, with their shares and endpoints.

use std::sync::Arc;

use gateway_core::model::{
    Backend, BackendProtocol, BackendRef, BackendTarget, Configuration, Endpoints, ProxyVersion,
    Rule,
};
use serde::Serialize;

use super::filters::FilterReport;
use super::route::WrittenRule;

/// A backend that the request may be sent to.
#[derive(Debug, Serialize)]
pub(super) struct BackendReport {
    pub(super) name: String,
    pub(super) weight: u32,
    /// Of a hundred requests.
    pub(super) percent: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<&'static str>,
    /// The name that is asked for in TLS with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls: Option<String>,
    /// The version of the PROXY protocol that connections begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proxy_protocol: Option<&'static str>,
    pub(super) endpoints: Vec<String>,
    pub(super) filters: Vec<FilterReport>,
    /// What the client gets instead of the backend's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
}

impl BackendReport {
    /// The backends of `rule` that get any requests.
    pub(super) fn all(
        configuration: &Configuration,
        rule: &Rule,
        written: &WrittenRule<'_>,
    ) -> Vec<Self> {
        let mut reports = Self::all_of(configuration, rule.backends());
        for (index, report) in &mut reports {
            report.filters = filters(written, *index);
            if report.name.is_empty() {
                report.name = written_name(written, *index);
            }
        }

        reports.into_iter().map(|(_, report)| report).collect()
    }

    /// Those of `backends` that get anything.
    pub(super) fn of(configuration: &Configuration, backends: &[BackendRef]) -> Vec<Self> {
        let reports = Self::all_of(configuration, backends).into_iter();

        reports
            .map(|(index, mut report)| {
                if report.name.is_empty() {
                    report.name = format!("backend {index}");
                }
                report
            })
            .collect()
    }

    /// With their places in the list. What leads nowhere has no name.
    fn all_of(configuration: &Configuration, backends: &[BackendRef]) -> Vec<(usize, Self)> {
        let total: u64 = backends.iter().map(|one| u64::from(one.weight())).sum();
        let used = backends.iter().enumerate();

        used.filter(|(_, backend)| backend.weight() > 0)
            .map(|(index, backend)| (index, Self::new(configuration, backend, total)))
            .collect()
    }

    fn new(configuration: &Configuration, backend: &BackendRef, total: u64) -> Self {
        let share = f64::from(backend.weight()) * 100.0 / (total.max(1) as f64);
        let mut report = Self {
            name: String::new(),
            weight: backend.weight(),
            percent: (share * 10.0).round() / 10.0,
            protocol: None,
            tls: None,
            proxy_protocol: None,
            endpoints: Vec::new(),
            filters: Vec::new(),
            failure: None,
        };

        match backend.target() {
            BackendTarget::Backend(id) => {
                report.name = id.to_string();
                report.resolve(configuration.backends().get(id));
            }
            BackendTarget::Invalid(reason) => {
                report.failure = Some(format!("500, because {reason}"));
            }
        }
        report
    }

    fn resolve(&mut self, backend: Option<&Arc<Backend>>) {
        let Some(backend) = backend else {
            self.failure = Some("500, because the backend is not known".to_owned());
            return;
        };
        self.proxy_protocol = backend.proxy_protocol().map(|version| match version {
            ProxyVersion::V1 => "v1",
            ProxyVersion::V2 => "v2",
        });
        self.tls = backend.tls().map(|tls| tls.server_name.to_string());
        self.protocol = match backend.protocol() {
            BackendProtocol::H2c => Some("HTTP/2"),
            _ => None,
        };
        match backend.endpoints() {
            Endpoints::Static(set) if set.is_empty() => {
                self.failure = Some("503, because no endpoint is ready".to_owned());
            }
            Endpoints::Static(set) => {
                let addresses = set.iter().map(|one| one.address().to_string());
                self.endpoints = addresses.collect();
            }
            Endpoints::Dns { host, port, .. } => {
                self.endpoints = vec![format!("{host}:{port}, looked up")];
            }
        }
    }
}

fn filters(written: &WrittenRule<'_>, index: usize) -> Vec<FilterReport> {
    let filters = written
        .backend(index)
        .and_then(|one| one.filters.as_deref());
    let at = format!("backendRefs[{index}].filters");

    FilterReport::all(filters.unwrap_or_default(), |filter| {
        written.place(&format!("{at}[{filter}]"))
    })
}

/// As it was referred to, because it leads nowhere.
fn written_name(written: &WrittenRule<'_>, index: usize) -> String {
    let Some(backend) = written.backend(index) else {
        return format!("backend {index}");
    };
    let kind = backend.kind.as_deref().unwrap_or("Service");
    let namespace = backend.namespace.as_deref();
    let namespace = namespace.unwrap_or_else(|| written.namespace());

    match backend.port {
        Some(port) => format!("{kind} {namespace}/{}:{port}", backend.name),
        None => format!("{kind} {namespace}/{}", backend.name),
    }
}
