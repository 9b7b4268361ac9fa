//! What is counted apart.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, Request, Uri};
use percent_encoding::percent_decode_str;

use crate::Lookup;
use crate::client_address::ClientAddress;

/// A property of requests. Those that differ in it are counted apart.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Key {
    /// The address of the client; of IPv6 the first 64 bits, for whoever has one such address
    /// has all of them.
    ///
    /// It is read from [`ClientAddress`], or else
    /// [`PeerAddress`](crate::client_address::PeerAddress).
    ClientAddress,
    /// All values of a header.
    Header(HeaderName),
    /// The first value of a parameter in the query, decoded as forms are.
    Query(String),
    /// The first value of a cookie.
    Cookie(String),
    /// All values that another layer found out, such as a claim of a token.
    Lookup(Lookup),
}

/// What happens to requests in which a key is missing.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MissingKey {
    /// They are counted together, so that leaving a key out gains nothing. This is the default.
    #[default]
    Shared,
    /// They pass, and are not counted.
    Pass,
}

/// Makes one number of all keys of a request.
///
/// So a key takes the same room however long it is. Who does not know the hasher's secret cannot
/// make two keys meet; by chance two of a million do once in thirty million times.
#[derive(Debug, Default)]
pub(super) struct KeyHasher {
    secret: RandomState,
}

impl KeyHasher {
    /// The number of `request`; `None` if it need not be counted.
    pub(super) fn hash<B>(
        &self,
        keys: &[Key],
        missing: MissingKey,
        request: &Request<B>,
    ) -> Option<u64> {
        let mut hasher = self.secret.build_hasher();
        for key in keys {
            let found = key.write(request, &mut hasher);
            if !found && missing == MissingKey::Pass {
                return None;
            }
            // So that neither a missing key nor a moved border looks like another key.
            hasher.write_u8(if found { END } else { MISSING });
        }
        Some(hasher.finish())
    }
}

impl Key {
    /// Writes what `request` has of this key; says whether that is anything.
    fn write<B>(&self, request: &Request<B>, hasher: &mut impl Hasher) -> bool {
        let mut found = false;
        let mut write = |value: &[u8]| {
            found = true;
            hasher.write_usize(value.len());
            hasher.write(value);
        };
        match self {
            Self::ClientAddress => {
                let address = ClientAddress::of(request.extensions());
                match address.map(|address| address.to_canonical()) {
                    Some(IpAddr::V4(address)) => write(&address.octets()),
                    Some(IpAddr::V6(address)) => write(&address.octets()[..8]),
                    None => {}
                }
            }
            Self::Header(name) => {
                let values = request.headers().get_all(name);
                values.iter().for_each(|value| write(value.as_bytes()));
            }
            Self::Query(name) => {
                if let Some(value) = parameter(request.uri(), name) {
                    write(&value);
                }
            }
            Self::Cookie(name) => {
                if let Some(value) = cookie(request.headers(), name) {
                    write(value);
                }
            }
            Self::Lookup(lookup) => {
                lookup.each(request.extensions(), |value| write(value.as_bytes()));
            }
        }
        found
    }
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<Cow<'a, [u8]>> {
    uri.query()?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name.as_bytes()).then(|| decode(value))
    })
}

/// As `application/x-www-form-urlencoded` has it: else a value could be written in many ways,
/// each counted apart.
fn decode(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).collect());
    }
    percent_decode_str(text).into()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at].trim_ascii() == name.as_bytes()).then(|| pair[at + 1..].trim_ascii())
    })
}

const END: u8 = 1;
const MISSING: u8 = 2;

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use proptest::prelude::*;

    use super::*;

    fn hash(hasher: &KeyHasher, keys: &[Key], request: &Request<()>) -> u64 {
        let hash = hasher.hash(keys, MissingKey::Shared, request);
        hash.expect("missing keys are counted")
    }

    fn get(uri: &str) -> Request<()> {
        Request::get(uri).body(()).expect("valid")
    }

    fn from(address: &str) -> Request<()> {
        let mut request = get("/");
        let address = address.parse().expect("an address");
        request.extensions_mut().insert(ClientAddress(address));
        request
    }

    fn with(name: &'static str, values: &[&str]) -> Request<()> {
        let mut request = Request::get("/");
        for value in values {
            request = request.header(name, *value);
        }
        request.body(()).expect("valid")
    }

    #[track_caller]
    fn assert_same(key: &Key, a: &Request<()>, b: &Request<()>) {
        let hasher = KeyHasher::default();
        let keys = std::slice::from_ref(key);
        assert_eq!(hash(&hasher, keys, a), hash(&hasher, keys, b));
    }

    #[track_caller]
    fn assert_apart(key: &Key, a: &Request<()>, b: &Request<()>) {
        let hasher = KeyHasher::default();
        let keys = std::slice::from_ref(key);
        assert_ne!(hash(&hasher, keys, a), hash(&hasher, keys, b));
    }

    #[test]
    fn addresses_of_one_network_of_64_bits_are_one_client() {
        let key = Key::ClientAddress;

        assert_same(&key, &from("2001:db8::1"), &from("2001:db8::ffff:1"));
        assert_apart(&key, &from("2001:db8:0:1::1"), &from("2001:db8:0:2::1"));
        assert_apart(&key, &from("192.0.2.1"), &from("192.0.2.2"));
        assert_same(&key, &from("192.0.2.1"), &from("::ffff:192.0.2.1"));
    }

    #[test]
    fn parameters_are_decoded() {
        let key = Key::Query("user".into());

        assert_same(
            &key,
            &get("/?user=ann+b"),
            &get("/a?x&us%65r=%61nn%20b&user=c"),
        );
        assert_apart(&key, &get("/?user=ann"), &get("/?user=Ann"));
        assert_apart(&key, &get("/?user="), &get("/?users=x"));
        assert_same(&key, &get("/?user"), &get("/?user="));
    }

    #[test]
    fn cookies_are_found_among_others() {
        let key = Key::Cookie("id".into());

        let alone = with("cookie", &["id=1"]);

        assert_same(&key, &alone, &with("cookie", &["a=b; id=1;c", "id=2"]));
        assert_same(&key, &alone, &with("cookie", &["xid=2", " id =1"]));
        assert_apart(&key, &alone, &with("cookie", &["id=2"]));
    }

    #[test]
    fn borders_between_values_are_part_of_a_key() {
        let key = Key::Header(HeaderName::from_static("x-user"));

        assert_apart(
            &key,
            &with("x-user", &["ab", "c"]),
            &with("x-user", &["a", "bc"]),
        );
        assert_apart(&key, &with("x-user", &[""]), &with("x-user", &[]));
    }

    #[test]
    fn lookups_are_keys() {
        #[derive(Clone)]
        struct User(&'static str);
        let user = |name| {
            let mut request = get("/");
            request.extensions_mut().insert(User(name));
            request
        };
        let lookup = Lookup::new("user", |extensions, found| {
            if let Some(User(name)) = extensions.get() {
                found(name);
            }
        });

        assert_apart(&Key::Lookup(lookup), &user("ann"), &user("bob"));
    }

    #[test]
    fn missing_key_is_shared_or_passed() {
        let hasher = KeyHasher::default();
        let keys = [Key::ClientAddress, Key::Cookie("id".into())];
        let request = from("192.0.2.1");

        assert!(hasher.hash(&keys, MissingKey::Shared, &request).is_some());
        assert_eq!(hasher.hash(&keys, MissingKey::Pass, &request), None);
        assert_same(&keys[1], &get("/"), &get("/x"));
    }

    proptest! {
        /// Requests meet exactly if all their keys are the same.
        #[test]
        fn keys_are_told_apart(
            a in ("[ab]{0,2}", 0..3_u128),
            b in ("[ab]{0,2}", 0..3_u128),
        ) {
            let hasher = KeyHasher::default();
            let keys = [Key::Header(HeaderName::from_static("x-user")), Key::ClientAddress];
            let request = |(user, network): &(String, u128)| {
                let mut request = with("x-user", &[user]);
                let address = Ipv6Addr::from_bits(network << 64 | 7);
                request.extensions_mut().insert(ClientAddress(address.into()));
                request
            };

            let same = hash(&hasher, &keys, &request(&a)) == hash(&hasher, &keys, &request(&b));

            prop_assert_eq!(same, a == b);
        }
    }
}
