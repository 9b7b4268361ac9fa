//! The service in whose place it stands is left alone.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt};

use super::*;
use crate::answer::{Answer, AnsweredHere};
use crate::script::assert_thread_safe;

/// A service that nobody may touch.
struct Untouched;

impl Service<Request<()>> for Untouched {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        panic!("asked whether it is ready")
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        panic!("called")
    }
}

#[tokio::test]
async fn answer_stands_in_for_the_service() {
    let answer = Answer::new(503).expect("valid").with_text("down");
    let service = DirectResponseLayer::new(answer).layer(Untouched);

    for _ in 0..2 {
        let response = service
            .clone()
            .oneshot(Request::new(()))
            .await
            .expect("answered");

        assert_eq!(response.status(), 503);
        assert_eq!(response.extensions().get(), Some(&AnsweredHere));
        let body = response.into_body().collect().await.expect("no error");
        assert_eq!(body.to_bytes(), "down");
    }
}

#[test]
fn service_asks_nothing_of_the_one_it_replaces() {
    assert_thread_safe::<DirectResponseService<std::rc::Rc<()>>>();
    assert_thread_safe::<ResponseFuture<Full<Bytes>, std::rc::Rc<()>>>();
}
