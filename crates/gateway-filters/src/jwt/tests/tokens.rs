//! Which tokens are valid.

use proptest::prelude::*;

use super::*;
use crate::answer::Answer;
use crate::framing::SENDERS;
use crate::guard::Guard;
use crate::script::assert_thread_safe;

fn jwt() -> Jwt {
    Jwt::new(provider())
        .with_claim_header(&["sub"], "x-user")
        .and_then(|jwt| jwt.with_claim_header(&["realm", "roles"], "x-roles"))
        .expect("valid")
}

fn check(token: &str) -> Result<Parts, Answer> {
    let mut head = head(token);
    jwt().check(&mut head).map(|()| head)
}

/// The claims with one of them changed; null removes it.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value.clone();
    if value.is_null() {
        claims.as_object_mut().expect("an object").remove(name);
    }
    claims
}

#[test]
fn valid_token_passes_and_tells_its_claims() {
    let head = check(&token(&claims())).expect("valid");

    assert_eq!(head.headers["x-user"], "alice");
    assert_eq!(head.headers["x-roles"], "admin,cook");
    assert!(!head.headers.contains_key("authorization"));
    let claims = head.extensions.get::<Claims>().expect("there");
    assert_eq!(claims.get(&["sub"]), Some(&json!("alice")));
    let mut roles = Vec::new();
    claims.each(&["realm", "roles"], |role| roles.push(role.to_owned()));
    assert_eq!(roles, ["admin", "cook"]);
}

#[test]
fn token_without_a_name_for_its_key_is_checked_with_those_that_fit() {
    let unnamed = signed(None, Algorithm::HS384, b"secret two", &claims());

    assert!(check(&unnamed).is_ok());
}

/// The private key of RFC 8037, appendix A.
#[test]
fn token_signed_with_a_private_key_is_checked_with_the_public_one() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let private =
        STANDARD.decode("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
    let private = EncodingKey::from_ed_der(&private.expect("base64"));
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("public".to_owned());
    let token = encode(&header, &claims(), &private).expect("signed");

    assert!(check(&token).is_ok());
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let other = signature.replace(['A', 'b'], "c");
    assert!(check(&format!("{message}.{other}")).is_err() || other == signature);
}

#[test]
fn claims_are_checked() {
    let now = get_current_timestamp();
    let table = [
        ("iss", json!("https://evil.example"), false),
        ("iss", json!(null), false),
        ("iss", json!([ISSUER]), false),
        ("aud", json!("shop"), true),
        ("aud", json!("else"), false),
        ("aud", json!([]), false),
        ("aud", json!(null), false),
        ("exp", json!(null), false),
        ("exp", json!("tomorrow"), false),
        ("exp", json!(now - 30), true),
        ("exp", json!(now - 90), false),
        ("nbf", json!(now + 30), true),
        ("nbf", json!(now + 90), false),
        ("nbf", json!("soon"), false),
    ];

    for (name, value, expected) in table {
        let valid = check(&token(&with(name, value.clone()))).is_ok();
        assert_eq!(valid, expected, "{name}: {value}");
    }
}

#[test]
fn signature_key_and_algorithm_are_checked() {
    let claims = claims();
    let right = token(&claims);
    let (message, signature) = right.rsplit_once('.').expect("three parts");
    let none = {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let crit = part(json!({"alg": "HS256", "kid": "one", "crit": ["exp"]}));
        let key = EncodingKey::from_secret(b"secret one");
        let message = format!("{crit}.{}", part(claims.clone()));
        let signed = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
        [
            format!("{}.{}.", part(json!({"alg": "none"})), part(claims.clone())),
            format!("{message}.{}", signed.expect("signed")),
        ]
    };
    let public = b"\xd7Z\x98\x01\x82\xb1\n\xb7\xd5K\xfe\xd3\xc9d\x07:\x0e\xe1r\xf3\xda\xa6#%\xaf\x02\x1ah\xf7\x07Q\x1a";
    let wrong = [
        String::new(),
        "a.b.c".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{}", signature.chars().rev().collect::<String>()),
        none[0].clone(),
        none[1].clone(),
        signed(Some("one"), Algorithm::HS256, b"secret two", &claims),
        signed(Some("two"), Algorithm::HS256, b"secret two", &claims),
        signed(Some("three"), Algorithm::HS256, b"secret one", &claims),
        // The public key as a secret: what a token that chose its algorithm would have.
        signed(Some("public"), Algorithm::HS256, public, &claims),
        signed(None, Algorithm::HS512, b"secret one", &claims),
    ];

    for token in wrong {
        let answer = check(&token).expect_err(&token);
        assert_eq!(answer.status(), 401, "{token}");
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer error=\"invalid_token\""
        );
    }
}

#[test]
fn missing_token_passes_only_if_told_and_as_nobody() {
    let mut none = head("");
    none.headers.remove("authorization");

    let answer = jwt().check(&mut none).expect_err("missing");
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");

    jwt()
        .with_missing_allowed(true)
        .check(&mut none)
        .expect("allowed");
    assert!(!none.headers.contains_key("x-user"));
    assert!(none.extensions.get::<Claims>().is_none());

    let invalid = jwt().with_missing_allowed(true).check(&mut head("a.b.c"));
    assert_eq!(invalid.expect_err("invalid").status(), 401);
}

#[test]
fn two_tokens_are_none() {
    let right = token(&claims());
    let mut head = head(&right);
    let again = head.headers["authorization"].clone();
    head.headers.append("authorization", again);

    assert!(jwt().check(&mut head).is_err());
}

#[test]
fn token_can_be_in_another_header_and_be_forwarded() {
    let jwt = jwt()
        .in_header("x-token")
        .expect("a name")
        .with_forwarded_token(true);
    let mut head = head("ignored");
    head.headers
        .insert("x-token", token(&claims()).parse().expect("a value"));

    jwt.check(&mut head).expect("valid");

    assert!(head.headers.contains_key("x-token"));
}

#[test]
fn claim_that_cannot_be_a_header_is_not_told() {
    let head = check(&token(&with("sub", json!("a\nx-admin: true")))).expect("valid");

    assert!(!head.headers.contains_key("x-user"));
}

#[test]
fn tokens_are_refused_while_there_are_no_keys() {
    let jwt = Jwt::new(JwtProvider::new(ISSUER, JwksSource::remote()));

    let answer = jwt
        .check(&mut head(&token(&claims())))
        .expect_err("no keys");

    assert_eq!(answer.status(), 503);
}

#[test]
fn key_sets_are_checked() {
    let parse = |json: Value| Jwks::parse(json.to_string().as_bytes());
    // A secret that is good for any algorithm, one for encryption, one of a type that is new.
    let useless = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "oct", "alg": "HS256", "use": "enc", "k": "c2VjcmV0"},
        {"kty": "new"},
        7,
    ]});

    assert_eq!(parse(json!([])), Err(InvalidJwks::Syntax));
    assert_eq!(parse(useless), Err(InvalidJwks::NoKeys));
    assert_eq!(keys().keys.len(), 3);
    assert_eq!(keys().public().expect("one").keys.len(), 1);
    assert!(!format!("{:?}", keys()).contains("c2Vj"));
}

#[test]
fn settings_with_the_same_keys_are_equal() {
    assert_eq!(jwt(), jwt());
    assert_ne!(JwksSource::remote(), JwksSource::remote());
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<JwtLayer>();
    assert_thread_safe::<JwtService<()>>();
    assert_thread_safe::<JwksSource>();
}

#[test]
fn refusal_is_what_was_chosen() {
    let told = Answer::grpc(16, "no token");
    let jwt = jwt().with_answer(told.clone());

    for token in [None, Some("x.y.z")] {
        let mut head = head(token.unwrap_or_default());
        if token.is_none() {
            head.headers.clear();
        }
        assert_eq!(jwt.check(&mut head).expect_err("refused"), told);
    }
    let keyless = Jwt::new(JwtProvider::new(ISSUER, JwksSource::remote())).with_answer(told);
    let answer = keyless.check(&mut head(&token(&claims())));
    assert_eq!(answer.expect_err("refused").status(), 503);
}

#[test]
fn headers_that_say_how_a_message_is_sent_are_refused() {
    for name in SENDERS {
        assert!(jwt().with_claim_header(&["sub"], name).is_err(), "{name}");
        assert!(jwt().in_header(name).is_err(), "{name}");
    }
}

proptest! {
    /// A token with any character changed is none, and nothing panics.
    #[test]
    fn changed_token_is_none(at in 0..400_usize, to in "[ -~]") {
        let right = token(&claims());
        let at = at % right.len();
        let changed = format!("{}{to}{}", &right[..at], &right[at + 1..]);
        // The last bits of a part mean nothing.
        let last = [at + 1 == right.len(), right[at + 1..].starts_with('.')];
        prop_assume!(changed != right && !last.contains(&true));
        prop_assume!(!changed.trim().is_empty());

        prop_assert!(check(&changed).is_err(), "{}", changed);
    }

    /// Any text can be sent as a token.
    #[test]
    fn any_text_can_be_sent(token in "[ -~]{0,60}|[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}") {
        prop_assert!(check(&token).is_err());
    }
}
