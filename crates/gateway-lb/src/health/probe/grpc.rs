//! The gRPC health protocol, written by hand: one field in each direction.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};

use super::http::host_of;

/// Asks `grpc.health.v1.Health/Check`; the answer `SERVING` is good.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct GrpcProbe {
    service: Box<str>,
}

impl GrpcProbe {
    /// Asks for the server as a whole.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for `service`. By default for none, which means the server as a whole.
    #[must_use]
    pub fn with_service(mut self, service: &str) -> Self {
        self.service = service.into();
        self
    }

    /// The request to the endpoint at `address`, with its body.
    #[must_use]
    pub fn request(&self, address: SocketAddr) -> Request<Vec<u8>> {
        let mut request = Request::new(framed(&self.message()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/grpc.health.v1.Health/Check");
        let headers = request.headers_mut();
        headers.extend(host_of(address).map(|host| (header::HOST, host)));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/grpc"),
        );
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        request
    }

    /// Whether a response of this status, body and trailers is good.
    #[must_use]
    pub fn is_good(&self, status: StatusCode, body: &[u8], trailers: &HeaderMap) -> bool {
        let is_ok = trailers
            .get("grpc-status")
            .is_some_and(|status| status == "0");
        status == StatusCode::OK
            && is_ok
            && message_of(body).and_then(serving_status) == Some(SERVING)
    }

    /// `HealthCheckRequest { string service = 1; }`
    fn message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        if !self.service.is_empty() {
            message.push(SERVICE_FIELD);
            let mut length = self.service.len();
            while length > 0x7f {
                message.push(length as u8 | 0x80);
                length >>= 7;
            }
            message.push(length as u8);
            message.extend(self.service.bytes());
        }
        message
    }
}

/// A message with its prefix: not compressed, and how long it is.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0][..], &length.to_be_bytes(), message].concat()
}

/// The first message of a body, if it is whole and not compressed.
fn message_of(body: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = body.split_first_chunk::<5>()?;
    let [0, length @ ..] = *prefix else {
        return None;
    };
    rest.get(..u32::from_be_bytes(length) as usize)
}

/// `HealthCheckResponse { ServingStatus status = 1; }`, other fields passed over.
fn serving_status(mut message: &[u8]) -> Option<u64> {
    // What is zero need not be written.
    let mut status = 0;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let value = match key & 7 {
            0 => Some(varint(&mut message)?),
            1 => skip(&mut message, 8)?,
            2 => {
                let length = varint(&mut message)?;
                skip(&mut message, usize::try_from(length).ok()?)?
            }
            5 => skip(&mut message, 4)?,
            _ => return None,
        };
        if key >> 3 == 1 {
            status = value?;
        }
    }
    Some(status)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Passes over a field that has no number to give.
fn skip(message: &mut &[u8], length: usize) -> Option<Option<u64>> {
    *message = message.get(length..)?;
    Some(None)
}

const SERVICE_FIELD: u8 = 0x0a;
const SERVING: u64 = 1;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn ok() -> HeaderMap {
        HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("0"),
        )])
    }

    fn is_good(message: &[u8], trailers: &HeaderMap) -> bool {
        GrpcProbe::new().is_good(StatusCode::OK, &framed(message), trailers)
    }

    #[test]
    fn request_names_the_service() {
        let request = GrpcProbe::new()
            .with_service("shop.Cart")
            .request(([10, 0, 0, 1], 8080).into());

        assert_eq!(request.body(), b"\0\0\0\0\x0b\x0a\x09shop.Cart");
        assert_eq!(request.uri(), "/grpc.health.v1.Health/Check");
        assert_eq!(request.headers()["te"], "trailers");
        let whole = GrpcProbe::new().request(([10, 0, 0, 1], 8080).into());
        assert_eq!(whole.body(), b"\0\0\0\0\0");
    }

    #[test]
    fn only_serving_is_good() {
        assert!(is_good(b"\x08\x01", &ok()));
        assert!(is_good(b"\x12\x02hi\x08\x01", &ok()));
        for message in [
            &b""[..],
            b"\x08\x00",
            b"\x08\x02",
            b"\x08",
            b"\x0a\x01a",
            b"\x0f",
        ] {
            assert!(!is_good(message, &ok()), "{message:?}");
        }
    }

    #[test]
    fn failed_call_is_not_good_whatever_it_says() {
        let unimplemented = HeaderMap::from_iter([(
            http::HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("12"),
        )]);

        assert!(!is_good(b"\x08\x01", &unimplemented));
        assert!(!is_good(b"\x08\x01", &HeaderMap::new()));
        assert!(!GrpcProbe::new().is_good(StatusCode::OK, b"\0\0\0\0\x05\x08\x01", &ok()));
    }

    proptest! {
        /// Whatever an endpoint answers is read to its end or refused.
        #[test]
        fn any_answer_is_judged(body in vec(any::<u8>(), 0..40)) {
            let good = GrpcProbe::new().is_good(StatusCode::OK, &body, &ok());

            prop_assert_eq!(good, message_of(&body).and_then(serving_status) == Some(SERVING));
        }

        /// A name of any length is written as one that is read back.
        #[test]
        fn service_is_read_back(service in "[a-z]{0,300}") {
            let request = GrpcProbe::new().with_service(&service).request(([10, 0, 0, 1], 80).into());

            let mut message = message_of(request.body()).expect("a whole message");
            if !service.is_empty() {
                prop_assert_eq!(varint(&mut message), Some(u64::from(SERVICE_FIELD)));
                prop_assert_eq!(varint(&mut message), Some(service.len() as u64));
            }
            prop_assert_eq!(message, service.as_bytes());
        }
    }
}
