//! The request body that one try reads.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::origin::Borrower;
use crate::BoxError;

/// The body of a request that may be sent again, or that somebody was shown before.
///
/// It is a body of bytes, and gives the frames of the inner one as they arrive.
/// Dropping it leaves the inner body to the next try, or drops that with it when
/// there will be none.
///
/// A service that knows another type of body is reached by mapping requests:
///
/// ```
/// use bytes::Bytes;
/// use gateway_filters::retry::{FailedTry, ReplayBody};
/// use gateway_filters::{BoxError, RetryLayer, RetryPolicy};
/// use http::{Request, Response};
/// use http_body_util::combinators::BoxBody;
/// use http_body_util::{BodyExt, Full};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// type Body = BoxBody<Bytes, BoxError>;
///
/// fn erase(request: Request<ReplayBody<Body>>) -> Request<Body> {
///     // Not boxed twice, if it need not be.
///     request.map(|body| body.try_into_inner().unwrap_or_else(BodyExt::boxed))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::new(RetryPolicy::new(), |_: &BoxError| FailedTry::Final))
///     .map_request(erase)
///     .service(service_fn(|request: Request<Body>| async {
///         Ok::<_, BoxError>(Response::new(request.into_body().collect().await?.to_bytes()))
///     }));
/// let body = Full::from("hello").map_err(BoxError::from).boxed();
///
/// let response = service.oneshot(Request::new(body)).await?;
///
/// assert_eq!(response.body(), "hello");
/// # Ok(())
/// # }
/// ```
pub struct ReplayBody<B> {
    kind: Kind<B>,
}

enum Kind<B> {
    /// The inner body itself, for a try that needs nothing kept.
    Direct(B),
    /// A repetition of no body.
    Empty,
    Shared(Borrower<B>),
}

impl<B> ReplayBody<B> {
    pub(crate) fn direct(inner: B) -> Self {
        Self {
            kind: Kind::Direct(inner),
        }
    }

    pub(super) fn empty() -> Self {
        Self { kind: Kind::Empty }
    }

    pub(super) fn shared(borrower: Borrower<B>) -> Self {
        Self {
            kind: Kind::Shared(borrower),
        }
    }

    /// The inner body, if nothing of it is kept for another try.
    ///
    /// That is so when the policy has no attempts, and for the first try of a
    /// request without body. Whoever erases bodies to one type can so avoid
    /// erasing this one.
    ///
    /// # Errors
    ///
    /// The body itself, if it shares the inner one with other tries.
    pub fn try_into_inner(self) -> Result<B, Self> {
        match self.kind {
            Kind::Direct(inner) => Ok(inner),
            kind @ (Kind::Empty | Kind::Shared(_)) => Err(Self { kind }),
        }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.kind {
            Kind::Direct(inner) => Pin::new(inner).poll_frame(cx).map_err(Into::into),
            Kind::Empty => Poll::Ready(None),
            Kind::Shared(borrower) => borrower.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Direct(inner) => inner.is_end_stream(),
            Kind::Empty => true,
            Kind::Shared(borrower) => borrower.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Direct(inner) => inner.size_hint(),
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Shared(borrower) => borrower.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind: &dyn fmt::Debug = match &self.kind {
            Kind::Direct(_) => &"direct",
            Kind::Empty => &"empty",
            Kind::Shared(borrower) => borrower,
        };
        f.debug_tuple("ReplayBody").field(kind).finish()
    }
}

/// The body belongs to a try that was given up for another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this try was given up for another one")]
pub struct TryGivenUp;
