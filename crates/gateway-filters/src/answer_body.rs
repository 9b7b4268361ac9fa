//! The body of a response that may have been made here.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a backend, or bytes in its place: what a service gives that answers for
    /// another one.
    ///
    /// Dropping it drops the body of the backend, if it is one.
    #[derive(Debug)]
    pub struct AnswerBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Bytes { bytes: Option<Bytes> },
    }
}

impl<B> AnswerBody<B> {
    /// The body of a backend.
    pub fn inner(body: B) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }

    /// The body of the backend.
    ///
    /// Whoever erases bodies to one type can so avoid erasing this one.
    ///
    /// # Errors
    ///
    /// The bytes, if it is not a backend's.
    pub fn try_into_inner(self) -> Result<B, Bytes> {
        match self.kind {
            Kind::Inner { body } => Ok(body),
            Kind::Bytes { bytes } => Err(bytes.unwrap_or_default()),
        }
    }
}

impl<B> From<Bytes> for AnswerBody<B> {
    fn from(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self {
            kind: Kind::Bytes { bytes },
        }
    }
}

/// An empty body that was made here.
impl<B> Default for AnswerBody<B> {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => body.poll_frame(cx),
            KindProj::Bytes { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Bytes { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Bytes { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::combinators::BoxBody;
    use http_body_util::{BodyExt, Full};
    use proptest::prelude::*;

    use super::*;
    use crate::BoxError;
    use crate::script::run;

    #[test]
    fn default_is_at_its_end() {
        // Also of a backend whose bodies are not made of bytes.
        let body = AnswerBody::<BoxBody<Bytes, BoxError>>::default();

        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }

    #[test]
    fn body_of_the_backend_comes_out_as_it_went_in() {
        let body = AnswerBody::inner("from the backend".to_owned());

        assert_eq!(body.try_into_inner(), Ok("from the backend".to_owned()));
    }

    proptest! {
        /// Bytes are what is read, and their number is known before.
        #[test]
        fn bytes_are_read_as_given(bytes: Vec<u8>) {
            let body = AnswerBody::<Full<Bytes>>::from(Bytes::from(bytes.clone()));

            prop_assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
            prop_assert_eq!(body.is_end_stream(), bytes.is_empty());
            prop_assert_eq!(run(body.collect()).expect("no error").to_bytes(), bytes);
        }
    }
}
