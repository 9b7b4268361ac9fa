//! Who passes, who does not, and what the backend sees.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;

use super::check::{Decision, Verdict};
use super::*;
use crate::answer::Answer;
use crate::consumer::Consumer;
use crate::framing::SENDERS;
use crate::script::assert_thread_safe;

#[cfg(feature = "bcrypt")]
mod slow;

fn auth() -> BasicAuth {
    BasicAuth::new("shop")
        .and_then(|auth| auth.with_user("alice", Password::plain("wonder:land")))
        .and_then(|auth| auth.with_user("bob", Password::plain("")))
        .and_then(|auth| auth.with_user_header("x-user"))
        .expect("valid")
}

/// What becomes of a request with this head, where no password is slow.
fn check(auth: &BasicAuth, head: &mut Parts) -> Result<(), Answer> {
    let layer = BasicAuthLayer::new(auth.clone());
    let mut request = Request::from_parts(head.clone(), ());
    match layer.gate().decide(request.headers()) {
        Decision::Now(Verdict::Pass(index)) => {
            layer.gate().admit(index, &mut request);
            *head = request.into_parts().0;
            Ok(())
        }
        Decision::Now(_) => Err(auth.challenge.clone()),
        Decision::Later(_) => panic!("none is slow"),
    }
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

    check(&auth(), &mut head).expect("passes");

    assert_eq!(head.headers["x-user"], "alice");
    assert!(!head.headers.contains_key("authorization"));
    assert_eq!(head.extensions.get(), Some(&Consumer("alice".into())));
}

#[test]
fn credentials_are_forwarded_if_told() {
    let mut head = head(&[&basic("bob:")]);

    check(&auth().with_forwarded_credentials(true), &mut head).expect("passes");

    assert!(head.headers.contains_key("authorization"));
}

#[test]
fn scheme_is_read_in_any_case() {
    let value = basic("bob:").replace("Basic", "bASIC");

    assert!(check(&auth(), &mut head(&[&value])).is_ok());
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
        let answer = check(&auth(), &mut head(authorization)).expect_err("refused");
        assert_eq!(answer.status(), 401, "{authorization:?}");
        assert!(answer.headers().contains_key("www-authenticate"));
    }
}

#[test]
fn refusal_is_what_was_chosen() {
    let told = Answer::grpc(16, "no password");
    let auth = auth().with_answer(told.clone());

    assert_eq!(check(&auth, &mut head(&[])).expect_err("refused"), told);
}

#[test]
fn without_users_nobody_passes() {
    let none = BasicAuth::new("shop").expect("valid");

    assert!(check(&none, &mut head(&[&basic(":")])).is_err());
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
    for name in SENDERS {
        assert!(auth().with_user_header(name).is_err(), "{name}");
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
        assert!(check(&auth, &mut head(&[&right])).is_ok(), "{user}");
        assert!(check(&auth, &mut head(&[&wrong])).is_err(), "{user}");
    }

    let read = |file: &str| BasicAuth::new("shop").and_then(|auth| auth.with_htpasswd(file));
    assert_eq!(read("a"), Err(InvalidBasicAuth::Line { line: 1 }));
    for hash in [
        "$2y$05$x",
        "{SHA}AAAA",
        "$apr1$JGdjZ2Vk$DxpVWmUPlL8kNfUXpA6e80",
        "$5$salt$digest",
        "rl.3StKT.4T8M",
        "password",
        "",
    ] {
        let source = InvalidHash::Unknown;
        let expected = Err(InvalidBasicAuth::Hash { line: 2, source });
        assert_eq!(read(&format!("\na:{hash}")), expected, "{hash}");
    }
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
        prop_assert_eq!(check(&auth, &mut head(&[&value])).is_ok(), there);
    }

    /// Any header is read or refused; nothing panics, and what is random does not pass.
    #[test]
    fn any_header_can_be_sent(value in "[ -~]{0,40}|[Bb]asic [A-Za-z0-9+/=]{0,40}") {
        prop_assert!(check(&auth(), &mut head(&[&value])).is_err());
    }
}
