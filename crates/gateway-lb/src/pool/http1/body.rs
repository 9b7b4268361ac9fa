//! Where the body of a response ends.

use bytes::{Buf, Bytes, BytesMut};
use http_body::Frame;

use super::chunked::{Chunked, InvalidChunk};
use super::head::InvalidHead;

/// How a message says where its body ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Length {
    /// It has this many bytes.
    Known(u64),
    Chunked,
    /// With the connection.
    UntilClose,
}

/// Takes the frames of a body out of what was read.
#[derive(Debug)]
pub(super) enum Decoder {
    /// This many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

impl Decoder {
    pub(super) fn new(length: Length, max_trailers: usize) -> Self {
        match length {
            Length::Known(0) => Self::Done,
            Length::Known(length) => Self::Length(length),
            Length::Chunked => Self::Chunked(Chunked::new(max_trailers)),
            Length::UntilClose => Self::UntilClose,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// The next frame in `buffer`, which is empty afterwards if there is none and the
    /// body goes on.
    pub(super) fn next_frame(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<Frame<Bytes>>, InvalidBody> {
        match self {
            Self::Done => Ok(None),
            Self::UntilClose | Self::Length(_) if buffer.is_empty() => Ok(None),
            Self::UntilClose => {
                let length = buffer.len();
                Ok(Some(Frame::data(detach(buffer, 0..length, length))))
            }
            Self::Length(rest) => {
                let length = (*rest).min(buffer.len() as u64) as usize;
                *rest -= length as u64;
                if *rest == 0 {
                    *self = Self::Done;
                }
                Ok(Some(Frame::data(detach(buffer, 0..length, length))))
            }
            Self::Chunked(chunked) => {
                let data = next_chunks(chunked, buffer)?;
                if !data.is_empty() {
                    // Trailers wait for their own turn.
                    if chunked.is_done() && !chunked.has_trailers() {
                        *self = Self::Done;
                    }
                    return Ok(Some(Frame::data(data)));
                }
                if !chunked.is_done() {
                    return Ok(None);
                }
                let trailers = chunked.take_trailers()?;
                *self = Self::Done;
                Ok(trailers.map(Frame::trailers))
            }
        }
    }

    /// Says that the connection ended. Whether the body may end here.
    pub(super) fn end(&mut self) -> bool {
        if matches!(self, Self::UntilClose) {
            *self = Self::Done;
        }
        self.is_done()
    }
}

/// Takes data out of one or several chunks.
///
/// Small chunks are put together: each frame costs the client's side more than moving
/// a few bytes does.
fn next_chunks(chunked: &mut Chunked, buffer: &mut BytesMut) -> Result<Bytes, InvalidChunk> {
    let mut at = 0;
    let mut data = 0..0;
    loop {
        let (framing, length) = chunked.next_run(&buffer[at..])?;
        at += framing;
        if length == 0 || (!data.is_empty() && data.len() + length > COPIED) {
            break;
        }
        if data.is_empty() {
            data = at..at;
        } else {
            buffer.copy_within(at..at + length, data.end);
        }
        chunked.take(length);
        data.end += length;
        at += length;
    }
    Ok(detach(buffer, data, at))
}

/// Takes `data` out of `buffer`, of which `used` bytes are done with.
///
/// A small piece is copied, so that the buffer can be used again at once; a large one
/// takes its part of the buffer along.
fn detach(buffer: &mut BytesMut, data: std::ops::Range<usize>, used: usize) -> Bytes {
    if data.len() <= COPIED {
        let bytes = Bytes::copy_from_slice(&buffer[data]);
        if used == buffer.len() {
            buffer.clear();
        } else {
            buffer.advance(used);
        }
        return bytes;
    }
    buffer.advance(data.start);
    let bytes = buffer.split_to(data.len()).freeze();
    buffer.advance(used - data.end);
    bytes
}

/// Why a body cannot be read on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidBody {
    #[error("the chunked coding is broken")]
    Chunk(#[from] InvalidChunk),
    #[error("the trailers are broken")]
    Trailers(#[from] InvalidHead),
    #[error("the connection ended within the body")]
    Truncated,
}

/// Copying this much costs less than a new buffer.
pub(super) const COPIED: usize = 16 * 1024;
