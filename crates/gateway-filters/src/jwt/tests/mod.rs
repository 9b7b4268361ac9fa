//! Which tokens are valid, and how keys come.

mod refreshing;
mod tokens;

use std::time::Duration;

use http::Request;
use http::request::Parts;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://login.example";

/// Two secrets, and the public key of RFC 8037, appendix A.
fn keys() -> Jwks {
    let keys = json!({"keys": [
        {"kty": "oct", "alg": "HS256", "kid": "one", "k": "c2VjcmV0IG9uZQ"},
        {"kty": "oct", "alg": "HS384", "kid": "two", "k": "c2VjcmV0IHR3bw"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "public",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "new", "kid": "not known"},
    ]});
    Jwks::parse(keys.to_string().as_bytes()).expect("a key set")
}

fn provider() -> JwtProvider {
    JwtProvider::new(ISSUER, JwksSource::inline(keys())).with_audience("shop")
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": ["else", "shop"],
        "sub": "alice",
        "exp": get_current_timestamp() + 300,
        "realm": {"roles": ["admin", "cook"]},
    })
}

fn signed(kid: Option<&str>, algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, claims, &EncodingKey::from_secret(secret)).expect("signed")
}

/// A token that is right, but for its claims.
fn token(claims: &Value) -> String {
    signed(Some("one"), Algorithm::HS256, b"secret one", claims)
}

fn head(token: &str) -> Parts {
    let request = Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .header("x-user", "root")
        .body(());
    request.expect("valid").into_parts().0
}

const SECOND: Duration = Duration::from_secs(1);
