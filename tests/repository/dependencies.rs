//! The main parts of `deny.toml`, held without cargo-deny.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn one_version_of_each_is_enough() {
    let skipped = listed("skip");
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in packages() {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let is_skipped =
            |skipped: &String| format!("{name}@{version}.").starts_with(&format!("{skipped}."));
        if !skipped.iter().any(is_skipped) {
            versions.entry(name).or_default().insert(version);
        }
    }

    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "{versions:#?}");
}

#[test]
fn what_is_banned_is_not_there() {
    let banned = listed("deny");
    assert!(banned.contains("openssl") && banned.contains("ring"));
    // With a condition: the test above sees to it.
    let only_once = ["http", "hyper", "rustls"];

    let found: Vec<_> = packages()
        .iter()
        .map(|package| text(&package["name"]))
        .filter(|name| banned.contains(name) && !only_once.contains(&name.as_str()))
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_package_is_ours_or_of_one_registry() {
    let packages = packages();

    let sources: BTreeSet<_> = packages
        .iter()
        .filter_map(|package| package["source"].as_str())
        .collect();

    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("registry+")));
}

#[test]
fn every_licence_is_allowed() {
    let allowed = listed("allow");
    assert!(allowed.contains("MIT"));

    for package in packages() {
        let licence = text(&package["license"]);
        assert!(
            permits(&licence, &allowed),
            "{} is under {licence:?}",
            package["name"]
        );
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let allowed = ["MIT", "Zlib", "A WITH B"].map(str::to_owned).into();

    for good in [
        "MIT",
        "GPL OR MIT",
        "GPL/MIT",
        "MIT AND Zlib",
        "(GPL OR MIT) AND Zlib",
        "A WITH B",
    ] {
        assert!(permits(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL",
        "MIT AND GPL",
        "(GPL OR MIT) AND GPL",
        "MIT AND Zlib AND GPL",
        "A",
    ] {
        assert!(!permits(bad, &allowed), "{bad}");
    }
}

/// Whether one may use what has this SPDX expression, under these licences.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // The old way to write OR.
    let expression = expression.replace('/', " OR ");
    any(expression.trim(), " OR ", |part| {
        // All of those joined by AND.
        !any(part, " AND ", |part| {
            match part
                .strip_prefix('(')
                .and_then(|part| part.strip_suffix(')'))
            {
                Some(inner) => !permits(inner, allowed),
                None => !allowed.contains(part),
            }
        })
    })
}

/// Whether `holds` for a part of `text` between separators outside of parentheses.
fn any(text: &str, separator: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut start = 0;
    let mut found = false;
    for (at, _) in text.match_indices(separator) {
        let before = &text[..at];
        if before.matches('(').count() == before.matches(')').count() {
            found |= holds(text[start..at].trim());
            start = at + separator.len();
        }
    }
    found | holds(text[start..].trim())
}

/// The quoted names in the list `name` of deny.toml.
fn listed(name: &str) -> BTreeSet<String> {
    let file = root().join("deny.toml");
    let text = fs::read_to_string(file).expect("deny.toml is there");
    let (_, list) = text
        .split_once(&format!("\n{name} = [\n"))
        .expect("is a list");
    let (list, _) = list.split_once("\n]").expect("ends");

    let lines = list.lines().filter(|line| !line.trim().starts_with('#'));
    lines
        .filter_map(|line| Some(line.split('"').nth(1)?.to_owned()))
        .collect()
}

/// Everything that is built for this machine, with what tests and examples need.
fn packages() -> Vec<Value> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", &target])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let metadata: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    let mut packages = metadata["packages"].as_array().expect("is a list").clone();
    let built = built(&target);
    packages.retain(|package| built.contains(&(text(&package["name"]), text(&package["version"]))));
    assert!(packages.len() > 100);
    packages
}

/// Names and versions of what is really built: the metadata has packages, too, that
/// only features would need which nobody asks for.
fn built(target: &str) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--workspace",
            "--prefix",
            "none",
        ])
        .args(["--all-features", "--format", "{p}", "--target", target])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    assert!(output.status.success());

    let text = String::from_utf8(output.stdout).expect("is text");
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some((name.to_owned(), version.strip_prefix('v')?.to_owned()))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));

    tests.parent().expect("tests are in the workspace")
}
