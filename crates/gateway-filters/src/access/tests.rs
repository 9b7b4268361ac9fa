use std::convert::Infallible;
use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::client_address::{ClientAddress, PeerAddress};
use crate::{Answer, CidrSet, Lookup};

fn set(networks: &[&str]) -> CidrSet {
    CidrSet::parse(networks).expect("valid")
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).expect("valid")
}

fn from(client: &str) -> Request<()> {
    let mut request = get("/");
    let client = ClientAddress(address(client));
    request.extensions_mut().insert(client);
    request
}

fn with(name: &str, values: &[&str]) -> Request<()> {
    let mut request = Request::get("/");
    for value in values {
        request = request.header(name, *value);
    }
    request.body(()).expect("valid")
}

fn deny_path(path: &str) -> AccessControl {
    let rule = AccessRule::deny().on_path_prefix(path).expect("valid");
    AccessControl::new().rule(rule).otherwise(Effect::Allow)
}

fn allow_path(path: &str) -> AccessControl {
    let rule = AccessRule::allow().on_path_prefix(path).expect("valid");
    AccessControl::new().rule(rule)
}

#[test]
fn every_request_passes_by_default() {
    assert_eq!(AccessControl::new().check(&get("/")), Ok(()));
}

#[test]
fn denied_address_is_refused_though_it_is_allowed() {
    let access = AccessControl::new()
        .deny_addresses(set(&["192.168.0.0/24"]))
        .allow_addresses(set(&["112.94.5.242", "192.168.0.0/16"]));

    assert_eq!(access.check(&from("112.94.5.242")), Ok(()));
    assert_eq!(access.check(&from("192.168.1.1")), Ok(()));
    assert_eq!(
        access.check(&from("192.168.0.1")),
        Err(AccessDenied::DeniedAddress)
    );
    assert_eq!(
        access.check(&from("10.42.0.1")),
        Err(AccessDenied::NotAllowedAddress)
    );
    assert_eq!(
        access.check(&from("::ffff:192.168.0.1")),
        Err(AccessDenied::DeniedAddress)
    );
}

#[test]
fn unknown_address_is_refused_where_addresses_matter() {
    let denied = AccessControl::new().deny_addresses(set(&["10.0.0.0/8"]));
    let allowed = AccessControl::new().allow_addresses(set(&["0.0.0.0/0", "::/0"]));

    for access in [denied, allowed] {
        assert_eq!(access.check(&get("/")), Err(AccessDenied::UnknownAddress));
        assert_eq!(access.check(&from("192.0.2.1")), Ok(()));
    }
}

#[test]
fn empty_allowed_set_refuses_everybody() {
    let access = AccessControl::new().allow_addresses(CidrSet::default());

    assert_eq!(
        access.check(&from("192.0.2.1")),
        Err(AccessDenied::NotAllowedAddress)
    );
}

#[test]
fn client_or_peer_is_looked_at() {
    let client = AccessControl::new().allow_addresses(set(&["192.0.2.1"]));
    let peer = client.clone().by(AddressSource::Peer);
    let mut request = from("192.0.2.1");
    request
        .extensions_mut()
        .insert(PeerAddress(address("198.51.100.1")));

    assert_eq!(client.check(&request), Ok(()));
    assert_eq!(peer.check(&request), Err(AccessDenied::NotAllowedAddress));
    assert_eq!(
        peer.check(&from("192.0.2.1")),
        Err(AccessDenied::UnknownAddress)
    );
}

#[test]
fn first_rule_that_holds_decides() {
    let access = AccessControl::new()
        .rule(AccessRule::allow().on_method(Method::GET))
        .rule(AccessRule::deny())
        .rule(AccessRule::allow());

    assert_eq!(access.check(&get("/")), Ok(()));
    let put = Request::put("/").body(()).expect("valid");
    assert_eq!(access.check(&put), Err(AccessDenied::Rule { rule: 1 }));
}

#[test]
fn request_that_no_rule_knows_is_refused_unless_said_otherwise() {
    let access = AccessControl::new().rule(AccessRule::deny().on_method(Method::PUT));

    assert_eq!(access.check(&get("/")), Err(AccessDenied::NoRule));
    assert_eq!(access.otherwise(Effect::Allow).check(&get("/")), Ok(()));
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let rule = AccessRule::allow()
        .on_method(Method::GET)
        .on_method(Method::HEAD)
        .on_path("/a")
        .and_then(|rule| rule.on_path("/b"))
        .expect("valid")
        .on_addresses(set(&["192.0.2.0/24"]));
    let access = AccessControl::new().rule(rule);
    let check = |method, path: &str, client: &str| {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        request
            .extensions_mut()
            .insert(ClientAddress(address(client)));
        access.check(&request).is_ok()
    };

    assert!(check(Method::GET, "/a", "192.0.2.1"));
    assert!(check(Method::HEAD, "/b?query", "192.0.2.1"));
    assert!(!check(Method::PUT, "/a", "192.0.2.1"));
    assert!(!check(Method::GET, "/a/", "192.0.2.1"));
    assert!(!check(Method::GET, "/a", "198.51.100.1"));
}

#[test]
fn address_that_is_not_known_is_held_against_a_request() {
    let networks = set(&["192.0.2.0/24"]);
    let allow = AccessControl::new().rule(AccessRule::allow().on_addresses(networks.clone()));
    let deny = AccessControl::new()
        .rule(AccessRule::deny().on_addresses(networks))
        .otherwise(Effect::Allow);

    assert_eq!(allow.check(&get("/")), Err(AccessDenied::NoRule));
    assert_eq!(deny.check(&get("/")), Err(AccessDenied::Rule { rule: 0 }));
    assert_eq!(deny.check(&from("198.51.100.1")), Ok(()));
}

#[test]
fn header_lines_are_held_against_a_request() {
    let role = HeaderName::from_static("x-role");
    let allow =
        AccessControl::new().rule(AccessRule::allow().on_header(role.clone(), ["admin", "staff"]));
    let deny = AccessControl::new()
        .rule(AccessRule::deny().on_header(role, ["guest"]))
        .otherwise(Effect::Allow);

    assert!(allow.check(&with("x-role", &["staff"])).is_ok());
    assert!(allow.check(&with("x-role", &["staff", "admin"])).is_ok());
    assert!(allow.check(&with("x-role", &["staff", "guest"])).is_err());
    assert!(allow.check(&with("x-role", &[])).is_err());
    assert!(deny.check(&with("x-role", &["staff", "guest"])).is_err());
    assert!(deny.check(&with("x-role", &["staff"])).is_ok());
    assert!(deny.check(&with("x-role", &[])).is_ok());
}

#[test]
fn condition_without_values_refuses_and_never_allows() {
    let role = HeaderName::from_static("x-role");
    let none: [&str; 0] = [];
    let deny = AccessControl::new()
        .rule(AccessRule::deny().on_header(role.clone(), none))
        .otherwise(Effect::Allow);
    let allow = AccessControl::new().rule(AccessRule::allow().on_header(role, none));

    assert!(deny.check(&with("x-role", &["admin"])).is_err());
    assert_eq!(deny.check(&get("/")), Ok(()));
    assert!(allow.check(&with("x-role", &["admin"])).is_err());
    assert!(allow.check(&get("/")).is_err());
}

#[test]
fn what_another_layer_found_out_is_a_condition() {
    #[derive(Clone)]
    struct Groups(Vec<&'static str>);
    let groups = Lookup::new("claim groups", |extensions, found| {
        let groups = extensions.get::<Groups>();
        groups
            .iter()
            .flat_map(|groups| &groups.0)
            .for_each(|group| found(group));
    });
    let access = AccessControl::new().rule(AccessRule::allow().on_lookup(groups, ["staff"]));
    let check = |groups: &[&'static str]| {
        let mut request = get("/");
        request.extensions_mut().insert(Groups(groups.to_vec()));
        access.check(&request).is_ok()
    };

    assert!(check(&["guests", "staff"]));
    assert!(!check(&["guests"]));
    assert!(access.check(&get("/")).is_err());
}

#[test]
fn path_that_can_be_read_in_two_ways_passes_in_neither() {
    let doubtful = "/public/..%2fadmin";
    let other = "/x/..%2fpublic";

    assert!(deny_path("/admin").check(&get(doubtful)).is_err());
    assert!(deny_path("/public").check(&get(doubtful)).is_err());
    assert!(allow_path("/admin").check(&get(doubtful)).is_err());
    assert!(allow_path("/public").check(&get(doubtful)).is_err());
    assert!(allow_path("/public").check(&get(other)).is_err());
    assert!(allow_path("/public").check(&get("/public/%61")).is_ok());
}

#[test]
fn pattern_may_be_written_encoded() {
    let access = deny_path("/caf%C3%A9");

    assert!(access.check(&get("/caf%c3%a9/x")).is_err());
    assert!(access.check(&get("/cafe")).is_ok());
}

async fn respond(access: AccessControl, request: Request<()>) -> Response<Bytes> {
    let service = AccessLayer::new(access).layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Bytes::from_static(b"secret")))
    }));
    service.oneshot(request).await.expect("infallible")
}

#[tokio::test]
async fn refusal_has_the_answer_and_its_reason() {
    let answer = Answer::new(401).expect("valid").with_text("Forbidden");
    let access = AccessControl::new()
        .allow_addresses(set(&["192.0.2.1"]))
        .with_answer(answer);

    let refused = respond(access.clone(), from("198.51.100.1")).await;
    let passed = respond(access, from("192.0.2.1")).await;

    assert_eq!(refused.status(), 401);
    assert_eq!(refused.body(), "Forbidden");
    assert_eq!(
        refused.extensions().get(),
        Some(&AccessDenied::NotAllowedAddress)
    );
    assert_eq!(passed.body(), "secret");
}

#[tokio::test]
async fn refusal_is_403_by_default() {
    let access = AccessControl::new().rule(AccessRule::deny());

    let refused = respond(access, get("/")).await;

    assert_eq!(refused.status(), 403);
    assert!(refused.body().is_empty());
}

/// Ways to write `/admin` from which a lenient backend reads it.
fn disguises() -> impl Strategy<Value = String> {
    let letter = |byte: u8| {
        prop_oneof![
            Just((byte as char).to_string()),
            Just(format!("%{byte:02x}")),
            Just(format!("%{byte:02X}")),
        ]
    };
    let letters = b"admin".map(letter).to_vec();
    let slash = prop_oneof![
        Just("/"),
        Just("//"),
        Just("/./"),
        Just("%2f"),
        Just("\\"),
        Just("/x/../"),
        Just("/;a/")
    ];
    let dots = prop_oneof![
        Just(""),
        Just("/y/.."),
        Just("/y/%2e%2E"),
        Just("/y/.%2e;z"),
        Just("/..")
    ];
    let end = prop_oneof![
        Just(""),
        Just("/"),
        Just(";b"),
        Just("/users"),
        Just("%2Fusers")
    ];
    (dots, slash, letters, end)
        .prop_map(|(dots, slash, letters, end)| format!("{dots}{slash}{}{end}", letters.concat()))
}

proptest! {
    /// No way of writing a denied path passes.
    #[test]
    fn denied_path_is_refused_in_every_disguise(path in disguises()) {
        prop_assume!(path.starts_with('/'));
        if let Ok(request) = Request::get(&path).body(()) {
            prop_assert!(deny_path("/admin").check(&request).is_err(), "{}", path);
        }
    }

    /// What one rule allows and another would deny in the same words is never allowed by both:
    /// allowing asks for more than denying.
    #[test]
    fn allowing_asks_for_more_than_denying(path in "/(a|b|/|%61|%2f|\\.|;){0,10}") {
        let request = get(&path);

        if allow_path("/a").check(&request).is_ok() {
            prop_assert!(deny_path("/a").check(&request).is_err());
        }
    }

    /// With both sets, exactly those pass that are allowed and not denied.
    #[test]
    fn addresses_pass_if_allowed_and_not_denied(
        denied in vec(0..8_u8, 0..4),
        allowed in proptest::option::of(vec(0..8_u8, 0..4)),
        client in 0..8_u8,
    ) {
        let networks = |last: &[u8]| {
            CidrSet::parse(last.iter().map(|last| format!("192.0.2.{last}"))).expect("valid")
        };
        let mut access = AccessControl::new().deny_addresses(networks(&denied));
        if let Some(allowed) = &allowed {
            access = access.allow_addresses(networks(allowed));
        }

        let passes = access.check(&from(&format!("192.0.2.{client}"))).is_ok();

        let expected = allowed.is_none_or(|allowed| allowed.contains(&client));
        prop_assert_eq!(passes, expected && !denied.contains(&client));
    }
}

/// How a server reads a path.
#[derive(Clone, Copy, Debug)]
struct Server {
    decodes: Decodes,
    backslash_is_slash: bool,
    cuts_parameters: bool,
    /// Before it looks for backslashes.
    cuts_first: bool,
    merges_slashes: bool,
    resolves_dots: bool,
}

#[derive(Clone, Copy, Debug)]
enum Decodes {
    First,
    Elements,
    Last,
    Never,
}

impl Server {
    fn reads(self, path: &str) -> String {
        let decode = |text: &str| {
            let bytes = percent_encoding::percent_decode_str(text);
            bytes.decode_utf8_lossy().into_owned()
        };
        let cut = |element: &str| match element.split_once(';') {
            Some((element, _)) if self.cuts_parameters => element.to_owned(),
            _ => element.to_owned(),
        };
        let path = match self.decodes {
            Decodes::First => decode(path),
            _ => path.to_owned(),
        };
        let mut elements: Vec<String> = path[1..].split('/').map(str::to_owned).collect();
        if self.cuts_first {
            elements = elements.iter().map(|element| cut(element)).collect();
        }
        if self.backslash_is_slash {
            let split = elements.iter().flat_map(|element| element.split('\\'));
            elements = split.map(str::to_owned).collect();
        }
        elements = elements.iter().map(|element| cut(element)).collect();
        if matches!(self.decodes, Decodes::Elements) {
            elements = elements.iter().map(|element| decode(element)).collect();
        }
        let resolved = format!("/{}", self.resolve(elements).join("/"));
        match self.decodes {
            Decodes::Last => decode(&resolved),
            _ => resolved,
        }
    }

    fn resolve(self, elements: Vec<String>) -> Vec<String> {
        let mut resolved: Vec<String> = Vec::new();
        let mut below = false;
        for element in elements {
            below = element.is_empty() && self.merges_slashes
                || self.resolves_dots && (element == "." || element == "..");
            match (below, &*element) {
                (true, "..") => drop(resolved.pop()),
                (true, _) => {}
                (false, _) => resolved.push(element),
            }
        }
        if below {
            resolved.push(String::new());
        }
        resolved
    }
}

fn servers() -> impl Strategy<Value = Server> {
    let decodes = prop_oneof![
        Just(Decodes::First),
        Just(Decodes::Elements),
        Just(Decodes::Last),
        Just(Decodes::Never),
    ];
    (decodes, any::<[bool; 5]>()).prop_map(|(decodes, [one, two, three, four, five])| Server {
        decodes,
        backslash_is_slash: one,
        cuts_parameters: two,
        cuts_first: three,
        merges_slashes: four,
        resolves_dots: five,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever a server makes of a path: it serves nothing that is denied, and nothing but what is
    /// allowed.
    #[test]
    fn no_server_can_be_made_to_serve_what_it_should_not(
        path in "(/|/|a|b|\\.|\\.\\.|%2e|%2F|%61|;|%3b|\\\\|%5C|/\\.\\./){0,8}(/a|/b|/a/b)",
        wanted in prop_oneof![Just("/a"), Just("/b"), Just("/a/b")],
        server in servers(),
    ) {
        let path = format!("/{path}");
        let uri = http::Uri::try_from(path.as_str());
        prop_assume!(uri.as_ref().is_ok_and(|uri| uri.path() == path));
        let mut request = Request::new(());
        *request.uri_mut() = uri.expect("assumed");
        let read = server.reads(&path);
        let rest = read.strip_prefix(wanted);
        let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));

        for (deny, allow, is_wanted) in [
            (AccessRule::deny().on_path(wanted), AccessRule::allow().on_path(wanted), read == wanted),
            (AccessRule::deny().on_path_prefix(wanted), AccessRule::allow().on_path_prefix(wanted), is_below),
        ] {
            let denying = AccessControl::new().rule(deny.expect("a path")).otherwise(Effect::Allow);
            let allowing = AccessControl::new().rule(allow.expect("a path"));

            prop_assert!(!is_wanted || denying.check(&request).is_err(), "{} is {}", path, read);
            prop_assert!(is_wanted || allowing.check(&request).is_err(), "{} is {}", path, read);
        }
    }
}
