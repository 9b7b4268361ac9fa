//! Where the suite's manifests are.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The text of a manifest of the suite, as in `tests/httproute-cors`.
pub(crate) fn manifest(name: &str) -> String {
    let file = FOUND.join("conformance").join(name).with_extension("yaml");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// `GATEWAY_API_DIR` says where they are, or they are fetched into the cache.
static FOUND: LazyLock<PathBuf> = LazyLock::new(|| {
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    if let Some(folder) = set("GATEWAY_API_DIR") {
        return folder.into();
    }
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Path::new(&set("HOME").expect("HOME is set")).join(".cache");
    let folder = cache.unwrap_or_else(home).join("gateway/upstream");
    // Does nothing when they are there already.
    let fetch = Path::new(env!("CARGO_MANIFEST_DIR")).join("upstream/fetch");
    let fetched = Command::new(&fetch).status();
    assert!(
        fetched.is_ok_and(|status| status.success()),
        "{} failed: it needs python3 and go; or set GATEWAY_API_DIR to where the manifests are",
        fetch.display()
    );
    folder
});
