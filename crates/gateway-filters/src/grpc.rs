//! How a gRPC call ended.

use std::fmt;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName};

/// The status of a gRPC call.
///
/// The list is complete: gRPC has these seventeen, and wants every other number read as
/// [`Unknown`](Self::Unknown).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum GrpcStatus {
    /// Success.
    Ok = 0,
    /// The caller gave up.
    Cancelled = 1,
    /// The server does not say what went wrong.
    Unknown = 2,
    /// The call makes no sense, whatever the state of the server.
    InvalidArgument = 3,
    /// It took too long.
    DeadlineExceeded = 4,
    /// What was asked for is not there.
    NotFound = 5,
    /// What was to be made is there already.
    AlreadyExists = 6,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A quota or a disk is used up.
    ResourceExhausted = 8,
    /// The server is not in a state for this call.
    FailedPrecondition = 9,
    /// Two calls got into each other's way.
    Aborted = 10,
    /// Beyond the end of something.
    OutOfRange = 11,
    /// The server has no such method.
    Unimplemented = 12,
    /// The server is broken.
    Internal = 13,
    /// The server cannot answer now, and has not handled the call.
    Unavailable = 14,
    /// Data is lost or damaged.
    DataLoss = 15,
    /// The caller did not say who it is.
    Unauthenticated = 16,
}

impl GrpcStatus {
    /// Every status, in the order of the numbers.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The number that `grpc-status` carries.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The status with this number, if it has one.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }

    /// What `headers`, or the trailers of a response, say of the call; `None` if they do not.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(GRPC_STATUS)?.to_str().ok();
        let code = text.and_then(|text| text.trim().parse().ok());
        Some(code.and_then(Self::from_code).unwrap_or(Self::Unknown))
    }
}

/// A set of gRPC statuses, one bit each.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub(crate) struct GrpcStatusSet(u32);

impl GrpcStatusSet {
    pub(crate) const fn of(statuses: &[GrpcStatus]) -> Self {
        let mut set = 0;
        let mut index = 0;
        while index < statuses.len() {
            set |= 1 << statuses[index].code();
            index += 1;
        }
        Self(set)
    }

    pub(crate) const fn contains(self, status: GrpcStatus) -> bool {
        self.0 & (1 << status.code()) != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = GrpcStatus> {
        GrpcStatus::ALL
            .into_iter()
            .filter(move |status| self.contains(*status))
    }
}

impl FromIterator<GrpcStatus> for GrpcStatusSet {
    fn from_iter<I: IntoIterator<Item = GrpcStatus>>(statuses: I) -> Self {
        let bits = statuses.into_iter().map(|status| 1 << status.code());
        Self(bits.fold(0, |set, bit| set | bit))
    }
}

impl fmt::Debug for GrpcStatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether a message with these headers is one of gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        value
            .as_bytes()
            .strip_prefix(GRPC)
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
    })
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// `uri` as what paths of calls can be added to.
///
/// tonic panics at a call where that cannot be done: an authority alone is a valid URI, and with a
/// path it is none.
#[cfg(feature = "global-rate-limit")]
pub(crate) fn origin_of(uri: http::Uri) -> http::Uri {
    use http::uri::{PathAndQuery, Scheme};

    let mut parts = uri.into_parts();
    if parts.authority.is_some() {
        parts.scheme.get_or_insert(Scheme::HTTP);
    }
    let path = parts.path_and_query.take();
    let below = path.filter(|path| path.path().starts_with('/'));
    parts.path_and_query = Some(below.unwrap_or(PathAndQuery::from_static("/")));
    http::Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).expect("a value");
        HeaderMap::from_iter([(HeaderName::from_static(name), value)])
    }

    #[test]
    fn numbers_are_those_of_grpc() {
        for (code, status) in (0..).zip(GrpcStatus::ALL) {
            assert_eq!(u32::from(status.code()), code);
            assert_eq!(GrpcStatus::from_code(code), Some(status));
        }
        assert_eq!(GrpcStatus::from_code(17), None);
    }

    #[test]
    fn numbers_that_grpc_does_not_have_are_unknown() {
        for value in ["17", "-1", "", "UNAVAILABLE", "4294967310"] {
            let status = GrpcStatus::of(&headers("grpc-status", value));

            assert_eq!(status, Some(GrpcStatus::Unknown), "{value}");
        }
        assert_eq!(GrpcStatus::of(&HeaderMap::new()), None);
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        let table = [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc; charset=x", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ];

        for (value, expected) in table {
            assert_eq!(
                is_grpc(&headers("content-type", value)),
                expected,
                "{value}"
            );
        }
    }

    proptest! {
        /// A set has what it was made from, and nothing else.
        #[test]
        fn set_is_what_it_was_made_from(bits in 0..1_u32 << 17) {
            let chosen = |status: &GrpcStatus| bits & (1 << status.code()) != 0;
            let statuses: Vec<_> = GrpcStatus::ALL.into_iter().filter(chosen).collect();

            let set: GrpcStatusSet = statuses.iter().copied().collect();

            prop_assert_eq!(set, GrpcStatusSet::of(&statuses));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), statuses);
            prop_assert_eq!(set.is_empty(), bits == 0);
        }
    }
}
