//! What an answer means.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::proto::{CheckResponse, DeniedHttpResponse, HeaderValueOption, HttpResponse};
use crate::answer::AnsweredHere;
use crate::inquiry::{HeaderEdits, Verdict};

/// An answer that is neither yes nor no, or a yes that HTTP cannot carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the authorization service answered what cannot be understood")]
pub(super) struct Unintelligible;

/// What `answer` means. An empty one is no yes, although its status would be zero.
pub(super) fn verdict(answer: CheckResponse) -> Result<Verdict, Unintelligible> {
    let allowed = match &answer.status {
        Some(status) => status.code == 0,
        None => matches!(answer.http_response, Some(HttpResponse::Ok(_))),
    };
    match answer.http_response {
        Some(HttpResponse::Ok(ok)) if allowed => {
            let mut request = HeaderEdits::new();
            for name in ok.headers_to_remove {
                request.remove(parse_name(&name)?);
            }
            edit(&mut request, ok.headers)?;
            let mut response = HeaderEdits::new();
            for option in ok.response_headers_to_add {
                let (name, value, _) = parse(option)?;
                response.add(name, value);
            }
            Ok(Verdict::Pass { request, response })
        }
        None if allowed => Ok(Verdict::Pass {
            request: HeaderEdits::new(),
            response: HeaderEdits::new(),
        }),
        Some(HttpResponse::Denied(denied)) if !allowed => Ok(deny(denied)),
        None => Ok(deny(DeniedHttpResponse::default())),
        Some(HttpResponse::Ok(_) | HttpResponse::Denied(_) | HttpResponse::Error(_)) => {
            Err(Unintelligible)
        }
    }
}

/// A refusal, which stays one: what HTTP cannot carry of it is left out.
fn deny(denied: DeniedHttpResponse) -> Verdict {
    let code = denied.status.map(|status| u16::try_from(status.code));
    let status = code
        .and_then(|code| StatusCode::from_u16(code.ok()?).ok())
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::FORBIDDEN);
    let mut edits = HeaderEdits::new();
    for option in denied.headers {
        if let Ok((name, value, _)) = parse(option) {
            edits.add(name, value);
        }
    }
    let mut headers = HeaderMap::new();
    edits.apply(&mut headers);

    let mut response = Response::new(Bytes::from(denied.body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    // What the service says itself is not for layers outside to replace.
    if response.body().is_empty() {
        response.extensions_mut().insert(AnsweredHere);
    }
    Verdict::Deny(response)
}

fn edit(edits: &mut HeaderEdits, options: Vec<HeaderValueOption>) -> Result<(), Unintelligible> {
    for option in options {
        match parse(option)? {
            (name, value, true) => edits.add(name, value),
            (name, value, false) => edits.set(name, value),
        }
    }
    Ok(())
}

/// A header, and whether it is added to those that are there.
fn parse(option: HeaderValueOption) -> Result<(HeaderName, HeaderValue, bool), Unintelligible> {
    let header = option.header.ok_or(Unintelligible)?;
    let value = if header.raw_value.is_empty() {
        header.value.into_bytes()
    } else {
        header.raw_value
    };
    let value = HeaderValue::from_bytes(&value).map_err(|_| Unintelligible)?;
    let append = option.append.is_some_and(|append| append.value);
    Ok((parse_name(&header.key)?, value, append))
}

fn parse_name(name: &str) -> Result<HeaderName, Unintelligible> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unintelligible)
}
