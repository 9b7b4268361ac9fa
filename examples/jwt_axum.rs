//! How do I ask for JSON Web Tokens in an axum app?
//!
//! Shows a layer that lets requests pass with a valid token, with keys that are fetched and kept
//! up to date in a task of this program. In the place of an HTTP client stands a service that
//! answers by itself; any tower client, such as hyper-util's, goes there as it is.
//!
//! ```text
//! cargo run -p gateway-examples --features jwt --example jwt_axum
//! ```
//!
//! You will see a request without a token refused, and one with a token greeted by name.

use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use gateway_filters::jwt::{Claims, JwksRefresh, JwksSource, JwtProvider};
use gateway_filters::{BoxError, Jwt, JwtLayer};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Full};
use tower::{ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keys = JwksSource::remote();
    let how = JwksRefresh::new(Uri::from_static("https://login.example/keys"));
    // Ends when nobody has the keys any more.
    tokio::spawn(keys.refresh(how, service_fn(login), |error| eprintln!("{error}")));
    while keys.keys().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    let provider = JwtProvider::new("https://login.example", keys).with_audience("shop");
    let app = Router::new()
        .route("/hello", get(hello))
        .layer(JwtLayer::new(Jwt::new(provider)));

    let anonymous = app.clone().oneshot(request(None)?).await?;
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(anonymous.headers()["www-authenticate"], "Bearer");
    println!("without a token: {}", anonymous.status());

    let greeting = app.oneshot(request(Some(TOKEN))?).await?;
    let greeting = greeting.into_body().collect().await?.to_bytes();
    assert_eq!(greeting, "hello alice");
    println!("with a token: {}", String::from_utf8_lossy(&greeting));

    Ok(())
}

async fn hello(Extension(claims): Extension<Claims>) -> String {
    let mut name = String::from("nobody");
    claims.each(&["sub"], |subject| name = subject.to_owned());
    format!("hello {name}")
}

fn request(token: Option<&str>) -> Result<Request<axum::body::Body>, http::Error> {
    let mut request = Request::get("/hello");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(axum::body::Body::empty())
}

/// The server of keys.
async fn login(_: Request<Empty<Bytes>>) -> Result<Response<Full<Bytes>>, BoxError> {
    Ok(Response::new(Full::from(KEYS)))
}

/// The public key of RFC 8037, appendix A.
const KEYS: &str = r#"{"keys": [{
    "kty": "OKP", "crv": "Ed25519", "kid": "rfc8037", "alg": "EdDSA", "use": "sig",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
}]}"#;

/// Signed with the private one: issued for the shop to Alice, until the end of the century.
const TOKEN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6InJmYzgwMzcifQ.\
    eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwic3ViIjoiYWxpY2UiLCJleHAiOjQxMDI0NDQ4MDB9.\
    c3CmDvtntMygg7wb4xq1kvLuy3m7xqqOFn2mHTmAHO9Br4NQ9K9p2Oj6MdvWktOMcihImBcmD7dTKIVWByUHDA";
