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
        let end = host_end(text).ok_or(Refused::Authority)?;
        let port = &text[end..];
        if !is_port(port) {
            return Err(Refused::Authority);
        }

        let length = if text[..end].ends_with(b".") {
            end - 1
        } else {
            end
        };
        if length == 0 {
            return Err(Refused::Authority);
        }
        if text[..length].iter().any(u8::is_ascii_uppercase) {
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

/// Where the host ends and `:port` begins; `None` if it is not a host.
fn host_end(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'[') {
        let end = text.iter().position(|byte| *byte == b']')?;
        let address = std::str::from_utf8(&text[1..end]).ok()?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        return Some(end + 1);
    }

    let mut end = text.len();
    // A dot at the end is that of the root; elsewhere it ends a label.
    let mut is_label_empty = true;
    for (place, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => is_label_empty = false,
            b'.' if !is_label_empty => is_label_empty = true,
            b':' => {
                end = place;
                break;
            }
            _ => return None,
        }
    }
    (1..=254).contains(&end).then_some(end)
}

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
