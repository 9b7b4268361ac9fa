//! Reading the parts of a rule that refer to something.

use std::sync::Arc;

use gateway_core::model::{
    BackendId, BackendTarget, ExtensionRef, Filter, ObjectName, RequestMirror,
};
use gateway_filters::Fraction;

use super::Settings;
use super::backends::{self, Purpose, Written};
use super::field::Field;
use super::filters;
use super::grants::From;
use super::matches::unsupported;
use super::urls;
use super::view::View;
use crate::api::{HttpRouteFilter, HttpRouteFilterType, LocalObjectReference, RequestMirrorFilter};
use crate::verdict::{Problem, Reason};

/// Reads filters and backends of one rule, and collects what is wrong.
#[derive(Debug)]
pub(super) struct Reading<'a, 'w> {
    pub(super) view: &'a View<'w>,
    settings: &'a Settings,
    from: From<'a>,
    purpose: Purpose,
    one_prefix: bool,
    /// Whose rule it is, and which: what no other rule is called.
    pub(super) owner: String,
    /// Why the rule cannot be obeyed.
    pub(super) broken: Vec<Problem>,
    /// References that lead nowhere.
    pub(super) unresolved: Vec<Problem>,
    /// Every backend that was found.
    pub(super) backends: Vec<BackendId>,
}

impl<'a, 'w> Reading<'a, 'w> {
    /// For a rule of `from`; `one_prefix` tells whether it has one match, by a
    /// prefix.
    pub(super) fn new(
        view: &'a View<'w>,
        settings: &'a Settings,
        from: From<'a>,
        one_prefix: bool,
    ) -> Self {
        Self {
            view,
            settings,
            from,
            purpose: Purpose::Requests,
            one_prefix,
            owner: String::new(),
            broken: Vec::new(),
            unresolved: Vec::new(),
            backends: Vec::new(),
        }
    }

    /// For rule `index` of the route `name`, which tells it from all others.
    pub(super) fn of_rule(mut self, name: &ObjectName, index: usize) -> Self {
        self.owner = format!("{} {name} {index}", self.from.kind);
        self
    }

    /// For something else than requests over whichever HTTP the backend speaks.
    pub(super) fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Follows a reference; what is wrong is noted, and said for the log.
    pub(super) fn backend(
        &mut self,
        written: Written<'_>,
        at: &Field<'_>,
    ) -> Result<BackendId, Arc<str>> {
        let (view, settings) = (self.view, self.settings);
        match backends::backend(view, settings, self.from, written, self.purpose, at) {
            Ok(id) => {
                self.backends.push(id.clone());
                Ok(id)
            }
            Err(problem) => Err(self.unresolved(problem)),
        }
    }

    /// Reads the list `filters` at `at`. None is ever left out: one that cannot
    /// be read is invalid, and fails its requests.
    pub(super) fn filters(
        &mut self,
        written: Option<&[HttpRouteFilter]>,
        at: &Field<'_>,
    ) -> Vec<Filter> {
        let written = written.unwrap_or_default().iter().enumerate();

        let read = |(index, filter): (usize, &HttpRouteFilter)| {
            let read = self.filter(filter, &at.item("filters", index));
            read.unwrap_or_else(|problem| {
                let reason = problem.to_string().into();
                self.broken.push(problem);
                Filter::Invalid(reason)
            })
        };
        written.map(read).collect()
    }

    fn filter(&mut self, written: &HttpRouteFilter, at: &Field<'_>) -> Result<Filter, Problem> {
        use HttpRouteFilterType as Type;
        filters::check_fields(written, at)?;

        match &written.r#type {
            Type::RequestHeaderModifier => {
                let (settings, at) = part(
                    &written.request_header_modifier,
                    at,
                    "requestHeaderModifier",
                )?;
                let modifier = filters::header_modifier(settings, &at)?;
                Ok(Filter::RequestHeaderModifier(Arc::new(modifier)))
            }
            Type::ResponseHeaderModifier => {
                let (settings, at) = part(
                    &written.response_header_modifier,
                    at,
                    "responseHeaderModifier",
                )?;
                let modifier = filters::header_modifier(settings, &at)?;
                Ok(Filter::ResponseHeaderModifier(Arc::new(modifier)))
            }
            Type::RequestRedirect => {
                let (settings, at) = part(&written.request_redirect, at, "requestRedirect")?;
                let redirect = urls::redirect(settings, self.one_prefix, &at)?;
                Ok(Filter::RequestRedirect(Arc::new(redirect)))
            }
            Type::UrlRewrite => {
                let (settings, at) = part(&written.url_rewrite, at, "urlRewrite")?;
                let rewrite = urls::url_rewrite(settings, self.one_prefix, &at)?;
                Ok(Filter::UrlRewrite(Arc::new(rewrite)))
            }
            Type::Cors => {
                let (settings, at) = part(&written.cors, at, "cors")?;
                Ok(Filter::Cors(Arc::new(filters::cors(settings, &at)?)))
            }
            Type::RequestMirror => {
                let (settings, at) = part(&written.request_mirror, at, "requestMirror")?;
                self.mirror(settings, &at)
            }
            Type::ExtensionRef => {
                let (reference, at) = part(&written.extension_ref, at, "extensionRef")?;
                Ok(self.extension(reference, &at))
            }
            Type::ExternalAuth => Err(unsupported(
                "filter ExternalAuth is not supported",
                &at.name("type"),
            )),
            Type::Unknown(other) => {
                let message = format!("{other:?} is not a type of filter");
                Err(unsupported(message, &at.name("type")))
            }
        }
    }

    fn mirror(&mut self, written: &RequestMirrorFilter, at: &Field<'_>) -> Result<Filter, Problem> {
        let fraction = filters::mirror_fraction(written, at)?;
        let reference = Written::from(&written.backend_ref);
        let backend = match self.backend(reference, &at.name("backendRef")) {
            Ok(id) => BackendTarget::Backend(id),
            Err(reason) => BackendTarget::Invalid(reason),
        };
        let fraction = fraction.unwrap_or(Fraction::ALWAYS);

        Ok(Filter::RequestMirror(Arc::new(RequestMirror {
            backend,
            fraction,
        })))
    }

    fn extension(&mut self, written: &LocalObjectReference, at: &Field<'_>) -> Filter {
        let LocalObjectReference { group, kind, name } = written;
        let reference = ExtensionRef::new(group.as_str(), kind.as_str(), name.as_str());

        if self.settings.extensions.contains(&reference) {
            Filter::Extension(reference)
        } else {
            let message = format!("no custom filter is registered as {reference}");
            let problem = Problem::new(Reason::InvalidKind, message).at(at);
            Filter::Invalid(self.unresolved(problem))
        }
    }

    fn unresolved(&mut self, problem: Problem) -> Arc<str> {
        let reason = problem.message.as_str().into();
        self.unresolved.push(problem);
        reason
    }
}

/// The settings of a filter, and their field.
fn part<'a, T>(
    settings: &'a Option<T>,
    at: &'a Field<'a>,
    name: &'a str,
) -> Result<(&'a T, Field<'a>), Problem> {
    let field = at.name(name);

    match settings {
        Some(settings) => Ok((settings, field)),
        None => Err(unsupported("is missing", &field)),
    }
}
