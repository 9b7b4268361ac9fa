//! What is answered to whom.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::task::spawn_blocking;

use super::{Subject, metrics};

/// The answer to a request, of which nothing but method and path count.
pub(super) async fn answer<B>(subject: &Subject, request: &Request<B>) -> Response<Full<Bytes>> {
    let health = &subject.vitals.health;
    let path = request.uri().path();
    let is_known = ["/livez", "/metrics", "/readyz"].contains(&path);
    if !is_known {
        let paths = "there are /livez, /readyz and /metrics";
        return text(StatusCode::NOT_FOUND, paths.to_owned());
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are answered here".to_owned(),
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }

    match path {
        "/livez" => outcome(health.live()),
        "/readyz" => outcome(health.readiness()),
        _ => counted(subject).await,
    }
}

/// Whatever changes the configuration may have to be waited for.
async fn counted(subject: &Subject) -> Response<Full<Bytes>> {
    let Subject { gateway, vitals } = subject.clone();
    let text_of = move || metrics::text(&gateway.metrics(), &vitals);
    let Ok(body) = spawn_blocking(text_of).await else {
        let failed = "the metrics cannot be told";
        return text(StatusCode::INTERNAL_SERVER_ERROR, failed.to_owned());
    };

    let mut response = plain(StatusCode::OK, body);
    let exposition = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, exposition);
    response
}

fn outcome(outcome: Result<(), String>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(()) => text(StatusCode::OK, "ok".to_owned()),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

fn text(status: StatusCode, line: String) -> Response<Full<Bytes>> {
    plain(status, line + "\n")
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gateway_core::Gateway;
    use http_body_util::BodyExt;

    use super::*;
    use crate::admin::{Source, Vitals};

    fn subject() -> Subject {
        Subject {
            gateway: Gateway::builder().workers(1).build(),
            vitals: Arc::new(Vitals::default()),
        }
    }

    async fn told(subject: &Subject, method: Method, path: &str) -> (u16, String) {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        let (parts, body) = answer(subject, &request).await.into_parts();
        let Ok(body) = body.collect().await;

        let body = String::from_utf8(body.to_bytes().into()).unwrap();
        (parts.status.as_u16(), body)
    }

    #[tokio::test]
    async fn readiness_says_what_is_missing() {
        let subject = subject();

        let before = told(&subject, Method::GET, "/readyz").await;
        subject.vitals.applied(&[], true);
        let after = told(&subject, Method::HEAD, "/readyz?verbose").await;

        let missing = "the configuration has not been read\n".to_owned();
        assert_eq!(before, (503, missing));
        assert_eq!(after, (200, "ok\n".to_owned()));
        assert_eq!(told(&subject, Method::GET, "/livez").await.0, 200);
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_told_what_there_is() {
        let subject = subject();

        let (status, body) = told(&subject, Method::GET, "/debug").await;
        assert_eq!(status, 404);
        assert!(body.contains("/metrics"), "{body}");
        let (status, body) = told(&subject, Method::POST, "/metrics").await;
        assert_eq!(status, 405);
        assert!(body.contains("GET"), "{body}");
    }

    #[tokio::test]
    async fn control_plane_says_what_it_was_told() {
        let subject = subject();
        let control = &subject.vitals.control;

        let (_, before) = told(&subject, Method::GET, "/metrics").await;
        control.read(Source::Snapshot);
        control.problems(2, 1);
        control.watch("HTTPRoute", false);
        control.leads(true);
        control.statuses([0, 1, 0]);
        let (status, after) = told(&subject, Method::GET, "/metrics").await;

        assert_eq!(status, 200);
        for sample in [
            "gateway_config_source{source=\"snapshot\"} 1\n",
            "gateway_config_problems{severity=\"error\"} 2\n",
            "gateway_watch_connected{kind=\"HTTPRoute\"} 0\n",
            "gateway_leader 1\n",
            "gateway_status_writes_total{result=\"conflict\"} 1\n",
        ] {
            assert!(after.contains(sample), "{sample} in {after}");
            assert!(!before.contains(sample), "{sample} in {before}");
        }
    }
}
