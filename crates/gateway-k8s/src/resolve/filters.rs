//! The settings of filters that refer to nothing.

use std::time::Duration;

use gateway_filters::{Cors, Fraction, HeaderModifier, RetryPolicy};
use http::StatusCode;

use super::duration;
use super::field::Field;
use super::matches::unsupported;
use crate::api::{
    CorsFilter, HeaderFilter, HttpRouteFilter, HttpRouteFilterType, HttpRouteRetry,
    RequestMirrorFilter,
};
use crate::verdict::Problem;

/// A filter has the settings of its own type and no others.
pub(super) fn check_fields(written: &HttpRouteFilter, at: &Field<'_>) -> Result<(), Problem> {
    use HttpRouteFilterType as Type;
    let fields = [
        (
            Type::RequestHeaderModifier,
            "requestHeaderModifier",
            written.request_header_modifier.is_some(),
        ),
        (
            Type::ResponseHeaderModifier,
            "responseHeaderModifier",
            written.response_header_modifier.is_some(),
        ),
        (
            Type::RequestMirror,
            "requestMirror",
            written.request_mirror.is_some(),
        ),
        (
            Type::RequestRedirect,
            "requestRedirect",
            written.request_redirect.is_some(),
        ),
        (
            Type::UrlRewrite,
            "urlRewrite",
            written.url_rewrite.is_some(),
        ),
        (Type::Cors, "cors", written.cors.is_some()),
        (
            Type::ExtensionRef,
            "extensionRef",
            written.extension_ref.is_some(),
        ),
        (
            Type::ExternalAuth,
            "externalAuth",
            written.external_auth.is_some(),
        ),
    ];
    let mut others = fields
        .iter()
        .filter(|(kind, _, set)| *set && *kind != written.r#type);

    match others.next() {
        Some((_, name, _)) => {
            let message = format!("does not belong to a filter of type {}", written.r#type);
            Err(unsupported(message, &at.name(name)))
        }
        None => Ok(()),
    }
}

pub(super) fn header_modifier(
    written: &HeaderFilter,
    at: &Field<'_>,
) -> Result<HeaderModifier, Problem> {
    let mut modifier = HeaderModifier::new();

    for (index, header) in limited(written.set.as_deref(), 16, &at.name("set"))? {
        let set = modifier.set(&header.name, &header.value);
        modifier = set.map_err(|error| unsupported(error.to_string(), &at.item("set", index)))?;
    }
    for (index, header) in limited(written.add.as_deref(), 16, &at.name("add"))? {
        let add = modifier.add(&header.name, &header.value);
        modifier = add.map_err(|error| unsupported(error.to_string(), &at.item("add", index)))?;
    }
    for (index, name) in limited(written.remove.as_deref(), 16, &at.name("remove"))? {
        let remove = modifier.remove(name);
        modifier =
            remove.map_err(|error| unsupported(error.to_string(), &at.item("remove", index)))?;
    }

    Ok(modifier)
}

pub(super) fn cors(written: &CorsFilter, at: &Field<'_>) -> Result<Cors, Problem> {
    let mut cors = Cors::new().with_credentials(written.allow_credentials.unwrap_or_default());
    let refuse = |error: gateway_filters::cors::InvalidCors, list: &str, index: usize| {
        unsupported(error.to_string(), &at.item(list, index))
    };

    for (index, origin) in starred(written.allow_origins.as_deref(), 64, at, "allowOrigins")? {
        let read = cors.allow_origin(origin);
        cors = read.map_err(|error| refuse(error, "allowOrigins", index))?;
    }
    for (index, method) in starred(written.allow_methods.as_deref(), 9, at, "allowMethods")? {
        let read = cors.allow_method(method);
        cors = read.map_err(|error| refuse(error, "allowMethods", index))?;
    }
    for (index, name) in starred(written.allow_headers.as_deref(), 64, at, "allowHeaders")? {
        let read = cors.allow_header(name);
        cors = read.map_err(|error| refuse(error, "allowHeaders", index))?;
    }
    for (index, name) in limited(
        written.expose_headers.as_deref(),
        64,
        &at.name("exposeHeaders"),
    )? {
        let read = cors.expose_header(name);
        cors = read.map_err(|error| refuse(error, "exposeHeaders", index))?;
    }
    if let Some(seconds) = written.max_age {
        let age = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        let age = age.ok_or_else(|| {
            unsupported(
                format!("{seconds} is not a positive number"),
                &at.name("maxAge"),
            )
        })?;
        cors = cors.with_max_age(Duration::from_secs(age));
    }

    Ok(cors)
}

/// The share that is mirrored; nothing means all.
pub(super) fn mirror_fraction(
    written: &RequestMirrorFilter,
    at: &Field<'_>,
) -> Result<Option<Fraction>, Problem> {
    let number = |number: i32| u32::try_from(number).ok();

    let (read, at) = match (written.percent, &written.fraction) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(unsupported("has both percent and fraction", at)),
        (Some(percent), None) => (
            number(percent).map(Fraction::from_percent),
            at.name("percent"),
        ),
        (None, Some(fraction)) => {
            let denominator = number(fraction.denominator.unwrap_or(100));
            let numerator = number(fraction.numerator);
            let read = numerator
                .zip(denominator)
                .map(|(one, of)| Fraction::new(one, of));
            (read, at.name("fraction"))
        }
    };

    match read {
        Some(Ok(fraction)) => Ok(Some(fraction)),
        Some(Err(error)) => Err(unsupported(error.to_string(), &at)),
        None => Err(unsupported("is negative", &at)),
    }
}

/// Reads when a failed request is tried again.
pub(super) fn retry(
    written: Option<&HttpRouteRetry>,
    at: &Field<'_>,
) -> Result<Option<RetryPolicy>, Problem> {
    let Some(written) = written else {
        return Ok(None);
    };
    let mut policy = RetryPolicy::new();

    if let Some(attempts) = written.attempts {
        let number = u32::try_from(attempts).map_err(|_| {
            unsupported(
                format!("{attempts} is not a number of retries"),
                &at.name("attempts"),
            )
        })?;
        policy = policy.with_attempts(number);
    }
    if let Some(codes) = &written.codes {
        let read = codes.iter().map(|code| {
            let read = u16::try_from(*code)
                .ok()
                .and_then(|code| StatusCode::from_u16(code).ok());
            read.ok_or_else(|| unsupported(format!("{code} is not a status"), &at.name("codes")))
        });
        let codes: Vec<_> = read.collect::<Result<_, _>>()?;
        let read = policy.with_codes(codes);
        policy = read.map_err(|error| unsupported(error.to_string(), &at.name("codes")))?;
    }
    if let Some(text) = &written.backoff {
        let backoff = duration::parse(text).ok_or_else(|| {
            unsupported(
                format!("{text:?} is not a duration such as 1s500ms"),
                &at.name("backoff"),
            )
        })?;
        policy = policy.with_backoff(backoff);
    }

    Ok(Some(policy))
}

/// A list in which `*` stands alone.
fn starred<'a>(
    list: Option<&'a [String]>,
    limit: usize,
    at: &Field<'_>,
    name: &str,
) -> Result<Entries<'a, String>, Problem> {
    let list = list.unwrap_or_default();
    if list.len() > 1 && list.iter().any(|one| one == "*") {
        return Err(unsupported("has * and more", &at.name(name)));
    }

    limited(Some(list), limit, &at.name(name))
}

fn limited<'a, T>(
    list: Option<&'a [T]>,
    limit: usize,
    at: &Field<'_>,
) -> Result<Entries<'a, T>, Problem> {
    let list = list.unwrap_or_default();
    if list.len() > limit {
        return Err(unsupported(format!("has more than {limit} entries"), at));
    }

    Ok(list.iter().enumerate())
}

type Entries<'a, T> = std::iter::Enumerate<std::slice::Iter<'a, T>>;
