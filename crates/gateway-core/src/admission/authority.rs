//! One authority per request.

use http::header::{HOST, HeaderValue};
use http::{Request, Version};

use super::Refused;

/// The host a request is for, as routing compares it: lower case, without port
/// and trailing dot. The request's `Host` field keeps the client's spelling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Authority {
    /// The field's value; the host is its first `length` bytes.
    field: HeaderValue,
    length: usize,
}

impl Authority {
    fn parse(field: HeaderValue) -> Result<Self, Refused> {
        let text = field.as_bytes();
        let (end, has_upper_case) = host_end(text).ok_or(Refused::Authority)?;
        if !is_port(&text[end..]) {
            return Err(Refused::Authority);
        }

        let length = if text[..end].ends_with(b".") {
            end - 1
        } else {
            end
        };
        if has_upper_case {
            let folded = HeaderValue::from_bytes(&text.to_ascii_lowercase())
                .map_err(|_| Refused::Authority)?;
            return Ok(Self {
                field: folded,
                length,
            });
        }
        Ok(Self { field, length })
    }

    /// The host alone.
    pub(crate) fn host(&self) -> &str {
        // Only ASCII passes `parse`.
        std::str::from_utf8(&self.field.as_bytes()[..self.length]).unwrap_or_default()
    }
}

/// The authority of a request with this `Host` field, or none. Makes the field say
/// the same.
pub(super) fn settle<B>(
    request: &mut Request<B>,
    host: Option<HeaderValue>,
) -> Result<Authority, Refused> {
    let Some(target) = request.uri().authority() else {
        return Authority::parse(host.ok_or(Refused::Authority)?);
    };

    // RFC 9112, section 3.2.2: the target in absolute form wins over `Host`. In
    // HTTP/2 two names for one request are an attack.
    let target = target.as_str().as_bytes();
    let says_the_same = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(target);
    match host {
        Some(host) if says_the_same(&host) => Authority::parse(host),
        Some(_) if request.version() == Version::HTTP_2 => Err(Refused::Authority),
        _ => {
            let field = HeaderValue::from_bytes(target).map_err(|_| Refused::Authority)?;
            request.headers_mut().insert(HOST, field.clone());
            Authority::parse(field)
        }
    }
}

/// Where the host ends and `:port` begins, and whether the host has a letter to fold;
/// `None` if it is not a host.
fn host_end(text: &[u8]) -> Option<(usize, bool)> {
    if text.first() == Some(&b'[') {
        let end = text.iter().position(|byte| *byte == b']')?;
        let address = std::str::from_utf8(&text[1..end]).ok()?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let has_upper_case = address.bytes().any(|byte| byte.is_ascii_uppercase());
        return Some((end + 1, has_upper_case));
    }

    let mut has_upper_case = false;
    // A label must not be empty. A dot at the end is that of the root.
    let mut label_is_empty = true;
    let mut end = 0;
    for byte in text {
        match HOST_BYTES[usize::from(*byte)] {
            HostByte::End => break,
            HostByte::Dot if label_is_empty => return None,
            HostByte::Dot => label_is_empty = true,
            HostByte::Upper => (has_upper_case, label_is_empty) = (true, false),
            HostByte::Other => label_is_empty = false,
            HostByte::Foreign => return None,
        }
        end += 1;
    }
    (1..=254).contains(&end).then_some((end, has_upper_case))
}

/// What a byte is to a host. Every request is asked for each byte of its host.
#[derive(Clone, Copy)]
enum HostByte {
    Foreign,
    Upper,
    Other,
    Dot,
    /// The port begins.
    End,
}

const HOST_BYTES: [HostByte; 256] = {
    let mut table = [HostByte::Foreign; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'A'..=b'Z' => HostByte::Upper,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => HostByte::Other,
            b'.' => HostByte::Dot,
            b':' => HostByte::End,
            _ => HostByte::Foreign,
        };
        byte += 1;
    }
    table
};

fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => {
            digits.len() <= 5
                && digits.iter().all(u8::is_ascii_digit)
                && digits
                    .iter()
                    .fold(0u32, |port, digit| port * 10 + u32::from(digit - b'0'))
                    <= 65_535
        }
        _ => false,
    }
}
