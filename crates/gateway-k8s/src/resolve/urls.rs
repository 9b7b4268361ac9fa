//! The settings of filters that change a URL.

use std::num::NonZeroU16;

use gateway_filters::redirect::RedirectStatus;
use gateway_filters::{PathModifier, Redirect, Scheme, UrlRewrite};

use super::field::Field;
use super::matches::unsupported;
use crate::api::{
    HttpPathModifier, HttpPathModifierType, RedirectScheme, RequestRedirectFilter, UrlRewriteFilter,
};
use crate::verdict::Problem;

/// Reads a redirect. `one_prefix` tells whether it is known which prefix was
/// matched.
pub(super) fn redirect(
    written: &RequestRedirectFilter,
    one_prefix: bool,
    at: &Field<'_>,
) -> Result<Redirect, Problem> {
    let mut redirect = Redirect::new();

    match &written.scheme {
        None => {}
        Some(RedirectScheme::Http) => redirect = redirect.with_scheme(Scheme::Http),
        Some(RedirectScheme::Https) => redirect = redirect.with_scheme(Scheme::Https),
        Some(RedirectScheme::Unknown(other)) => {
            let message = format!("{other:?} is not a scheme to redirect to");
            return Err(unsupported(message, &at.name("scheme")));
        }
    }
    if let Some(hostname) = &written.hostname {
        let named = redirect.with_hostname(hostname);
        redirect = named.map_err(|error| unsupported(error.to_string(), &at.name("hostname")))?;
    }
    if let Some(path) = &written.path {
        redirect = redirect.with_path(path_modifier(path, one_prefix, &at.name("path"))?);
    }
    if let Some(port) = written.port {
        let number = u16::try_from(port).ok().and_then(NonZeroU16::new);
        let number = number.ok_or_else(|| {
            unsupported(
                format!("{port} is not between 1 and 65535"),
                &at.name("port"),
            )
        })?;
        redirect = redirect.with_port(number);
    }
    if let Some(code) = written.status_code {
        let status = u16::try_from(code)
            .ok()
            .and_then(|code| RedirectStatus::try_from(code).ok());
        let status = status.ok_or_else(|| {
            unsupported(
                format!("{code} is not the status of a redirect"),
                &at.name("statusCode"),
            )
        })?;
        redirect = redirect.with_status(status);
    }

    Ok(redirect)
}

/// Reads a rewrite, with `one_prefix` as for a redirect.
pub(super) fn url_rewrite(
    written: &UrlRewriteFilter,
    one_prefix: bool,
    at: &Field<'_>,
) -> Result<UrlRewrite, Problem> {
    let mut rewrite = UrlRewrite::new();

    if let Some(hostname) = &written.hostname {
        let named = rewrite.with_hostname(hostname);
        rewrite = named.map_err(|error| unsupported(error.to_string(), &at.name("hostname")))?;
    }
    if let Some(path) = &written.path {
        rewrite = rewrite.with_path(path_modifier(path, one_prefix, &at.name("path"))?);
    }

    Ok(rewrite)
}

fn path_modifier(
    written: &HttpPathModifier,
    one_prefix: bool,
    at: &Field<'_>,
) -> Result<PathModifier, Problem> {
    let (full, prefix) = ("replaceFullPath", "replacePrefixMatch");
    let missing = |field: &str| unsupported("is missing", &at.name(field));
    let foreign = |field: &str| {
        let message = format!("does not belong to type {}", written.r#type);
        unsupported(message, &at.name(field))
    };

    let (read, field) = match &written.r#type {
        HttpPathModifierType::ReplaceFullPath => {
            if written.replace_prefix_match.is_some() {
                return Err(foreign(prefix));
            }
            let path = written
                .replace_full_path
                .as_deref()
                .ok_or_else(|| missing(full))?;
            (PathModifier::replace_full_path(path), full)
        }
        HttpPathModifierType::ReplacePrefixMatch => {
            if written.replace_full_path.is_some() {
                return Err(foreign(full));
            }
            let path = written
                .replace_prefix_match
                .as_deref()
                .ok_or_else(|| missing(prefix))?;
            if !one_prefix {
                let message = "the rule must have exactly one match, of type PathPrefix";
                return Err(unsupported(message, &at.name(prefix)));
            }
            (PathModifier::replace_prefix_match(path), prefix)
        }
        HttpPathModifierType::Unknown(other) => {
            let message = format!("{other:?} is not a way to change a path");
            return Err(unsupported(message, &at.name("type")));
        }
    };

    read.map_err(|error| unsupported(error.to_string(), &at.name(field)))
}
