//! The first step: what to do with a request.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::list::List;
use super::response::{CorsResponse, Grant};
use super::settings::Cors;
use super::vary::vary_on;

/// What the filter wants done with a request. The list is complete.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CorsStep {
    /// Do not forward it: this is the answer.
    Answer(Preflight),
    /// Forward it, and let this edit the response.
    Forward(CorsResponse),
}

impl Cors {
    /// What to do with a request of this method and with these headers.
    ///
    /// A preflight, which is an OPTIONS request with `Origin` and
    /// `Access-Control-Request-Method`, is to be answered; any other request is to be forwarded.
    /// Nothing is allocated for a request without `Origin`.
    #[must_use]
    pub fn request(&self, method: &Method, headers: &HeaderMap) -> CorsStep {
        let response = CorsResponse::new(self, headers.get(ORIGIN));
        if method == Method::OPTIONS
            && response.is_cross_origin()
            && let Some(requested) = headers.get(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return CorsStep::Answer(self.preflight(response, requested, headers));
        }
        CorsStep::Forward(response)
    }

    fn preflight(
        &self,
        response: CorsResponse,
        requested_method: &HeaderValue,
        request: &HeaderMap,
    ) -> Preflight {
        let mut headers = HeaderMap::with_capacity(8);
        let granted = matches!(response.grant, Grant::Granted { .. });
        response.apply(&mut headers);
        if granted {
            self.allow_methods(&mut headers, requested_method);
            self.allow_headers(&mut headers, request);
            headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Preflight { headers }
    }

    fn allow_methods(&self, headers: &mut HeaderMap, requested: &HeaderValue) {
        let value = match &self.methods {
            List::Empty => return,
            List::Named(names) => names.clone(),
            List::Any if self.credentials => {
                vary_on(headers, &ACCESS_CONTROL_REQUEST_METHOD);
                requested.clone()
            }
            List::Any => HeaderValue::from_static("*"),
        };
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, value);
    }

    fn allow_headers(&self, headers: &mut HeaderMap, request: &HeaderMap) {
        match &self.headers {
            List::Empty => {}
            List::Named(names) => {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
            }
            // Without credentials too: browsers do not take a star for `Authorization`, and the
            // API means every header.
            List::Any => {
                vary_on(headers, &ACCESS_CONTROL_REQUEST_HEADERS);
                for names in request.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
                    headers.append(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
                }
                if !self.credentials && !headers.contains_key(ACCESS_CONTROL_ALLOW_HEADERS) {
                    let star = HeaderValue::from_static("*");
                    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, star);
                }
            }
        }
    }
}

/// The answer to a preflight. It has no body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Preflight {
    headers: HeaderMap,
}

impl Preflight {
    /// 204, whether or not the origin is allowed.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::NO_CONTENT
    }

    /// What the browser is told; nothing but `Vary`, if the origin is not allowed.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The answer as a response. The default of `B` should be an empty body.
    #[must_use]
    pub fn into_response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        *response.headers_mut() = self.headers;
        response
    }
}
