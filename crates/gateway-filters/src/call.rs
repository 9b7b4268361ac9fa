//! Calls over gRPC to services that decide about requests.

use std::time::Duration;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body::Body;
use prost::Message;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::BoxError;

/// Calls `path` of the service at `origin`, which is told how long its answer is waited for.
pub(crate) async fn call<C, ResBody, Q, A>(
    client: C,
    origin: Uri,
    path: &'static str,
    question: Q,
    timeout: Duration,
) -> Result<A, BoxError>
where
    C: Service<Request<tonic::body::Body>, Response = Response<ResBody>>,
    C::Error: Into<BoxError>,
    ResBody: Body<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError> + Send,
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let mut grpc = Grpc::with_origin(client, origin);
    grpc.ready().await.map_err(Into::into)?;
    let mut request = tonic::Request::new(question);
    // What is longer cannot be written, and is as good as none.
    if timeout <= LONGEST_TOLD {
        request.set_timeout(timeout);
    }
    let path = PathAndQuery::from_static(path);
    let codec = ProstCodec::<Q, A>::default();
    Ok(grpc.unary(request, path, codec).await?.into_inner())
}

/// `uri` as what paths of calls can be added to.
///
/// tonic panics at a call where that cannot be done: an authority alone is a valid URI, and with a
/// path it is none.
pub(crate) fn origin_of(uri: Uri) -> Uri {
    let mut parts = uri.into_parts();
    if parts.authority.is_some() {
        parts.scheme.get_or_insert(Scheme::HTTP);
    }
    let path = parts.path_and_query.take();
    let below = path.filter(|path| path.path().starts_with('/'));
    parts.path_and_query = Some(below.unwrap_or(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
}

const LONGEST_TOLD: Duration = Duration::from_secs(60 * 60);
