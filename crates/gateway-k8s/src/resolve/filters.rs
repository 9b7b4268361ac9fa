//! The filters of a rule or of a backendRef.

use std::sync::Arc;

use gateway_core::model::{BackendId, Filter};
use gateway_filters::RetryPolicy;

use super::Settings;
use super::backends::{self, Written};
use super::field::Field;
use super::grants::From;
use super::matches::unsupported;
use super::view::View;
use crate::api::{HttpRouteFilter, HttpRouteRetry, HttpRouteRule};
use crate::verdict::Problem;

/// Reads the parts of a rule that refer to something, and collects what is wrong.
#[derive(Debug)]
pub(super) struct Reading<'a, 'w> {
    view: &'a View<'w>,
    settings: &'a Settings,
    from: From<'a>,
    pub(super) broken: Vec<Problem>,
    pub(super) unresolved: Vec<Problem>,
    pub(super) backends: Vec<BackendId>,
}

impl<'a, 'w> Reading<'a, 'w> {
    pub(super) fn new(
        view: &'a View<'w>,
        settings: &'a Settings,
        from: From<'a>,
        _rule: &HttpRouteRule,
    ) -> Self {
        Self {
            view,
            settings,
            from,
            broken: Vec::new(),
            unresolved: Vec::new(),
            backends: Vec::new(),
        }
    }

    /// Follows a reference; what is wrong is noted, and said for the log.
    pub(super) fn backend(
        &mut self,
        written: Written<'_>,
        at: &Field<'_>,
    ) -> Result<BackendId, Arc<str>> {
        match backends::backend(self.view, self.from, written, at) {
            Ok(id) => {
                self.backends.push(id.clone());
                Ok(id)
            }
            Err(problem) => {
                let reason = problem.message.as_str().into();
                self.unresolved.push(problem);
                Err(reason)
            }
        }
    }

    /// Reads the filters in `at.filters`.
    pub(super) fn filters(
        &mut self,
        written: Option<&[HttpRouteFilter]>,
        at: &Field<'_>,
    ) -> Vec<Filter> {
        let written = written.unwrap_or_default().iter().enumerate();

        written
            .map(|(index, filter)| {
                let problem = unsupported(
                    format!("{} is not supported", filter.r#type),
                    &at.item("filters", index),
                );
                let reason = problem.to_string().into();
                self.broken.push(problem);
                Filter::Invalid(reason)
            })
            .collect()
    }
}

/// Reads when a failed request is tried again.
pub(super) fn retry(
    written: Option<&HttpRouteRetry>,
    at: &Field<'_>,
) -> Result<Option<RetryPolicy>, Problem> {
    match written {
        None => Ok(None),
        Some(_) => Err(unsupported("is not supported", at)),
    }
}
