//! What admission looks at in a head, found in one pass.

use http::header::{self, HeaderMap, HeaderValue};

use super::hop_by_hop::is_connection_field;

/// The fields that decide about a request. Looking each of them up would hash a
/// name for each, and most requests have none of them.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    /// How many `Transfer-Encoding` fields there are, and one of them.
    pub(super) codings: (usize, Option<&'a HeaderValue>),
    pub(super) expect: Option<&'a HeaderValue>,
    pub(super) cookies: usize,
    pub(super) has_connection_fields: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            if *name == header::TRANSFER_ENCODING {
                fields.codings = (fields.codings.0 + 1, Some(value));
            } else if *name == header::EXPECT {
                fields.expect = Some(value);
            } else if *name == header::COOKIE {
                fields.cookies += 1;
            }
            fields.has_connection_fields |= is_connection_field(name);
        }
        fields
    }
}
