//! Writes the heads of requests.

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::pool::error::InvalidRequest;

/// What the writer of a head saw in passing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) asks_for_upgrade: bool,
    pub(super) wants_close: bool,
}

/// Writes a head for a request with a body of `length`, as far as that is known, and
/// says how long the body is to be: it is sent in chunks if nobody knows.
///
/// The fields that frame it are ours: what the caller left in `transfer-encoding`
/// belongs to the connection that the request came from, and a `content-length` counts
/// only if nothing better is known.
pub(super) fn write_head(
    out: &mut Vec<u8>,
    (method, target): (&Method, &Uri),
    headers: &HeaderMap,
    length: Option<u64>,
) -> Result<(Option<u64>, Seen), InvalidRequest> {
    if *method == Method::CONNECT {
        return Err(InvalidRequest::Connect);
    }
    let target = target.path_and_query().ok_or(InvalidRequest::Target)?;

    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_str().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");

    let mut seen = Seen::default();
    let mut declared = Declared::default();
    for (name, value) in headers {
        // The length decides for almost every field.
        match name.as_str().len() {
            7 => seen.asks_for_upgrade |= *name == UPGRADE,
            10 => seen.wants_close |= *name == CONNECTION && has_option(value, "close"),
            14 if *name == CONTENT_LENGTH => {
                declared.add(value.as_bytes());
                continue;
            }
            17 if *name == TRANSFER_ENCODING => continue,
            _ => {}
        }
        write_field(out, name, value);
    }

    let length = match (length, declared) {
        (Some(0), Declared::Nothing) => Some(0),
        (Some(length), _) | (None, Declared::Length(length)) => {
            write_length(out, length);
            Some(length)
        }
        (None, Declared::Nothing | Declared::Nonsense) => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            None
        }
    };
    out.extend_from_slice(b"\r\n");
    Ok((length, seen))
}

pub(super) fn write_field(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    write_number(out, length, 10);
    out.extend_from_slice(b"\r\n");
}

/// Writes the digits of `number`, without the cost of formatting.
pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64, radix: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789abcdef"[(number % radix) as usize];
        number /= radix;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Whether a list such as `Connection` has `option`.
pub(super) fn has_option(list: impl AsRef<[u8]>, option: &str) -> bool {
    list.as_ref()
        .split(|byte| *byte == b',')
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
}

/// What the `content-length` fields of a head say together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Declared {
    #[default]
    Nothing,
    Length(u64),
    /// Not a number, or two that differ.
    Nonsense,
}

impl Declared {
    /// Takes note of one field. A list of equal lengths is one length (RFC 9112
    /// section 6.3).
    pub(super) fn add(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',') {
            *self = match (*self, parse_length(item.trim_ascii())) {
                (Self::Nothing, Some(length)) => Self::Length(length),
                (Self::Length(before), Some(length)) if before == length => continue,
                _ => Self::Nonsense,
            }
        }
    }
}

/// Digits only: `str::parse` would accept a sign.
fn parse_length(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |length, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}
