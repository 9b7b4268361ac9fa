//! Whether a page of another site has sent a request.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::settings::Csrf;
use crate::answer::Answer;
use crate::guard::Guard;
use crate::hostname::split_port;

impl Csrf {
    fn allows(&self, head: &Parts) -> bool {
        if head.method.is_safe() {
            return true;
        }
        let (Ok(origin), Ok(site)) = (
            only(&head.headers, &ORIGIN),
            only(&head.headers, &SEC_FETCH_SITE),
        ) else {
            return false;
        };
        if origin.is_some_and(|origin| self.trusted.allow(origin)) {
            return true;
        }
        match site {
            Some(site) => site == "same-origin" || site == "none",
            None => origin.is_none_or(|origin| is_same_host(head, origin)),
        }
    }
}

impl Guard for Csrf {
    fn check(&self, head: &mut Parts) -> Result<(), Answer> {
        if self.allows(head) {
            Ok(())
        } else {
            Err(self.answer.clone())
        }
    }
}

/// The one value of a header, if there is any; an error if there are two.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().map_or(Ok(first), |_| Err(()))
}

/// Whether `origin` has the host and port that a request asks for.
fn is_same_host(head: &Parts, origin: &HeaderValue) -> bool {
    let asked = match head.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => head.headers.get(HOST).and_then(|host| host.to_str().ok()),
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    let (Some(asked), Some((scheme, authority))) = (asked, origin) else {
        return false;
    };
    let default = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    match (split_port(asked), split_port(authority)) {
        (Some((asked, port)), Some((there, there_port))) => {
            asked.eq_ignore_ascii_case(there)
                && port.unwrap_or(default) == there_port.unwrap_or(default)
        }
        _ => false,
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
