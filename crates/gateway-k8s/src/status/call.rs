//! One call to an API server.

use std::fmt;
use std::time::Duration;

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

/// Calls, and returns the object in the answer.
///
/// The client's own methods leave out the headers of an answer, and with them how long
/// the server asks to be left alone.
pub(super) async fn call(
    client: &Client,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, CallError> {
    let content_type = match method {
        Method::PATCH => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(CONTENT_TYPE, content_type);
    let body = body.map_or_else(Vec::new, |value| value.to_string().into_bytes());
    let request = request.body(Body::from(body)).map_err(CallError::failed)?;

    let called = tokio::time::timeout(TIMEOUT, send(client, request)).await;
    called.unwrap_or_else(|_| Err(CallError::failed("no answer in time")))
}

async fn send(client: &Client, request: Request<Body>) -> Result<Value, CallError> {
    let response = client.send(request).await.map_err(CallError::failed)?;
    let (head, body) = response.into_parts();
    let body = body.collect_bytes().await.map_err(CallError::failed)?;

    if head.status.is_success() {
        serde_json::from_slice(&body).map_err(CallError::failed)
    } else {
        Err(CallError::answered(head.status, &head.headers, &body))
    }
}

/// Why a call came to nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum CallError {
    /// The object is not what it was, or is there already.
    Conflict,
    /// There is no such object.
    NotFound,
    /// It will be answered so as long as nobody changes anything.
    Refused {
        /// With what.
        status: StatusCode,
        /// What was said.
        message: String,
    },
    /// The server is asked too much.
    Busy {
        /// How long it asks to be left alone.
        after: Option<Duration>,
    },
    /// The server, or the way there, does not work. The call may have been obeyed.
    Failed {
        /// What is known of it.
        message: String,
    },
}

impl CallError {
    fn failed(cause: impl fmt::Display) -> Self {
        Self::Failed {
            message: cause.to_string(),
        }
    }

    fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        match status {
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::NOT_FOUND | StatusCode::GONE => Self::NotFound,
            StatusCode::TOO_MANY_REQUESTS => {
                let after = headers.get(RETRY_AFTER).and_then(|one| one.to_str().ok());
                let after = after.and_then(|text| text.parse().ok());
                Self::Busy {
                    after: after.map(Duration::from_secs),
                }
            }
            // A token that has run out is read again.
            StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT => {
                Self::failed(message(status, body))
            }
            refused if refused.is_client_error() => Self::Refused {
                status,
                message: message(status, body),
            },
            _ => Self::failed(message(status, body)),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("the object was changed meanwhile"),
            Self::NotFound => f.write_str("there is no such object"),
            Self::Busy { .. } => f.write_str("the server is busy"),
            Self::Refused { message, .. } | Self::Failed { message } => f.write_str(message),
        }
    }
}

/// What an answer says, which is an object of kind `Status` if all is well.
fn message(status: StatusCode, body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|value| value.get("message"));

    match message.and_then(Value::as_str) {
        Some(message) => format!("{status}: {message}"),
        None => status.to_string(),
    }
}

/// A server that takes longer does not work.
const TIMEOUT: Duration = Duration::from_secs(30);
