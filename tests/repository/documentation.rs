//! The pages beside the code say what the code does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gateway_core::model::{Configuration, Gateway as Edge, Listener};
use gateway_core::{Failure, Gateway, Side};
use gateway_k8s::resolve::{Settings, resolve};
use gateway_k8s::source::folder::Folder;

#[test]
fn every_failure_is_described_and_nothing_else() {
    let page = read("docs/errors.md");
    let described: BTreeMap<_, _> = rows(&page)
        .filter(|cells| cells.len() == 5)
        .filter_map(|cells| {
            let reason = cells[0].strip_prefix('`')?.strip_suffix('`')?;
            Some((
                reason.to_owned(),
                (cells[1].to_owned(), cells[2].to_owned()),
            ))
        })
        .collect();

    let known: BTreeMap<_, _> = Failure::all()
        .map(|failure| {
            let side = match failure.side {
                Side::Downstream => "downstream",
                Side::Gateway => "gateway",
                Side::Upstream => "upstream",
            };
            let told = (failure.status.as_str().to_owned(), side.to_owned());
            (failure.reason.to_owned(), told)
        })
        .collect();

    assert_eq!(described, known);
}

#[test]
fn no_failure_is_missing_from_the_list() {
    let rescue = read("crates/gateway-core/src/rescue.rs");
    let constants = rescue.matches("    pub const ").count();
    let admission = read("crates/gateway-core/src/admission/mod.rs");
    let refusals = admission.matches("=> \"").count();

    assert!(constants > 5 && refusals > 5);
    assert_eq!(Failure::all().count(), constants + refusals);
}

#[test]
fn every_metric_is_described_and_nothing_else() {
    let page = read("docs/metrics.md");
    let described: Vec<_> = rows(&page)
        .filter(|cells| cells[0].starts_with("`gateway_"))
        .map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1].to_owned()))
        .collect();
    let families = read("crates/gateway-bin/src/admin/families.rs");
    let mut exported: Vec<_> = families
        .split("Family::")
        .skip(1)
        .map(|family| {
            let (kind, rest) = family.split_once('(').expect("is made by a function");
            let name = rest.split('"').nth(1).expect("has a name");
            (name.to_owned(), kind.to_owned())
        })
        .collect();

    let mut sorted = described.clone();
    sorted.sort();
    exported.sort();
    assert!(exported.len() > 30);
    assert_eq!(sorted, exported);
}

#[test]
fn every_label_that_is_a_list_is_described() {
    let gateway = Gateway::builder().workers(1).build();
    let edge = Edge::new("edge").with_address([127, 0, 0, 1].into());
    let edge = edge.with_listener(Listener::http("web", 0));
    gateway.update(Configuration::new().with_gateway(edge));
    let metrics = gateway.metrics();
    let at = &metrics.addresses[0];
    let listed = at.handshakes.failures.iter().chain(&at.streams.ended);
    let known: Vec<_> = listed.map(|(label, _)| format!("`{label}`")).collect();

    let page = read("docs/metrics.md");
    let described: Vec<_> = rows(&page)
        .map(|cells| cells[0].to_owned())
        .filter(|name| name.starts_with('`') && !name.starts_with("`gateway_"))
        .filter(|name| !name.starts_with("`/"))
        .collect();

    assert_eq!(described, known);
}

#[test]
fn files_that_are_named_exist() {
    for page in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "docs/errors.md",
        "docs/life-of-a-request.md",
        "docs/metrics.md",
        "docs/tenets.md",
    ] {
        for named in read(page).split('`').skip(1).step_by(2) {
            let is_path = ["crates/", "docs/", "examples/", "tests/", ".ci/"]
                .iter()
                .any(|start| named.starts_with(start));
            let is_made_up = named.contains("size_limit") || named.starts_with("crates/x/");
            if is_path && !is_made_up && !named.contains(' ') {
                assert!(root().join(named).exists(), "{page} names {named}");
            }
        }
    }
}

#[test]
fn links_lead_to_files() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("can be read");
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            if !link.is_empty() && !link.starts_with("https://") {
                let to = page.parent().expect("is in a folder").join(link);
                assert!(to.exists(), "{} leads to {link}", page.display());
                links += 1;
            }
        }
    }

    assert!(links > 20, "{links}");
}

#[test]
fn every_invariant_has_its_test() {
    let page = read("ARCHITECTURE.md");
    let (_, invariants) = page.split_once("## Invariants").expect("has that chapter");

    let mut numbers = Vec::new();
    for cells in rows(invariants).filter(|cells| cells[0].parse::<usize>().is_ok()) {
        let mut named = cells[2].split('`').skip(1).step_by(2);
        let (file, test) = (named.next().expect("a file"), named.next().expect("a test"));
        let text = read(file);

        let at = text
            .find(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{file} has no {test}"));
        let before: Vec<_> = text[..at].lines().rev().take(4).collect();
        assert!(
            before.iter().any(|line| line.contains("test")),
            "{test} is no test: {before:?}"
        );
        numbers.push(cells[0].parse::<usize>().expect("was parsed before"));
    }

    assert!(numbers.len() > 10);
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}

#[test]
fn front_page_has_two_commands() {
    let page = read("README.md");
    let marked: Vec<_> = page
        .split("<!-- ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(" -->\n```sh\n")?;
            let (command, _) = rest.split_once("\n```")?;
            Some((name, command))
        })
        .collect();

    assert_eq!(
        marked,
        [
            ("run", "cargo run --release -- quickstart"),
            ("test", "cargo test --workspace --all-features --locked"),
        ]
    );
    assert!(page.lines().count() < 130, "is longer than two screens");
}

#[test]
fn example_manifests_have_no_problem() {
    let reading = Folder::new([root().join("examples/manifests")]).read();
    assert!(reading.problems().is_empty(), "{:#?}", reading.problems());

    let resolved = resolve(&reading.world, &Settings::folder());
    let problems: Vec<_> = resolved.verdicts.problems().collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let gateways = resolved.configuration.gateways();
    assert_eq!(gateways.len(), 1);
    assert_eq!(gateways[0].listeners()[0].routes().len(), 1);
    assert_eq!(resolved.configuration.backends().len(), 2);
}

/// The cells of the rows of all tables.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect())
}

fn pages() -> Vec<PathBuf> {
    let folders = [
        "",
        "docs",
        "examples",
        "crates/gateway-filters",
        "crates/gateway-lb",
    ];
    let entries = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).expect("can be listed"));

    entries
        .map(|entry| entry.expect("can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));

    tests.parent().expect("tests are in the workspace")
}
