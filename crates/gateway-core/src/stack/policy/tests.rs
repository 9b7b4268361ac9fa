//! Policies that bring a dependency, through an assembled stack.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use gateway_filters::Answer;
use gateway_lb::pool::{Pool, PoolSettings};
use http::{Request, Response};
use tower::ServiceExt;

use crate::l4::StreamLayers;
use crate::model::{Listener, Policy, Route, Rule};
use crate::stack::{Assembler, Backends, Extensions, LiveRule};
use crate::{Body, BoxError};

fn assembler() -> Assembler {
    let backends = Backends::new(Pool::new(PoolSettings::default()));
    Assembler::new(backends, Extensions::default(), StreamLayers::default())
}

fn assemble(assembler: &Assembler, policies: &[Policy]) -> LiveRule {
    let rule = policies
        .iter()
        .cloned()
        .fold(Rule::new(), Rule::with_policy);
    let route = Route::new("shop").with_rule(rule);
    assembler.assemble(&Listener::http("web", 80), &route, 0)
}

async fn call(rule: &LiveRule, field: (&str, &str)) -> Result<Response<Body>, BoxError> {
    let request = Request::get("/").header("host", "a.test");
    let request = request
        .header(field.0, field.1)
        .body(Body::empty())
        .unwrap();
    rule.stack.clone().oneshot(request).await
}

fn answer(text: String) -> Policy {
    Policy::DirectResponse(Arc::new(Answer::new(200).unwrap().with_text(text)))
}

#[cfg(feature = "compression")]
#[tokio::test]
async fn answers_are_compressed_for_those_who_understand_it() {
    let compression = Policy::Compression(Arc::new(gateway_filters::Compression::new()));
    let rule = assemble(&assembler(), &[answer("x".repeat(10_000)), compression]);

    let coded = call(&rule, ("accept-encoding", "gzip")).await.unwrap();
    let plain = call(&rule, ("accept", "*/*")).await.unwrap();

    assert_eq!(coded.headers()["content-encoding"], "gzip");
    assert!(!plain.headers().contains_key("content-encoding"));
}

#[cfg(feature = "jwt")]
mod jwt {
    use gateway_filters::Jwt;
    use gateway_filters::jwt::{JwksRefresh, JwksSource, JwtProvider};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::{Backend, BackendTarget, Configuration, JwtPolicy};

    fn policy() -> Policy {
        let how = JwksRefresh::new("http://login.test/keys".parse().unwrap());
        let source = JwksSource::fetched(how.clone());
        let jwt = Jwt::new(JwtProvider::new("https://login.test", source));
        let from = BackendTarget::Backend("login".into());
        Policy::Jwt(Arc::new(JwtPolicy::new(jwt).with_keys_from(how, from)))
    }

    /// A token that nobody has signed.
    const FORGED: (&str, &str) = (
        "authorization",
        "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLnRlc3QifQ.AAAA",
    );

    #[tokio::test]
    async fn keys_are_fetched_from_a_backend_once_for_all_stacks() {
        let login = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let assembler = assembler();
        let backend = Backend::new([login.local_addr().unwrap()]);
        assembler
            .backends
            .update(&Configuration::new().with_backend("login", backend));
        let rule = assemble(&assembler, &[policy(), answer("let in".to_owned())]);
        let again = assemble(&assembler, &[policy(), answer("let in".to_owned())]);

        assert_eq!(call(&again, FORGED).await.unwrap().status(), 503);
        let mut chores = assembler.chores.take();
        assert_eq!(chores.len(), 1);
        let fetching = tokio::spawn(chores.remove(0).run());
        let (mut tcp, _) = login.accept().await.unwrap();
        let mut asked = vec![0; 1024];
        let read = tcp.read(&mut asked).await.unwrap();
        let asked = String::from_utf8_lossy(&asked[..read]).to_lowercase();
        assert!(asked.starts_with("get /keys http/1.1"), "{asked}");
        assert!(asked.contains("host: login.test"), "{asked}");
        // The example of RFC 7517, appendix A.1.
        let keys = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "2", "alg": "ES256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}",
            keys.len()
        );
        tcp.write_all(answer.as_bytes()).await.unwrap();

        // From now on it is known that nobody has signed it.
        let known = async {
            while call(&again, FORGED).await.unwrap().status() == 503 {
                tokio::task::yield_now().await;
            }
        };
        let patience = std::time::Duration::from_secs(10);
        tokio::time::timeout(patience, known)
            .await
            .expect("the keys are read");
        assert_eq!(call(&again, FORGED).await.unwrap().status(), 401);
        assert_eq!(call(&rule, FORGED).await.unwrap().status(), 401);
        fetching.abort();
    }
}

#[cfg(feature = "ext-authz")]
#[tokio::test]
async fn authority_that_cannot_be_asked_lets_nobody_pass() {
    use crate::model::{Asked, BackendTarget};

    let origin = "http://authority.test".parse().unwrap();
    let asked = Asked {
        settings: gateway_filters::ExtAuthz::new(origin),
        backend: BackendTarget::Invalid("there is none".into()),
    };
    let policies = [
        Policy::ExtAuthz(Arc::new(asked)),
        answer("let in".to_owned()),
    ];

    let refused = call(&assemble(&assembler(), &policies), ("accept", "*/*")).await;

    assert!(!refused.unwrap().status().is_success());
}
