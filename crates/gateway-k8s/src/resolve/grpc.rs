//! GRPCRoutes, which are routes for requests of one form.

use std::sync::Arc;

use gateway_core::model::{PathMatch, Route, RouteKind, RouteMatch, ValueMatch};

use super::annotations::Annotations;
use super::backends::Purpose;
use super::field::Field;
use super::grants::From;
use super::matches::{unsupported, with_headers};
use super::reading::Reading;
use super::route::{Converted, ModelRoute, RouteObject};
use super::view::View;
use super::{Settings, rule, validity};
use crate::api::{
    DefaultScope, GrpcBackendRef, GrpcMethodMatch, GrpcRoute, GrpcRouteFilter, GrpcRouteFilterType,
    GrpcRouteMatch, GrpcRouteRule, HttpBackendRef, HttpRouteFilter, HttpRouteFilterType,
    HttpRouteRule, MatchType, ParentReference,
};
use crate::verdict::Problem;
use crate::world::{Loaded, ObjectRef};

impl RouteObject for GrpcRoute {
    fn parents(&self) -> &[ParentReference] {
        self.spec.parent_refs.as_deref().unwrap_or_default()
    }

    fn default_scope(&self) -> Option<&DefaultScope> {
        self.spec.use_default_gateways.as_ref()
    }

    fn convert(view: &View<'_>, settings: &Settings, loaded: &Loaded<Self>) -> Converted {
        let refused = validity::grpc_route(&loaded.spec);
        let mut converted = Converted::new(
            ObjectRef::of(&**loaded),
            loaded.metadata.generation,
            refused,
        );
        converted.read_hostnames(loaded.spec.hostnames.as_deref().unwrap_or_default());
        converted.warn_of_strays(&Annotations::of(&loaded.metadata), &[]);

        let namespace = Arc::clone(&converted.object.namespace);
        let from = From::kind::<Self>(&namespace);
        let mut route = Route::new(converted.name())
            .with_kind(RouteKind::Grpc)
            .with_created(super::created(&loaded.metadata));
        for hostname in &converted.hostnames {
            route = route.with_hostname(hostname.clone());
        }
        let at = Field::SPEC;
        for (index, written) in rules(loaded).iter().enumerate() {
            let at = at.item("rules", index);
            let matches = written.matches.iter().flatten().enumerate();
            let matches = matches.map(|(index, one)| grpc_match(one, &at.item("matches", index)));
            let reading = Reading::new(view, settings, from, false)
                .for_purpose(Purpose::Grpc)
                .of_rule(route.name(), index);
            let read = rule::convert(reading, &as_http(written), matches.collect(), &at);
            route = converted.take(route, index, read);
        }
        converted.serve(ModelRoute::Requests(Arc::new(route)));

        converted
    }
}

/// Without rules there is one for every call.
fn rules(route: &GrpcRoute) -> std::borrow::Cow<'_, [GrpcRouteRule]> {
    match &route.spec.rules {
        Some(rules) => rules.into(),
        None => vec![GrpcRouteRule::default()].into(),
    }
}

/// Reads one match. A call of a method is a request for `/service/method`.
fn grpc_match(written: &GrpcRouteMatch, at: &Field<'_>) -> Result<RouteMatch, Problem> {
    let path = match &written.method {
        Some(method) => method_match(method, &at.name("method"))?,
        None => PathMatch::default(),
    };

    with_headers(RouteMatch::path(path), written.headers.as_deref(), at)
}

fn method_match(written: &GrpcMethodMatch, at: &Field<'_>) -> Result<PathMatch, Problem> {
    let service = written.service.as_deref().filter(|text| !text.is_empty());
    let method = written.method.as_deref().filter(|text| !text.is_empty());
    if service.is_none() && method.is_none() {
        return Err(unsupported("has neither service nor method", at));
    }
    for (name, text) in [("service", service), ("method", method)] {
        if text.is_some_and(|text| text.len() > NAME_BYTES) {
            let message = format!("is longer than {NAME_BYTES} bytes");
            return Err(unsupported(message, &at.name(name)));
        }
    }

    match &written.r#type {
        None | Some(MatchType::Exact) => exact(service, method, at),
        Some(MatchType::RegularExpression) => regex(service, method, at),
        Some(MatchType::Unknown(other)) => {
            let message = format!("{other:?} is not a way to match a method");
            Err(unsupported(message, &at.name("type")))
        }
    }
}

fn exact(
    service: Option<&str>,
    method: Option<&str>,
    at: &Field<'_>,
) -> Result<PathMatch, Problem> {
    if let Some(service) = service
        && !is_service(service)
    {
        let message = format!("{service:?} is not the name of a service");
        return Err(unsupported(message, &at.name("service")));
    }
    if let Some(method) = method
        && !is_identifier(method)
    {
        let message = format!("{method:?} is not the name of a method");
        return Err(unsupported(message, &at.name("method")));
    }

    let path = match (service, method) {
        (Some(service), Some(method)) => PathMatch::exact(&format!("/{service}/{method}")),
        (Some(service), None) => PathMatch::prefix(&format!("/{service}")),
        // Of any service. Ranks below what names the service, as it should.
        (None, Some(method)) => PathMatch::regex(&format!("/[^/]+/{method}")),
        (None, None) => Ok(PathMatch::default()),
    };
    path.map_err(|error| unsupported(error.to_string(), at))
}

fn regex(
    service: Option<&str>,
    method: Option<&str>,
    at: &Field<'_>,
) -> Result<PathMatch, Problem> {
    // Each for itself, so that no parenthesis of one can close that of the other.
    for (name, pattern) in [("service", service), ("method", method)] {
        if let Some(Err(error)) = pattern.map(ValueMatch::regex) {
            return Err(unsupported(error.to_string(), &at.name(name)));
        }
    }
    let part = |pattern: Option<&str>| match pattern {
        Some(pattern) => format!("(?:{pattern})"),
        None => "[^/]+".to_owned(),
    };
    let pattern = format!("/{}/{}", part(service), part(method));

    PathMatch::regex(&pattern).map_err(|error| unsupported(error.to_string(), at))
}

/// Source: the CEL rules of `GRPCMethodMatch`.
fn is_service(text: &str) -> bool {
    let name = text.strip_prefix('.').unwrap_or(text);

    name.split('.').all(is_identifier)
}

fn is_identifier(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';

    text.bytes().next().is_some_and(is_letter)
        && text
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// The rule without its matches, in the words of an HTTPRoute.
fn as_http(written: &GrpcRouteRule) -> HttpRouteRule {
    let backends = written.backend_refs.as_ref();

    HttpRouteRule {
        name: written.name.clone(),
        filters: written.filters.as_deref().map(filters_as_http),
        backend_refs: backends.map(|list| list.iter().map(backend_as_http).collect()),
        session_persistence: written.session_persistence.clone(),
        ..HttpRouteRule::default()
    }
}

fn backend_as_http(written: &GrpcBackendRef) -> HttpBackendRef {
    let GrpcBackendRef {
        filters,
        group,
        kind,
        name,
        namespace,
        port,
        weight,
    } = written;

    HttpBackendRef {
        filters: filters.as_deref().map(filters_as_http),
        group: group.clone(),
        kind: kind.clone(),
        name: name.clone(),
        namespace: namespace.clone(),
        port: *port,
        weight: *weight,
    }
}

fn filters_as_http(written: &[GrpcRouteFilter]) -> Vec<HttpRouteFilter> {
    written.iter().map(filter_as_http).collect()
}

fn filter_as_http(written: &GrpcRouteFilter) -> HttpRouteFilter {
    use GrpcRouteFilterType as Grpc;
    use HttpRouteFilterType as Http;

    HttpRouteFilter {
        r#type: match &written.r#type {
            Grpc::ResponseHeaderModifier => Http::ResponseHeaderModifier,
            Grpc::RequestHeaderModifier => Http::RequestHeaderModifier,
            Grpc::RequestMirror => Http::RequestMirror,
            Grpc::ExtensionRef => Http::ExtensionRef,
            // Even one that an HTTPRoute knows.
            Grpc::Unknown(other) => Http::Unknown(other.clone()),
        },
        extension_ref: written.extension_ref.clone(),
        request_header_modifier: written.request_header_modifier.clone(),
        request_mirror: written.request_mirror.clone(),
        response_header_modifier: written.response_header_modifier.clone(),
        ..HttpRouteFilter::default()
    }
}

const NAME_BYTES: usize = 1024;
