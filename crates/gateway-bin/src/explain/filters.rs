//! Filters in a few words each.

use gateway_k8s::api::{
    CorsFilter, HeaderFilter, HttpPathModifier, HttpRouteFilter, RequestMirrorFilter,
    RequestRedirectFilter, UrlRewriteFilter,
};
use serde::Serialize;

/// A filter that the request passes.
#[derive(Debug, Serialize)]
pub(super) struct FilterReport {
    #[serde(rename = "type")]
    kind: String,
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
}

impl FilterReport {
    /// The filters in their order; `place` says where each is written.
    pub(super) fn all(
        filters: &[HttpRouteFilter],
        place: impl Fn(usize) -> Option<String>,
    ) -> Vec<Self> {
        let filters = filters.iter().enumerate();

        filters
            .map(|(index, filter)| Self {
                kind: filter.r#type.to_string(),
                text: describe(filter),
                place: place(index),
            })
            .collect()
    }
}

/// What a filter is, and what it does.
fn describe(filter: &HttpRouteFilter) -> String {
    let details = [
        filter.request_header_modifier.as_ref().map(headers),
        filter.response_header_modifier.as_ref().map(headers),
        filter.request_mirror.as_ref().map(mirror),
        filter.request_redirect.as_ref().map(redirect),
        filter.url_rewrite.as_ref().map(rewrite),
        filter.cors.as_ref().map(cors),
        filter
            .extension_ref
            .as_ref()
            .map(|extension| format!("{} {}", extension.kind, extension.name)),
    ];
    let details: Vec<_> = details
        .into_iter()
        .flatten()
        .filter(|detail| !detail.is_empty())
        .collect();

    if details.is_empty() {
        filter.r#type.to_string()
    } else {
        format!("{}: {}", filter.r#type, details.join("; "))
    }
}

fn headers(filter: &HeaderFilter) -> String {
    let with_values = |verb: &str, headers: &Option<Vec<gateway_k8s::api::HttpHeader>>| {
        let headers = headers.iter().flatten();
        let texts: Vec<_> = headers
            .map(|header| format!("{verb} {}: {}", header.name, header.value))
            .collect();
        texts
    };
    let removed = filter.remove.iter().flatten();
    let removed = removed.map(|name| format!("remove {name}"));
    let mut parts = with_values("set", &filter.set);
    parts.extend(with_values("add", &filter.add));
    parts.extend(removed);

    parts.join(", ")
}

fn mirror(filter: &RequestMirrorFilter) -> String {
    let backend = &filter.backend_ref;
    let kind = backend.kind.as_deref().unwrap_or("Service");
    let mut text = match (filter.percent, &filter.fraction) {
        (Some(percent), _) => format!("copies {percent} % to"),
        (None, Some(fraction)) => {
            let denominator = fraction.denominator.unwrap_or(100);
            format!("copies {} of {denominator} to", fraction.numerator)
        }
        (None, None) => "copies all to".to_owned(),
    };

    text += &format!(" {kind} ");
    if let Some(namespace) = &backend.namespace {
        text += &format!("{namespace}/");
    }
    text += &backend.name;
    if let Some(port) = backend.port {
        text += &format!(":{port}");
    }
    text
}

fn redirect(filter: &RequestRedirectFilter) -> String {
    let parts = [
        filter
            .scheme
            .as_ref()
            .map(|scheme| format!("scheme {scheme}")),
        filter.hostname.as_ref().map(|host| format!("host {host}")),
        filter.port.map(|port| format!("port {port}")),
        filter.path.as_ref().map(path),
        Some(format!("status {}", filter.status_code.unwrap_or(302))),
    ];

    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn rewrite(filter: &UrlRewriteFilter) -> String {
    let parts = [
        filter
            .hostname
            .as_ref()
            .map(|host| format!("host becomes {host}")),
        filter.path.as_ref().map(path),
    ];

    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn path(modifier: &HttpPathModifier) -> String {
    match (&modifier.replace_full_path, &modifier.replace_prefix_match) {
        (Some(full), _) => format!("path becomes {full}"),
        (None, Some(prefix)) => format!("matched prefix becomes {prefix}"),
        (None, None) => modifier.r#type.to_string(),
    }
}

fn cors(filter: &CorsFilter) -> String {
    let list = |list: &Option<Vec<String>>| list.iter().flatten().cloned().collect::<Vec<_>>();
    let origins = list(&filter.allow_origins);

    match origins.as_slice() {
        [] => "allows no origin".to_owned(),
        origins => format!("allows {}", origins.join(", ")),
    }
}
