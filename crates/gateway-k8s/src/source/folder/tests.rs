use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::{TempDir, tempdir};

use super::{Folder, FolderWatcher, Reading};
use crate::api::{Gateway, HttpRoute};
use crate::source::Severity;
use crate::world::{Kind, ObjectRef};

/// A folder with files, and what it reads.
struct Bench {
    dir: TempDir,
    folder: Folder,
}

impl Bench {
    fn new() -> Self {
        let dir = tempdir().expect("a folder");
        let folder = Folder::new([dir.path()]);
        Self { dir, folder }
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(name, text);
        self
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("is in the folder")).expect("can be made");
        fs::write(path, text).expect("can be written");
    }

    fn read(&mut self) -> Reading {
        self.folder.read()
    }

    /// The problems, with paths from the folder.
    fn problems(&mut self) -> Vec<String> {
        let base = format!("{}/", self.dir.path().display());
        let problems = self.read().problems().to_vec();
        problems
            .iter()
            .map(|problem| problem.to_string().replace(&base, ""))
            .collect()
    }
}

fn route(name: &str, hostname: &str) -> String {
    format!(
        "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {name}
  namespace: shop
spec:
  hostnames: [{hostname}]
  rules:
  - backendRefs:
    - name: {name}
      port: 80
"
    )
}

fn hostname(reading: &Reading, name: &str) -> Option<String> {
    let route = reading.world.http_routes.get("shop", name)?;
    route.spec.hostnames.as_ref()?.first().cloned()
}

fn name_of<T: Kind>(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::new::<T>(namespace, name)
}

#[test]
fn readings_can_be_sent_and_shared() {
    fn is_shared<T: Send + Sync + 'static>() {}

    is_shared::<Folder>();
    is_shared::<FolderWatcher>();
    is_shared::<Reading>();
}

#[test]
fn yaml_and_json_and_lists_are_read() {
    let mut bench = Bench::new()
        .with(
            "a.yaml",
            route("one", "one.test") + &route("two", "two.test"),
        )
        .with(
            "b.json",
            r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}"#,
        )
        .with(
            "c.yml",
            "apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: shop}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.1]}]
",
        );

    let reading = bench.read();

    assert_eq!(reading.problems(), []);
    assert_eq!(hostname(&reading, "one").as_deref(), Some("one.test"));
    assert_eq!(hostname(&reading, "two").as_deref(), Some("two.test"));
    assert!(reading.world.services.get("default", "web").is_some());
    assert!(reading.world.namespaces.get("", "shop").is_some());
    assert_eq!(
        reading
            .world
            .endpoint_slices
            .owned_by("default", "web")
            .count(),
        1
    );
}

#[test]
fn all_served_versions_are_one_kind() {
    let older = route("one", "one.test").replace("io/v1", "io/v1beta1");
    let mut bench = Bench::new().with("a.yaml", older);

    assert_eq!(hostname(&bench.read(), "one").as_deref(), Some("one.test"));
}

#[test]
fn other_versions_are_refused() {
    let newer = route("one", "one.test").replace("io/v1", "io/v3");
    let mut bench = Bench::new().with("a.yaml", newer);

    assert_eq!(
        bench.problems(),
        [
            "a.yaml:2: error: HTTPRoute shop/one: apiVersion: HTTPRoute has no version \"v3\" this \
          gateway reads; use one of v1, v1beta1, v1alpha3, v1alpha2"
        ]
    );
    assert!(bench.read().world.http_routes.is_empty());
}

#[test]
fn folders_are_searched_and_hidden_files_are_not() {
    let mut bench = Bench::new()
        .with("deep/er/a.yaml", route("one", "one.test"))
        .with(".hidden.yaml", route("two", "two.test"))
        .with(".git/a.yaml", route("three", "three.test"))
        .with("notes.txt", route("four", "four.test"));

    let reading = bench.read();

    let names: Vec<_> = reading
        .world
        .http_routes
        .iter()
        .filter_map(|route| route.metadata.name.clone())
        .collect();
    assert_eq!(names, ["one"]);
}

#[cfg(unix)]
#[test]
fn a_mounted_config_map_is_read_once_and_follows_its_link() {
    use std::os::unix::fs::symlink;
    let mut bench = Bench::new()
        .with("..1/a.yaml", route("one", "old.test"))
        .with("..2/a.yaml", route("one", "new.test"));
    symlink("..1", bench.at("..data")).expect("can be linked");
    symlink("..data/a.yaml", bench.at("a.yaml")).expect("can be linked");
    let before = bench.read();

    symlink("..2", bench.at("..tmp")).expect("can be linked");
    fs::rename(bench.at("..tmp"), bench.at("..data")).expect("can be renamed");
    let after = bench.read();

    assert_eq!([before.problems(), after.problems()], [&[], &[]]);
    assert_eq!(before.world.http_routes.len(), 1);
    assert_eq!(hostname(&after, "one").as_deref(), Some("new.test"));
}

#[cfg(unix)]
#[test]
fn links_in_circles_end() {
    let mut bench = Bench::new().with("deep/a.yaml", route("one", "one.test"));
    std::os::unix::fs::symlink("..", bench.at("deep/up")).expect("can be linked");

    let reading = bench.read();

    assert_eq!(reading.problems(), []);
    assert_eq!(reading.world.http_routes.len(), 1);
}

#[test]
fn strange_kinds_and_fields_are_warnings() {
    let strange = route("one", "one.test").replace("  rules:", "  colour: red\n  rules:");
    let mut bench = Bench::new().with(
        "a.yaml",
        format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n{strange}"),
    );

    assert_eq!(
        bench.problems(),
        [
            "a.yaml:2: warning: kind: Deployment of apps/v1 is not a kind this gateway reads; \
             nothing, or check the spelling of apiVersion and kind",
            "a.yaml:12: warning: HTTPRoute shop/one: spec.colour: this kind has no such field, it \
             has no effect; check its spelling and its place, or remove it",
        ]
    );
    assert_eq!(hostname(&bench.read(), "one").as_deref(), Some("one.test"));
}

#[test]
fn a_field_of_another_form_names_its_line() {
    let wrong = route("one", "one.test").replace("port: 80", "port: http");
    let mut bench = Bench::new().with("a.yaml", route("two", "two.test") + &wrong);

    assert_eq!(
        bench.problems(),
        [
            "a.yaml:24: error: HTTPRoute shop/one: spec.rules[0].backendRefs[0].port: invalid type: \
          string \"http\", expected i32; write the field in the form the API gives it"
        ]
    );
    assert_eq!(hostname(&bench.read(), "two").as_deref(), Some("two.test"));
}

#[test]
fn items_of_lists_have_lines_of_their_own() {
    let mut bench = Bench::new().with(
        "a.yaml",
        "# list\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  \
         metadata: {name: web}\n  spec:\n    sort: x\n",
    );

    let reading = bench.read();

    let web = name_of::<k8s_openapi::api::core::v1::Service>("default", "web");
    assert_eq!(reading.place(&web, "").map(|place| place.line), Some(5));
    assert_eq!(
        reading.place(&web, "spec.sort").map(|place| place.line),
        Some(9)
    );
    assert_eq!(reading.problems()[0].place.line, 9);
}

#[test]
fn fields_are_found_wherever_their_document_moves() {
    let mut bench = Bench::new().with("a.yaml", route("two", "two.test"));
    let one = name_of::<HttpRoute>("shop", "two");
    let line = |reading: &Reading| {
        reading
            .place(&one, "spec.rules[0].backendRefs[0].port")
            .map(|place| place.line)
    };
    let before = bench.read();

    bench.write(
        "a.yaml",
        route("one", "one.test") + &route("two", "two.test"),
    );
    let after = bench.read();

    assert_eq!((line(&before), line(&after)), (Some(12), Some(24)));
    assert_eq!(after.parsed, 1);
}

#[test]
fn of_two_objects_with_one_name_the_first_is_used() {
    let mut bench = Bench::new()
        .with("a.yaml", route("one", "first.test"))
        .with("b.yaml", route("one", "second.test"));

    let problems = bench.problems();

    assert_eq!(problems.len(), 1);
    let ours = problems[0].replace(&format!("{}/", bench.dir.path().display()), "");
    assert_eq!(
        ours,
        "b.yaml:2: error: HTTPRoute shop/one: is already defined at a.yaml:2; remove or rename one \
         of the two; the first is used"
    );
    assert_eq!(
        hostname(&bench.read(), "one").as_deref(),
        Some("first.test")
    );
}

#[test]
fn an_object_without_a_name_is_an_error_and_other_yaml_is_not() {
    let mut bench = Bench::new()
        .with("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {}\n")
        .with("b.yaml", "resources: [a.yaml]\n")
        .with("c.yaml", "kind: Service\n")
        .with("d.yaml", "- a\n- b\n");

    let severities: Vec<_> = bench
        .read()
        .problems()
        .iter()
        .map(|problem| problem.severity)
        .collect();

    use Severity::{Error, Warning};
    assert_eq!(severities, [Error, Warning, Error, Error]);
}

#[test]
fn an_object_that_went_bad_stays_as_it_was() {
    let mut bench = Bench::new().with(
        "a.yaml",
        route("one", "one.test") + &route("two", "two.test"),
    );
    bench.read();

    let bad = route("one", "changed.test").replace("port: 80", "port: http");
    bench.write("a.yaml", bad + &route("two", "changed.test"));
    let reading = bench.read();

    assert_eq!(hostname(&reading, "one").as_deref(), Some("one.test"));
    assert_eq!(hostname(&reading, "two").as_deref(), Some("changed.test"));
    assert!(
        reading.problems()[0].remedy.ends_with("stays in use)"),
        "{}",
        reading.problems()[0]
    );
    assert_eq!(
        hostname(&bench.read(), "one").as_deref(),
        Some("one.test"),
        "and later too"
    );
}

#[test]
fn a_syntax_error_after_the_name_costs_only_that_object() {
    let mut bench = Bench::new().with(
        "a.yaml",
        route("one", "one.test") + &route("two", "two.test"),
    );
    bench.read();

    let bad = route("one", "[changed.test").replace("port: 80", "port: [");
    bench.write("a.yaml", bad);
    let reading = bench.read();

    assert_eq!(hostname(&reading, "one").as_deref(), Some("one.test"));
    assert_eq!(hostname(&reading, "two"), None, "was taken out of the file");
}

#[test]
fn a_document_that_cannot_be_named_keeps_the_whole_file() {
    let mut bench = Bench::new()
        .with(
            "a.yaml",
            route("one", "one.test") + &route("two", "two.test"),
        )
        .with("b.yaml", route("three", "three.test"));
    bench.read();

    bench.write(
        "a.yaml",
        format!("---\n}} oops\n{}", route("two", "changed.test")),
    );
    fs::remove_file(bench.at("b.yaml")).expect("is there");
    let reading = bench.read();

    assert_eq!(hostname(&reading, "one").as_deref(), Some("one.test"));
    assert_eq!(hostname(&reading, "two").as_deref(), Some("changed.test"));
    assert_eq!(hostname(&reading, "three"), None);
}

#[test]
fn an_object_that_moved_out_of_a_bad_file_is_the_new_one() {
    let mut bench = Bench::new().with("a.yaml", route("one", "one.test"));
    bench.read();

    bench.write("a.yaml", "} oops\n");
    bench.write("b.yaml", route("one", "moved.test"));
    let reading = bench.read();

    assert_eq!(hostname(&reading, "one").as_deref(), Some("moved.test"));
    assert_eq!(reading.problems().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_objects() {
    let mut bench = Bench::new().with("a.yaml", route("one", "one.test"));
    bench.read();

    bench.write("a.yaml", b"\xff\xfe".as_slice());
    let reading = bench.read();

    assert_eq!(hostname(&reading, "one").as_deref(), Some("one.test"));
    assert_eq!(reading.problems().len(), 1);
    bench.write("a.yaml", route("one", "back.test"));
    let reading = bench.read();
    assert_eq!(hostname(&reading, "one").as_deref(), Some("back.test"));
    assert_eq!(reading.problems(), []);
}

#[test]
fn missing_paths_are_problems_until_they_are_there() {
    let bench = Bench::new();
    let path = bench.at("later");
    let mut folder = Folder::new([&path]);

    let before = folder.read();
    bench.write("later/a.yaml", route("one", "one.test"));
    let after = folder.read();

    assert_eq!(before.problems().len(), 1);
    assert_eq!(*before.problems()[0].place.file, *path);
    assert_eq!(after.problems(), []);
    assert_eq!(after.world.http_routes.len(), 1);
}

#[test]
fn nothing_new_costs_nothing() {
    let mut bench = Bench::new().with("a.yaml", route("one", "one.test"));
    let before = bench.read();

    let after = bench.read();

    assert_eq!((before.parsed, after.parsed), (1, 0));
    assert!(before.world.http_routes.same(&after.world.http_routes));
}

#[test]
fn kinds_without_a_change_are_the_same() {
    let mut bench = Bench::new().with("a.yaml", route("one", "one.test")).with(
        "b.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    );
    let before = bench.read();

    bench.write(
        "b.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web2}\n",
    );
    let after = bench.read();

    assert!(before.world.http_routes.same(&after.world.http_routes));
    assert!(!before.world.services.same(&after.world.services));
}

#[test]
fn one_edit_among_many_parses_one_document() {
    let all = |edited: &str| -> String {
        let host = |n: u32| if n == 500 { edited } else { "same.test" };
        (0..1_000)
            .map(|n| route(&format!("r{n}"), host(n)))
            .collect()
    };
    let mut bench = Bench::new().with("a.yaml", all("before.test"));
    let before = bench.read();

    bench.write("a.yaml", all("an-edit-of-another-length.test"));
    let after = bench.read();

    assert_eq!((before.parsed, after.parsed), (1_000, 1));
    assert_eq!(
        hostname(&after, "r500").as_deref(),
        Some("an-edit-of-another-length.test")
    );
    let pairs = before
        .world
        .http_routes
        .iter()
        .zip(after.world.http_routes.iter());
    let changed = pairs.filter(|(before, after)| !Arc::ptr_eq(before.object(), after.object()));
    assert_eq!(changed.count(), 1);
}

#[test]
fn secrets_have_their_texts_in_data_and_not_in_messages() {
    let secret =
        |field: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\n{field}\n");
    let mut bench = Bench::new().with("a.yaml", secret("stringData: {user: me}"));

    let reading = bench.read();
    bench.write("a.yaml", secret("data: {user: 31337}"));
    let problems = bench.problems();

    let data = reading
        .world
        .secrets
        .get("default", "key")
        .and_then(|key| key.data.clone());
    assert_eq!(data.expect("has data")["user"].0, b"me");
    assert_eq!(problems.len(), 1);
    assert!(!problems[0].contains("31337"), "{}", problems[0]);
}

#[test]
fn statuses_are_not_read() {
    let with_status = route("one", "one.test") + "status: {parents: nonsense}\n";
    let mut bench = Bench::new().with("a.yaml", with_status);

    assert_eq!(bench.problems(), Vec::<String>::new());
}

#[test]
fn a_namespace_on_a_kind_without_is_taken_off() {
    let mut bench = Bench::new().with(
        "a.yaml",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: ours, \
         namespace: x}\nspec: {controllerName: example.com/ours}\n",
    );

    let reading = bench.read();

    assert!(reading.world.gateway_classes.get("", "ours").is_some());
    assert_eq!(reading.problems()[0].severity, Severity::Warning);
}

#[test]
fn unknown_values_are_kept() {
    let mut bench = Bench::new().with(
        "a.yaml",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: web}\nspec:\n  \
         gatewayClassName: ours\n  listeners:\n  - {name: a, port: 1, protocol: TLS, tls: {mode: Future}}\n",
    );

    let reading = bench.read();

    assert_eq!(reading.problems(), []);
    let web = reading
        .world
        .objects::<Gateway>()
        .get("default", "web")
        .expect("was read");
    let mode = web.spec.listeners[0]
        .tls
        .as_ref()
        .and_then(|tls| tls.mode.as_ref());
    assert_eq!(mode.and_then(|mode| mode.unknown()), Some("Future"));
}

/// What a folder says, in words.
fn told(reading: &Reading) -> (Vec<String>, Vec<String>) {
    let route = |route: &crate::world::Loaded<HttpRoute>| {
        let name = ObjectRef::of(&**route);
        let place = reading.place(&name, "spec.hostnames");
        format!("{name} {:?} {place:?}", route.spec.hostnames)
    };
    let problems = reading.problems().iter().map(ToString::to_string);
    (
        reading.world.http_routes.iter().map(route).collect(),
        problems.collect(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever was edited, added, removed or moved, what is read is what would be
    /// read for the first time.
    #[test]
    fn edits_are_read_as_if_for_the_first_time(
        steps in prop::collection::vec((0..3usize, prop::collection::vec((0..6u8, 0..2u8, 0..3usize), 0..7)), 1..10),
    ) {
        let mut bench = Bench::new();
        for (file, documents) in steps {
            let text = |(name, host, comments): &(u8, u8, usize)| {
                // Comments before the first `---` are a piece of their own.
                "# more\n".repeat(*comments) + &route(&format!("r{name}"), &format!("h{host}.test"))
            };
            let name = format!("{file}.yaml");
            if documents.is_empty() {
                let _ = fs::remove_file(bench.at(&name));
            } else {
                bench.write(&name, documents.iter().map(text).collect::<String>());
            }

            let edited = bench.read();
            let first = Folder::new([bench.dir.path()]).read();

            prop_assert_eq!(told(&edited), told(&first));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever stands in one document, the others are read.
    #[test]
    fn nonsense_costs_nothing_but_itself(nonsense in "[-a-z0-9:{}\\[\\]&*!|>%@\"'# \t]{0,40}(\n [-a-z:{}\\[\\]&*\"' ]{0,20}){0,5}") {
        let text = format!("{}---\n{nonsense}\n{}", route("one", "one.test"), route("two", "two.test"));
        let mut bench = Bench::new().with("a.yaml", text);

        let reading = bench.read();

        prop_assert_eq!(hostname(&reading, "one"), Some("one.test".to_owned()));
        prop_assert_eq!(hostname(&reading, "two"), Some("two.test".to_owned()));
        for problem in reading.problems() {
            prop_assert!((13..=20).contains(&problem.place.line), "{}", problem);
        }
    }

    /// One wrong byte in a manifest never panics, and never reaches its neighbour.
    #[test]
    fn one_wrong_byte_stays_in_its_document(at in 4..150usize, byte in 0x20..0x7fu8) {
        let mut bad = route("one", "one.test").into_bytes();
        bad[at] = byte;
        let text = [bad, route("two", "two.test").into_bytes()].concat();
        let mut bench = Bench::new().with("a.yaml", text);

        let reading = bench.read();

        let two = hostname(&reading, "two");
        prop_assert!(two.as_deref() == Some("two.test"), "{:?} {:?}", two, reading.problems());
    }
}
