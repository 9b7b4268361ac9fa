//! What a client speaks, told by its first bytes.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A version of HTTP that needs a codec of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// Reads until it is clear what is spoken. Returns what was read, too; `None` if the
/// client said nothing and left, or speaks something else than HTTP.
///
/// It has no deadline of its own; dropping it loses what was read.
pub(crate) async fn detect<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> io::Result<Option<(Spoken, BytesMut)>> {
    let mut read = BytesMut::with_capacity(FIRST_READ);
    loop {
        match stream.read_buf(&mut read).await? {
            0 if read.is_empty() => return Ok(None),
            0 => return Ok(Some((Spoken::Http1, read))),
            _ => {}
        }
        if let Some(spoken) = spoken(&read) {
            let understood = spoken == Spoken::Http2 || !is_something_else(&read);
            return Ok(understood.then_some((spoken, read)));
        }
    }
}

/// `None` while it can still become either.
fn spoken(read: &[u8]) -> Option<Spoken> {
    let compared = read.len().min(PREFACE.len());
    if read[..compared] != PREFACE[..compared] {
        return Some(Spoken::Http1);
    }
    (compared == PREFACE.len()).then_some(Spoken::Http2)
}

/// Whether `read` begins with a line of three words that names no version of HTTP,
/// like a wrong preface of HTTP/2. An answer in HTTP/1.1 would say nothing to whoever
/// wrote that; RFC 9113, section 3.4, wants the connection closed.
fn is_something_else(read: &[u8]) -> bool {
    let Some(line) = read
        .split(|byte| *byte == b'\n')
        .next()
        .filter(|line| line.len() < read.len())
    else {
        return false;
    };
    let mut words = line.trim_ascii().split(|byte| *byte == b' ');
    let version = words.nth(2);

    words.next().is_none() && version.is_some_and(|word| !word.starts_with(b"HTTP/"))
}

/// RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Enough for the head of most first requests.
const FIRST_READ: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preface_is_known_only_when_complete() {
        for length in 0..PREFACE.len() {
            assert_eq!(spoken(&PREFACE[..length]), None);
        }
        assert_eq!(spoken(PREFACE), Some(Spoken::Http2));
        assert_eq!(
            spoken(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"),
            Some(Spoken::Http2)
        );
    }

    #[test]
    fn everything_else_is_http1() {
        assert_eq!(spoken(b"G"), Some(Spoken::Http1));
        assert_eq!(spoken(b"PRI * HTTP/1.1"), Some(Spoken::Http1));
    }

    #[test]
    fn three_words_without_a_version_are_no_http() {
        assert!(is_something_else(b"INVALID CONNECTION PREFACE\r\n\r\n"));
        for http in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"GET / HTTP/3.7\r\n",
            b"GET /\r\n",
            b"GET / HT",
            b"\r\n",
        ] {
            assert!(!is_something_else(http), "{}", http.escape_ascii());
        }
    }
}
