//! One request made several.

use bytes::Bytes;
use http::Request;
use http_body::Body;

use super::body::MirrorBody;
use super::pipe::pipe;
use super::tee::TeeBody;

/// Splits a request in the one for the main backend and a copy for each of `limits`.
///
/// Each limit is the number of bytes that may be queued for that copy while the
/// main body is read faster. The main body drives all: copies see of it what has
/// been read of it. Without limits there are no copies, and nothing is allocated.
///
/// ```
/// use bytes::Bytes;
/// use gateway_filters::mirror::split;
/// use http::Request;
/// use http_body_util::{BodyExt, Full};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gateway_filters::BoxError> {
/// let (main, copies) = split(Request::new(Full::<Bytes>::from("hello")), [1024, 1024]);
///
/// assert_eq!(main.into_body().collect().await?.to_bytes(), "hello");
/// for copy in copies {
///     assert_eq!(copy.into_body().collect().await?.to_bytes(), "hello");
/// }
/// # Ok(())
/// # }
/// ```
pub fn split<B>(
    request: Request<B>,
    limits: impl IntoIterator<Item = usize>,
) -> (Request<TeeBody<B>>, Vec<Request<MirrorBody>>)
where
    B: Body<Data = Bytes>,
{
    let empty = request.body().is_end_stream();
    let mut senders = Vec::new();

    let copies = limits
        .into_iter()
        .map(|limit| {
            let body = if empty {
                MirrorBody::empty()
            } else {
                let (sender, receiver) = pipe(limit);
                senders.push(sender);
                MirrorBody::new(receiver, request.body().size_hint())
            };
            copy_of(&request, body)
        })
        .collect();

    (request.map(|body| TeeBody::new(body, senders)), copies)
}

/// `request` with another body. Extensions stay behind: they are about the
/// exchange with the client, of which a mirror is no part.
fn copy_of<B>(request: &Request<B>, body: MirrorBody) -> Request<MirrorBody> {
    let mut copy = Request::new(body);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy
}
