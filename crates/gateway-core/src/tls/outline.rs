//! The name in a ClientHello that rustls does not want to answer.
//!
//! Only for connections that pass through: what their backend speaks, and be it TLS
//! 1.0, is nobody else's affair.

/// The name that a client asks for, in lower case, if `records` are a whole ClientHello
/// (RFC 8446, section 4.1.2) that asks for one.
pub(super) fn server_name(records: &[u8]) -> Option<String> {
    let message = message(records)?;
    let mut hello = Reader(&message);
    // Version and random, session, cipher suites, compression methods.
    hello.take(2 + 32)?;
    hello.sized::<1>()?;
    hello.sized::<2>()?;
    hello.sized::<1>()?;

    let mut extensions = Reader(hello.sized::<2>()?);
    while let Some(kind) = extensions.number::<2>() {
        let extension = extensions.sized::<2>()?;
        if kind == SERVER_NAME {
            return host_name(extension);
        }
    }
    None
}

/// RFC 6066, section 3: a list of names, of which one kind is known.
fn host_name(extension: &[u8]) -> Option<String> {
    let mut names = Reader(Reader(extension).sized::<2>()?);
    let kind = names.number::<1>()?;
    let name = std::str::from_utf8(names.sized::<2>()?).ok()?;
    (kind == HOST_NAME).then(|| name.to_ascii_lowercase())
}

/// The body of the first handshake message, out of its records.
fn message(records: &[u8]) -> Option<Vec<u8>> {
    let mut records = Reader(records);
    let mut joined = Vec::new();
    loop {
        let mut bytes = Reader(&joined);
        if bytes.take(1).is_some()
            && let Some(message) = bytes.sized::<3>()
        {
            return (joined[0] == CLIENT_HELLO).then(|| message.to_vec());
        }
        let is_handshake = records.number::<1>()? == HANDSHAKE;
        records.take(2)?;
        let payload = records.sized::<2>()?;
        joined.extend_from_slice(is_handshake.then_some(payload)?);
    }
}

/// Takes bytes off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of `N` bytes.
    fn number<const N: usize>(&mut self) -> Option<usize> {
        let bytes = self.take(N)?.iter();
        Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// What has its length before it, in `N` bytes.
    fn sized<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.number::<N>()?;
        self.take(length)
    }
}

const HANDSHAKE: usize = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: usize = 0;
const HOST_NAME: usize = 0;
