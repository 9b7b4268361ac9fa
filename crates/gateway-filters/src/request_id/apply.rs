//! Keeping or making a name.

use http::{HeaderMap, HeaderValue, Request};

use super::settings::RequestIds;

/// The name of a request: an extension, which the layer adds.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RequestId(pub HeaderValue);

impl RequestIds {
    /// Names `request`, in its header and its extensions.
    pub fn apply<B>(&self, request: &mut Request<B>) -> RequestId {
        let id = match self.brought(request.headers()) {
            Some(id) => id.clone(),
            None => {
                let id = random();
                request.headers_mut().insert(&self.header, id.clone());
                id
            }
        };
        let id = RequestId(id);
        request.extensions_mut().insert(id.clone());
        id
    }

    /// What the client brought, if that is kept.
    fn brought<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut values = headers.get_all(&self.header).iter();
        let value = values.next().filter(|value| is_name(value.as_bytes()))?;
        // Two names are none.
        (self.trusted && values.next().is_none()).then_some(value)
    }
}

/// Whether it can be written into any log without being mistaken for more than a name.
fn is_name(bytes: &[u8]) -> bool {
    (1..=128).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"\"'\\,;<>".contains(byte))
}

/// A random UUID.
fn random() -> HeaderValue {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = fastrand::u128(..) & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let mut text = [b'-'; 36];
    let digits = (0..36).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
    for (at, shift) in digits.zip((0..u128::BITS).step_by(4).rev()) {
        text[at] = b"0123456789abcdef"[(bits >> shift) as usize & 0xf];
    }

    HeaderValue::from_bytes(&text).expect("hexadecimal digits are valid")
}
