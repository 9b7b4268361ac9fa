//! The chunked transfer coding (RFC 9112 section 7.1), as a receiver reads it.

use super::head::{InvalidHead, parse_fields};
use http::HeaderMap;

/// Finds the data in a chunked body, wherever the network cut it.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// Of the chunk at hand: its size while that is read, then what is left of it.
    size: u64,
    /// How many bytes of extensions there were.
    extensions: usize,
    /// The lines of the trailer section so far.
    trailers: Vec<u8>,
    max_trailers: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Before the first digit of a size.
    Begin,
    Size,
    /// White space behind a size.
    Space,
    Extension,
    /// Before the line feed that ends the line of a size.
    SizeEnd,
    Data,
    /// Before the carriage return behind the data.
    DataEnd,
    /// Before the line feed behind that.
    DataEnded,
    Trailers,
    Done,
}

impl Chunked {
    pub(super) fn new(max_trailers: usize) -> Self {
        Self {
            state: State::Begin,
            size: 0,
            extensions: 0,
            trailers: Vec::new(),
            max_trailers,
        }
    }

    /// Whether the body is complete, its trailers included.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// How many bytes at the start of `input` are not data, and how many behind them
    /// are. Without data all of `input` is used, unless the body ends in it.
    pub(super) fn next_run(&mut self, input: &[u8]) -> Result<(usize, usize), InvalidChunk> {
        let mut at = 0;
        while let Some(byte) = input.get(at) {
            match self.state {
                State::Data => {
                    let there = (input.len() - at) as u64;
                    return Ok((at, self.size.min(there) as usize));
                }
                State::Trailers => at += self.collect(&input[at..])?,
                State::Done => break,
                State::Begin
                | State::Size
                | State::Space
                | State::Extension
                | State::SizeEnd
                | State::DataEnd
                | State::DataEnded => {
                    self.state = self.next(*byte)?;
                    at += 1;
                }
            }
        }
        Ok((at, 0))
    }

    /// Says that `length` bytes of data were taken.
    pub(super) fn take(&mut self, length: usize) {
        self.size -= length as u64;
        if self.size == 0 {
            self.state = State::DataEnd;
        }
    }

    /// Whether there were trailers, in a body that is done.
    pub(super) fn has_trailers(&self) -> bool {
        self.trailers.len() > 2
    }

    /// The trailers of a body that is done, if it had any.
    pub(super) fn take_trailers(&mut self) -> Result<Option<HeaderMap>, InvalidHead> {
        if !self.has_trailers() {
            return Ok(None);
        }
        parse_fields(&std::mem::take(&mut self.trailers)).map(Some)
    }

    fn next(&mut self, byte: u8) -> Result<State, InvalidChunk> {
        match (self.state, byte) {
            (State::Begin | State::Size, digit) if digit.is_ascii_hexdigit() => self.digit(digit),
            (State::Size | State::Space, b' ' | b'\t') => self.extend(State::Space),
            (State::Size | State::Space, b';') => self.extend(State::Extension),
            (State::Size | State::Space | State::Extension, b'\r') => Ok(State::SizeEnd),
            // A line feed alone ends a line for some readers and not for others.
            (State::Extension, other) if other != b'\n' => self.extend(State::Extension),
            (State::SizeEnd, b'\n') if self.size == 0 => Ok(State::Trailers),
            (State::SizeEnd, b'\n') => Ok(State::Data),
            (State::DataEnd, b'\r') => Ok(State::DataEnded),
            (State::DataEnded, b'\n') => Ok(State::Begin),
            (State::Begin | State::Size | State::Space, _) => Err(InvalidChunk::Size),
            _ => Err(InvalidChunk::LineEnd),
        }
    }

    fn digit(&mut self, digit: u8) -> Result<State, InvalidChunk> {
        let digit = char::from(digit).to_digit(16).ok_or(InvalidChunk::Size)?;
        self.size = self
            .size
            .checked_mul(16)
            .and_then(|size| size.checked_add(digit.into()))
            .ok_or(InvalidChunk::Size)?;
        Ok(State::Size)
    }

    fn extend(&mut self, state: State) -> Result<State, InvalidChunk> {
        self.extensions += 1;
        if self.extensions > MAX_EXTENSIONS {
            return Err(InvalidChunk::Extensions);
        }
        Ok(state)
    }

    /// Takes a line of the trailer section, or as much of it as there is.
    fn collect(&mut self, input: &[u8]) -> Result<usize, InvalidChunk> {
        let end = memchr::memchr(b'\n', input);
        let length = end.map_or(input.len(), |end| end + 1);
        self.trailers.extend_from_slice(&input[..length]);
        if self.trailers.len() > self.max_trailers {
            return Err(InvalidChunk::Trailers);
        }
        if end.is_some() && (self.trailers == b"\r\n" || self.trailers.ends_with(b"\n\r\n")) {
            self.state = State::Done;
        }
        Ok(length)
    }
}

/// Why a chunked body cannot be read on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidChunk {
    #[error("the size of a chunk is not a number, or too large")]
    Size,
    #[error("a line of the chunked coding does not end in CR LF")]
    LineEnd,
    #[error("too many chunk extensions")]
    Extensions,
    #[error("the trailers are too long")]
    Trailers,
}

/// For the extensions of a whole body, which nobody has a use for.
const MAX_EXTENSIONS: usize = 16 * 1024;
