use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
enum Color {
    Red,
    Blue,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapped(u16);

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Part {
    name: String,
    port: Option<Wrapped>,
    color: Option<Color>,
    share: Option<f64>,
    #[serde(default)]
    parts: Vec<Self>,
    #[serde(default)]
    named: BTreeMap<String, Self>,
    #[serde(default)]
    free: Value,
}

fn misfit(value: Value) -> (Option<String>, String) {
    let Misfit { field, message } = decode::<Part>(value).expect_err("does not fit");
    (field, message)
}

fn at(field: &str, message: &str) -> (Option<String>, String) {
    (Some(field.to_owned()), message.to_owned())
}

#[test]
fn misfits_say_the_innermost_place() {
    let inner = |part: Value| json!({"name": "a", "parts": [{"name": "b"}, part]});

    assert_eq!(
        misfit(inner(json!({"name": 7}))),
        at(
            "parts[1].name",
            "invalid type: integer `7`, expected a string"
        )
    );
    assert_eq!(
        misfit(inner(json!({"name": null}))),
        at("parts[1].name", "invalid type: null, expected a string")
    );
    assert_eq!(
        misfit(inner(json!({"name": "c", "port": 70_000}))),
        at(
            "parts[1].port",
            "invalid value: integer `70000`, expected u16"
        )
    );
    assert_eq!(
        misfit(json!({"name": "a", "named": {"x": {}}})),
        at("named.x", "missing field `name`")
    );
    assert_eq!(misfit(json!({})).0, None);
    let (field, message) = misfit(json!({"name": "a", "color": "Green"}));
    assert_eq!(field.as_deref(), Some("color"));
    assert!(message.starts_with("unknown variant `Green`"), "{message}");
}

#[test]
fn fields_that_nobody_reads_are_noted_and_free_ones_are_not() {
    let value = json!({
        "name": "a", "nmae": 1, "free": {"any": {"thing": []}},
        "parts": [{"name": "b", "prot": {"x": 1}}],
        "named": {"x": {"name": "c", "y": null}},
    });

    let (_, mut unknown) = decode::<Part>(value).expect("fits");
    unknown.sort();

    assert_eq!(unknown, ["named.x.y", "nmae", "parts[0].prot"]);
}

/// Anything, much of which has the form of a part.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..70_000_u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![Just("Red"), Just("Green"), Just("b")].prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("name"),
        Just("name"),
        Just("port"),
        Just("color"),
        Just("share"),
        Just("parts"),
        Just("named"),
        Just("free"),
        Just("other"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let text = Just(("name".to_owned(), Value::from("a")));
        let field = (key.clone().prop_map(str::to_owned), inner.clone());
        let fields = (text, prop::collection::vec(field, 0..6));
        let object =
            fields.prop_map(|(name, rest)| Value::Object([name].into_iter().chain(rest).collect()));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads(value in anything()) {
        let ours = decode::<Part>(value.clone());
        let theirs = Part::deserialize(value);

        match (ours, theirs) {
            (Ok((ours, _)), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{ours:?} or {theirs:?}"),
        }
    }
}
