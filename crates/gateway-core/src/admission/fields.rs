//! What admission looks at in a head, found in one pass.

use http::header::{self, HeaderMap, HeaderValue};

use super::Refused;
use super::hop_by_hop::is_connection_field;

/// What there is to do about a request's fields. Looking each of them up would hash
/// a name for each, and most requests have none of them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) host: Option<HeaderValue>,
    pub(super) has_connection_fields: bool,
    pub(super) has_expectation: bool,
    pub(super) has_many_cookies: bool,
}

impl Fields {
    /// Refuses several hosts, transfer codings but one `chunked`, and expectations
    /// but one `100-continue`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let mut fields = Self::default();
        let (mut has_coding, mut has_cookie) = (false, false);
        for (name, value) in headers {
            if *name == header::HOST {
                if fields.host.replace(value.clone()).is_some() {
                    return Err(Refused::Authority);
                }
            } else if *name == header::TRANSFER_ENCODING {
                only(value, "chunked", &mut has_coding).ok_or(Refused::TransferCoding)?;
            } else if *name == header::EXPECT {
                only(value, "100-continue", &mut fields.has_expectation)
                    .ok_or(Refused::Expectation)?;
            } else if *name == header::COOKIE {
                fields.has_many_cookies |= has_cookie;
                has_cookie = true;
            }
            fields.has_connection_fields |= is_connection_field(name);
        }
        Ok(fields)
    }
}

/// Whether `value` is the one understood, and the first of its name.
fn only(value: &HeaderValue, understood: &str, seen: &mut bool) -> Option<()> {
    let first = !std::mem::replace(seen, true);

    (first && value.as_bytes().eq_ignore_ascii_case(understood.as_bytes())).then_some(())
}
