//! What this repository promises of itself: arrows, sizes, generated files, CI.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn crates_depend_on_each_other_as_drawn() {
    let drawn = [
        ("gateway-filters", vec![]),
        ("gateway-lb", vec![]),
        ("gateway-core", vec!["gateway-filters", "gateway-lb"]),
        ("gateway-k8s", vec!["gateway-core", "gateway-filters"]),
        ("gateway-bin", vec!["gateway-core", "gateway-k8s"]),
    ];

    let ours = arrows();
    for (name, drawn) in &drawn {
        let found: Vec<_> = ours[*name].iter().map(String::as_str).collect();
        assert_eq!(found, *drawn, "{name}");
    }
    // Those that may depend on anything are not crates.
    let others: Vec<_> = ours
        .keys()
        .filter(|name| !drawn.iter().any(|(drawn, _)| drawn == name))
        .collect();
    assert_eq!(others, ["gateway-examples", "gateway-tests"]);
}

#[test]
fn files_are_small_tests_apart() {
    let mut large = Vec::new();
    for file in rust_files() {
        let text = read(&file);
        if text.starts_with(GENERATED) {
            continue;
        }
        let is_test = file
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        let code = text.split("#[cfg(test)]\nmod tests {").next();
        let lines = code.unwrap_or_default().lines().count();
        if lines >= if is_test { 700 } else { 400 } {
            large.push((file, lines));
        }
    }

    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn generated_files_say_from_what_release() {
    let by_hand = ["mod.rs", "open_enum.rs", "tests.rs"];
    let release = release();

    let files = rust_files();
    let api: Vec<_> = files
        .iter()
        .filter(|file| {
            file.parent()
                .is_some_and(|folder| folder.ends_with("gateway-k8s/src/api"))
        })
        .filter(|file| !by_hand.iter().any(|name| file.ends_with(name)))
        .collect();
    assert!(api.len() > 10, "{api:?}");
    for file in api {
        let head: String = read(file).lines().take(2).collect();
        assert!(
            head.starts_with(GENERATED)
                && head.contains(&release)
                && head.ends_with("Do not edit."),
            "{}: {head}",
            file.display()
        );
    }
}

#[test]
fn ci_runs_the_command_of_the_front_page() {
    let printed = Command::new(root().join(".ci/readme-command"))
        .arg("test")
        .output()
        .expect("bash is there");
    let printed = String::from_utf8(printed.stdout).expect("is text");

    assert_eq!(
        printed.trim(),
        "cargo test --workspace --all-features --locked"
    );
    let run = read(&root().join(".ci/run"));
    assert!(run.contains("command=$(.ci/readme-command test)"));
    assert!(run.contains("bash -euc \"$command\""));
}

#[test]
fn no_file_with_tests_is_forgotten() {
    let manifest = read(&root().join("tests/Cargo.toml"));
    let suites = root().join("tests");

    let mut forgotten = Vec::new();
    for file in rust_files() {
        let Ok(path) = file.strip_prefix(&suites) else {
            continue;
        };
        let is_harness = path.starts_with("src");
        let mut folders = file.ancestors().skip(1);
        let is_part = folders.any(|folder| folder.join("main.rs").exists());
        if !is_harness && !is_part && !manifest.contains(&format!("\"{}\"", path.display())) {
            forgotten.push(file);
        }
    }

    assert!(forgotten.is_empty(), "{forgotten:#?}");
}

#[test]
fn nothing_names_a_place_of_one_machine() {
    // In parts, so that this file does not name them either.
    let places = [
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/ho", "me/"],
        ["..", "/shared"],
    ]
    .map(|part| part.concat());

    let mut named = Vec::new();
    for file in files(&[
        ".rs",
        ".md",
        ".toml",
        ".yaml",
        "/run",
        "/fetch",
        "/generate-api",
    ]) {
        for (number, line) in read(&file).lines().enumerate() {
            if places.iter().any(|place| line.contains(place)) {
                named.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }

    assert!(named.is_empty(), "{named:#?}");
}

/// What each package of the workspace depends on, of the others; tests apart.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--offline",
            "--locked",
            "--no-deps",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("is JSON");
    let packages = metadata["packages"].as_array().expect("is a list");

    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("is a list");
            let ours = dependencies
                .iter()
                .filter(|one| one["path"].is_string() && one["kind"].is_null())
                .map(|one| text(&one["name"]));
            (text(&package["name"]), ours.collect())
        })
        .collect()
}

/// The release that `tests/upstream/fetch` gets.
fn release() -> String {
    let fetch = read(&root().join("tests/upstream/fetch"));
    let line = fetch
        .lines()
        .find_map(|line| line.strip_prefix("VERSION = "));

    line.expect("names a release").trim_matches('"').to_owned()
}

fn rust_files() -> Vec<PathBuf> {
    files(&[".rs"])
}

/// The files of the repository whose paths end so.
fn files(ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("can be listed") {
            let path = entry.expect("can be listed").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if name != "target" && (name == ".ci" || !name.starts_with('.')) {
                    folders.push(path);
                }
            } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));

    tests
        .parent()
        .expect("tests are in the workspace")
        .to_owned()
}

const GENERATED: &str = "// Generated by ";
