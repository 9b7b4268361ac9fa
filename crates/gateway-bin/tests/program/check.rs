//! `gateway check`.

use crate::harness::{Manifests, gateway, gateway_says, path_of, route, service};

fn good() -> Manifests {
    let text = gateway(8080) + &route("shop", "shop.test", "cart") + &service("cart", 9001);
    Manifests::new().with("a.yaml", &text)
}

#[test]
fn good_manifests_have_a_table_and_no_problems() {
    let said = gateway_says(&["check", &good().path()]);

    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<_> = said.out.lines().collect();
    assert!(lines[0].starts_with("OBJECT"), "{}", said.out);
    let column = lines[0].find("CONDITION").expect("is a column");
    for line in lines.iter().filter(|line| line.contains(" True ")) {
        assert!(
            line.is_char_boundary(column) && !line[column..].starts_with(' '),
            "{line}"
        );
    }
    assert!(said.out.contains("Gateway default/web "));
    assert!(said.out.contains("  listener http, 1 route "));
    assert!(
        said.out
            .contains("HTTPRoute default/shop at Gateway default/web ")
    );
    assert!(
        said.out
            .ends_with("1 Gateway would be served; no problems\n"),
        "{}",
        said.out
    );
    assert!(!said.out.contains('\x1b'), "is no terminal");
}

#[test]
fn missing_backend_is_told_with_its_line_and_fails() {
    let text = gateway(8080) + &route("shop", "shop.test", "nobody");
    let manifests = Manifests::new().with("a.yaml", &text);

    let said = gateway_says(&["check", &manifests.path()]);

    assert_eq!(said.code, Some(1));
    let line = 1 + text
        .lines()
        .position(|line| line.contains("nobody"))
        .expect("is there");
    let place = format!(
        "{}:{line}: error: HTTPRoute default/shop: spec.rules[0]",
        path_of(&manifests, "a.yaml")
    );
    assert!(said.out.contains(&place), "{place} in {}", said.out);
    assert!(said.out.contains("BackendNotFound"), "{}", said.out);
    assert!(said.out.contains("1 error, 0 warnings"), "{}", said.out);
}

#[test]
fn one_mistake_is_told_once() {
    let text = gateway(8080) + &route("shop", "shop.test", "nobody");
    let manifests = Manifests::new().with("a.yaml", &text);

    let said = gateway_says(&["check", "--output", "json", &manifests.path()]);

    let problems = said.json()["problems"]
        .as_array()
        .cloned()
        .expect("is a list");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0]["condition"], "ResolvedRefs");
    assert_eq!(problems[0]["severity"], "error");
}

#[test]
fn syntax_errors_fail_and_the_rest_is_checked() {
    let manifests = good().with("b.yaml", "kind: Gateway\nspec: [\n");

    let said = gateway_says(&["check", "-o", "json", &manifests.path()]);

    assert_eq!(said.code, Some(1));
    let json = said.json();
    assert_eq!(json["summary"]["gateways_served"], 1);
    assert!(
        json["problems"][0]["file"]
            .as_str()
            .is_some_and(|file| file.ends_with("b.yaml"))
    );
}

#[test]
fn unknown_fields_fail_only_where_that_is_asked_for() {
    let manifests = Manifests::new().with("a.yaml", &(gateway(8080) + "    color: red\n"));

    let lenient = gateway_says(&["check", &manifests.path()]);
    let strict = gateway_says(&["check", "--strict", &manifests.path()]);

    assert_eq!(
        (lenient.code, strict.code),
        (Some(0), Some(1)),
        "{lenient:?}"
    );
    assert!(
        lenient
            .out
            .contains("warning: Gateway default/web: spec.listeners[0].color")
    );
    assert!(lenient.out.contains("1 warning\n"), "{}", lenient.out);
}

#[test]
fn json_has_every_condition() {
    let json = gateway_says(&["check", "-o", "json", &good().path()]).json();

    let objects = json["objects"].as_array().expect("is a list");
    let listener = objects
        .iter()
        .find(|one| one["listener"] == "http")
        .expect("is there");
    assert_eq!(listener["attached_routes"], 1);
    assert_eq!(listener["conditions"][0]["type"], "Accepted");
    assert_eq!(listener["conditions"][0]["status"], "True");
}

#[test]
fn path_that_is_not_there_is_no_use() {
    let said = gateway_says(&["check", "/nonexistent/manifests"]);

    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .starts_with("error: cannot read /nonexistent/manifests: "),
        "{}",
        said.err
    );
    assert!(said.err.contains("help: "), "{}", said.err);
}

#[test]
fn wrong_arguments_end_with_two() {
    assert_eq!(gateway_says(&["check"]).code, Some(2));
    assert_eq!(gateway_says(&["run", "x", "--workers", "0"]).code, Some(2));
    assert_eq!(gateway_says(&["run", "x", "--log", "loud"]).code, Some(2));
}

#[test]
fn completions_and_version_are_printed() {
    let script = gateway_says(&["completions", "bash"]);
    let version = gateway_says(&["--version"]);

    assert!(script.code == Some(0) && script.out.contains("quickstart"));
    assert_eq!(
        version.out,
        format!("gateway {}\n", env!("CARGO_PKG_VERSION"))
    );
}
