//! HTTP/2 frames by hand, for what no proper client sends.

use std::net::SocketAddr;

use crate::Wire;

/// Frame types (RFC 9113, section 6).
pub mod kind {
    /// Body.
    pub const DATA: u8 = 0;
    /// Fields.
    pub const HEADERS: u8 = 1;
    /// The end of a stream before its end.
    pub const RST_STREAM: u8 = 3;
    /// Parameters.
    pub const SETTINGS: u8 = 4;
    /// Are you there.
    pub const PING: u8 = 6;
    /// No more streams.
    pub const GOAWAY: u8 = 7;
    /// More body may come.
    pub const WINDOW_UPDATE: u8 = 8;
    /// More fields.
    pub const CONTINUATION: u8 = 9;
}

/// No more frames on this stream from here.
pub const END_STREAM: u8 = 1;
/// The fields are complete.
pub const END_HEADERS: u8 = 4;

/// A client's connection whose frames the test writes itself.
#[derive(Debug)]
pub struct Frames {
    wire: Wire,
}

/// A frame as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream, 0 for the connection.
    pub stream: u32,
    /// What is in it.
    pub payload: Vec<u8>,
}

/// What a stream was answered with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// A response.
    Status(u16),
    /// `RST_STREAM` with this code.
    Reset(u32),
    /// `GOAWAY` with this code, or the end of the connection (code 0).
    Closed(u32),
}

impl Outcome {
    /// Whether the request was not let through.
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Status(status) => (400..500).contains(&status) || status == 501,
            Self::Reset(_) | Self::Closed(_) => true,
        }
    }
}

impl Frames {
    /// Connects to `address` with the preface and empty settings.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut frames = Self {
            wire: Wire::connect(address).await,
        };
        frames.wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        frames.send(kind::SETTINGS, 0, 0, &[]).await;
        frames
    }

    /// Sends a frame.
    ///
    /// # Panics
    ///
    /// If the payload is longer than a frame can be.
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a payload");
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.wire.send(frame).await;
    }

    /// Sends a request without a body.
    pub async fn request(&mut self, stream: u32, fields: &[(&str, &str)]) {
        let flags = END_STREAM | END_HEADERS;
        self.send(kind::HEADERS, flags, stream, &block(fields))
            .await;
    }

    /// The next frame; `None` if the connection has ended.
    pub async fn read(&mut self) -> Option<Frame> {
        let head = self.wire.read(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let payload = self.wire.read(length as usize).await?;
        Some(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// What `stream` is answered with.
    pub async fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.read().await {
            match frame.kind {
                kind::HEADERS if frame.stream == stream => {
                    return Outcome::Status(status(&frame.payload));
                }
                kind::RST_STREAM if frame.stream == stream => {
                    return Outcome::Reset(code(&frame.payload, 0));
                }
                kind::GOAWAY => return Outcome::Closed(code(&frame.payload, 4)),
                _ => {}
            }
        }
        Outcome::Closed(0)
    }
}

/// Fields as a block without indexing and Huffman (RFC 7541, section 6.2.2).
///
/// # Panics
///
/// If a name or a value is 16 KiB or longer.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

fn text(block: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..127 => block.push(length as u8),
        // A number in two more bytes of seven bits.
        length => {
            let rest = length - 127;
            assert!(rest < 1 << 14, "a short text");
            block.extend([127, 0x80 | (rest & 0x7f) as u8, (rest >> 7) as u8]);
        }
    }
    block.extend(text.as_bytes());
}

fn code(payload: &[u8], at: usize) -> u32 {
    let bytes = payload
        .get(at..at + 4)
        .and_then(|code| code.try_into().ok());
    u32::from_be_bytes(bytes.expect("an error code"))
}

/// The status, which comes first in the block of a response.
fn status(block: &[u8]) -> u16 {
    // Entries of the static table, and new values for its `:status`.
    let first = *block.first().expect("a status");
    match first {
        0x88 => 200,
        0x89 => 204,
        0x8a => 206,
        0x8b => 304,
        0x8c => 400,
        0x8d => 404,
        0x8e => 500,
        0x48 | 0x08 if block[1] & 0x80 != 0 => digits(&block[2..][..usize::from(block[1] & 0x7f)]),
        0x48 | 0x08 => std::str::from_utf8(&block[2..5])
            .ok()
            .and_then(|status| status.parse().ok())
            .expect("a status"),
        other => panic!("a block that begins with {other:#x} has no status in front"),
    }
}

/// Three digits in Huffman's code (RFC 7541, appendix B).
fn digits(bytes: &[u8]) -> u16 {
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    let number = |bits: &[u8]| {
        bits.iter()
            .fold(0u16, |number, bit| number << 1 | u16::from(*bit))
    };

    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let short = number(&bits[at..at + 5]);
        let digit = if short < 3 {
            at += 5;
            short
        } else {
            at += 6;
            number(&bits[at - 6..at]) - 0b01_1001 + 3
        };
        status = status * 10 + digit;
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_in_huffman_code_is_read() {
        // 405: 011010 00000 011011 and padding.
        assert_eq!(digits(&[0b0110_1000, 0b0000_1101, 0b1111_1111]), 405);
        // 211: 00010 00001 00001.
        assert_eq!(digits(&[0b0001_0000, 0b0100_0011]), 211);
    }
}
