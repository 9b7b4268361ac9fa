//! The manifests of the Gateway API's own release, read with our types.
//!
//! They are not part of this repository: `tests/upstream/fetch` gets them, and is
//! run when they are missing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use gateway_k8s::api::{
    BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ListenerSet, ReferenceGrant,
    TcpRoute, TlsRoute, UdpRoute, XBackend, XBackendTrafficPolicy,
};
use gateway_k8s::source::folder::Folder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[test]
fn every_object_decodes_and_says_the_same() {
    let samples = samples();

    for sample in &samples {
        let spec = again(sample).unwrap_or_else(|error| panic!("{}: {error}", sample.file));
        assert_eq!(
            spec, sample.object["spec"],
            "{} {}",
            sample.file, sample.object["metadata"]
        );
    }

    // So that none can go missing unseen. The X kinds have no samples.
    let kinds: BTreeSet<_> = samples.iter().map(Sample::kind).collect();
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    assert!(samples.len() > 450, "{}", samples.len());
}

/// Any text of a specification may be one that a later release adds; wherever one
/// stands, everything else is still read, and the text itself is kept.
#[test]
fn a_text_of_the_future_changes_nothing_else() {
    for sample in samples() {
        let spec = &sample.object["spec"];
        for path in texts(spec) {
            let mut future = sample.clone();
            let text = future.object["spec"]
                .pointer_mut(&path)
                .expect("was found there");
            *text = "Future".into();

            let read =
                again(&future).unwrap_or_else(|error| panic!("{}: {path}: {error}", sample.file));

            assert_eq!(read, future.object["spec"], "{}: {path}", sample.file);
        }
    }
}

/// Everything in the manifests is understood, except the kinds that run pods.
#[test]
fn the_folder_reads_the_conformance_manifests_without_a_problem() {
    let mut strange = Vec::new();
    let mut read = 0;

    for file in manifests(&["conformance/base", "conformance/tests"]) {
        // One at a time: some of them define the same object.
        let reading = Folder::new([&file]).read();
        let is_of_ours = |field: &Option<String>| field.as_deref() != Some("kind");
        strange.extend(
            reading
                .problems()
                .iter()
                .filter(|problem| is_of_ours(&problem.field))
                .cloned(),
        );
        read += reading.world.gateways.len() + reading.world.http_routes.len();
    }

    let strange: Vec<_> = strange.iter().map(ToString::to_string).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    assert!(read > 150, "{read}");
}

#[derive(Clone)]
struct Sample {
    file: String,
    object: Value,
}

impl Sample {
    fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }
}

/// The specification, decoded and encoded again.
fn again(sample: &Sample) -> Result<Value, serde_json::Error> {
    fn through<T: DeserializeOwned + Serialize>(
        object: &Value,
    ) -> Result<Value, serde_json::Error> {
        let decoded: T = serde_json::from_value(object.clone())?;
        Ok(serde_json::to_value(decoded)?["spec"].take())
    }
    let through = match sample.kind() {
        "GatewayClass" => through::<GatewayClass>,
        "Gateway" => through::<Gateway>,
        "ListenerSet" => through::<ListenerSet>,
        "HTTPRoute" => through::<HttpRoute>,
        "GRPCRoute" => through::<GrpcRoute>,
        "TLSRoute" => through::<TlsRoute>,
        "TCPRoute" => through::<TcpRoute>,
        "UDPRoute" => through::<UdpRoute>,
        "ReferenceGrant" => through::<ReferenceGrant>,
        "BackendTLSPolicy" => through::<BackendTlsPolicy>,
        "XBackend" => through::<XBackend>,
        "XBackendTrafficPolicy" => through::<XBackendTrafficPolicy>,
        // Of service meshes and of telemetry, which are not for this gateway.
        "XMesh" | "XTelemetryPolicy" => return Ok(sample.object["spec"].clone()),
        kind => panic!("{}: {kind} is a kind nobody has decided about", sample.file),
    };
    through(&sample.object)
}

/// The Gateway API's objects in the conformance suite and in the examples.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for file in manifests(&[
        "conformance/base",
        "conformance/tests",
        "gateway-api/examples",
    ]) {
        let text = fs::read_to_string(&file).expect("a text");
        let file = file.display().to_string();
        let objects: Vec<Value> =
            serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_ours = |object: &Value| {
            let version = object["apiVersion"].as_str().unwrap_or_default();
            version.starts_with("gateway.networking.k8s.io/")
                || version.starts_with("gateway.networking.x-k8s.io/")
        };
        samples.extend(objects.into_iter().filter(is_ours).map(|object| Sample {
            file: file.clone(),
            object,
        }));
    }
    samples
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(_) => vec![String::new()],
        Value::Array(items) => below(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| (index.to_string(), item)),
        ),
        Value::Object(fields) => below(
            fields
                .iter()
                .map(|(key, field)| (key.replace('~', "~0").replace('/', "~1"), field)),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn below<'v>(inner: impl Iterator<Item = (String, &'v Value)>) -> Vec<String> {
    let paths = inner.flat_map(|(step, value)| {
        texts(value)
            .into_iter()
            .map(move |path| format!("/{step}{path}"))
    });
    paths.collect()
}

fn manifests(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        let folder = upstream().join(folder);
        assert!(folder.is_dir(), "{} is missing", folder.display());
        search(&folder, &mut found);
    }
    found.sort();
    found
}

fn search(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("can be listed") {
        let path = entry.expect("can be listed").path();
        if path.is_dir() {
            search(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
}

/// Where they are; `GATEWAY_API_DIR` says so, or they are fetched into the cache.
fn upstream() -> &'static Path {
    static FOUND: LazyLock<PathBuf> = LazyLock::new(|| {
        let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        if let Some(folder) = set("GATEWAY_API_DIR") {
            return folder.into();
        }
        let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || Path::new(&set("HOME").expect("HOME is set")).join(".cache");
        let folder = cache.unwrap_or_else(home).join("gateway/upstream");
        // Does nothing when they are there already.
        let fetch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/upstream/fetch");
        let fetched = Command::new(&fetch).status();
        assert!(
            fetched.is_ok_and(|status| status.success()),
            "{} failed: it needs python3 and go; or set GATEWAY_API_DIR to where the manifests are",
            fetch.display()
        );
        folder
    });
    &FOUND
}
