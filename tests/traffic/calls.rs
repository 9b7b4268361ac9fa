//! A server of tonic's for one method.

use std::sync::Arc;

use gateway_tests::{Incoming, Origin, OriginBody, answer};
use http::{Request, Response};
use http_body_util::BodyExt;
use prost::Message;
use tonic::Status;
use tonic_prost::ProstCodec;
use tower::service_fn;

/// Answers calls of the method at `path` as `handler` does, and no others.
pub(crate) async fn unary<Q, A, H, F>(path: &'static str, handler: H) -> Origin
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
    H: Fn(Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
{
    let handler = Arc::new(handler);
    Origin::h2c(move |request| serve(path, Arc::clone(&handler), request)).await
}

async fn serve<Q, A, H, F>(
    path: &'static str,
    handler: Arc<H>,
    request: Request<Incoming>,
) -> Response<OriginBody>
where
    Q: Message + Default + 'static,
    A: Message + Default + 'static,
    H: Fn(Q) -> F + Send + Sync + 'static,
    F: Future<Output = Result<A, Status>> + Send + 'static,
{
    if request.uri().path() != path {
        return answer(404, "no such method");
    }
    let method = service_fn(move |question: tonic::Request<Q>| {
        let answer = handler(question.into_inner());
        async move { answer.await.map(tonic::Response::new) }
    });
    let codec = ProstCodec::<A, Q>::default();
    let response = tonic::server::Grpc::new(codec).unary(method, request).await;
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}
