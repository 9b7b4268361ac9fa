//! Who passes, who does not, and what the backend sees.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;

use super::*;
use crate::consumer::Consumer;
use crate::guard::Guard;
use crate::script::assert_thread_safe;

fn auth() -> BasicAuth {
    BasicAuth::new("shop")
        .and_then(|auth| auth.with_user("alice", Password::plain("wonder:land")))
        .and_then(|auth| auth.with_user("bob", Password::plain("")))
        .and_then(|auth| auth.with_user_header("x-user"))
        .expect("valid")
}

fn head(authorization: &[&str]) -> Parts {
    let mut request = Request::get("/").header("x-user", "root");
    for value in authorization {
        request = request.header("authorization", *value);
    }
    request.body(()).expect("valid").into_parts().0
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

#[test]
fn right_password_passes_and_names_the_user() {
    let mut head = head(&[&basic("alice:wonder:land")]);

    auth().check(&mut head).expect("passes");

    assert_eq!(head.headers["x-user"], "alice");
    assert!(!head.headers.contains_key("authorization"));
    assert_eq!(head.extensions.get(), Some(&Consumer("alice".into())));
}

#[test]
fn credentials_are_forwarded_if_told() {
    let mut head = head(&[&basic("bob:")]);

    auth()
        .with_forwarded_credentials(true)
        .check(&mut head)
        .expect("passes");

    assert!(head.headers.contains_key("authorization"));
}

#[test]
fn scheme_is_read_in_any_case() {
    let value = basic("bob:").replace("Basic", "bASIC");

    assert!(auth().check(&mut head(&[&value])).is_ok());
}

#[test]
fn everything_else_is_challenged() {
    let (alice, bob) = (basic("alice:wonder:land"), basic("bob:"));
    let table: [&[&str]; 10] = [
        &[],
        &[""],
        &["Basic"],
        &["Basic "],
        &["Basic !!!"],
        &[&basic("alice")],
        &[&basic("alice:wonder")],
        &[&basic("bob:wonder:land")],
        &[&alice.replace("Basic", "Bearer")],
        &[&alice, &bob],
    ];

    for authorization in table {
        let answer = auth().check(&mut head(authorization)).expect_err("refused");
        assert_eq!(answer.status(), 401, "{authorization:?}");
        assert!(answer.headers().contains_key("www-authenticate"));
    }
}

#[test]
fn without_users_nobody_passes() {
    let none = BasicAuth::new("shop").expect("valid");

    assert!(none.check(&mut head(&[&basic(":")])).is_err());
}

#[test]
fn odd_settings_are_refused() {
    for realm in ["a\"b", "a\\b", "a\nb", "ä"] {
        assert!(BasicAuth::new(realm).is_err(), "{realm}");
    }
    for name in ["", "a:b", "a\nb", "alice"] {
        assert!(
            auth().with_user(name, Password::plain("x")).is_err(),
            "{name}"
        );
    }
}

#[test]
fn passwords_are_not_printed() {
    assert!(!format!("{:?}", auth()).contains("wonder"));
}

#[cfg(feature = "htpasswd")]
#[test]
fn hashed_passwords_are_read() {
    let file = "# users\n\n\
        alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n\
        bob:{SHA256}XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=\n";
    let auth = BasicAuth::new("shop")
        .and_then(|auth| auth.with_htpasswd(file))
        .expect("valid");

    for user in ["alice", "bob"] {
        let right = basic(&format!("{user}:password"));
        let wrong = basic(&format!("{user}:passwort"));
        assert!(auth.check(&mut head(&[&right])).is_ok(), "{user}");
        assert!(auth.check(&mut head(&[&wrong])).is_err(), "{user}");
    }

    let read = |file| BasicAuth::new("shop").and_then(|auth| auth.with_htpasswd(file));
    assert_eq!(read("a"), Err(InvalidBasicAuth::Line { line: 1 }));
    assert_eq!(
        read("\na:$2y$05$x"),
        Err(InvalidBasicAuth::Hash { line: 2 })
    );
    assert_eq!(read("a:{SHA}AAAA"), Err(InvalidBasicAuth::Hash { line: 1 }));
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<BasicAuthLayer>();
    assert_thread_safe::<BasicAuthService<()>>();
}

proptest! {
    /// Nothing but a name and password that were given passes.
    #[test]
    fn only_what_was_given_passes(name in "[ab]{0,2}", password in "[ab:]{0,3}") {
        let auth = BasicAuth::new("shop")
            .and_then(|auth| auth.with_user("a", Password::plain("b:")))
            .and_then(|auth| auth.with_user("ab", Password::plain("a")))
            .expect("valid");
        let there = [("a", "b:"), ("ab", "a")].contains(&(name.as_str(), password.as_str()));

        let value = basic(&format!("{name}:{password}"));
        prop_assert_eq!(auth.check(&mut head(&[&value])).is_ok(), there);
    }

    /// Any header is read or refused; nothing panics, and what is random does not pass.
    #[test]
    fn any_header_can_be_sent(value in "[ -~]{0,40}|[Bb]asic [A-Za-z0-9+/=]{0,40}") {
        prop_assert!(auth().check(&mut head(&[&value])).is_err());
    }
}
