//! Leaving nothing behind, whether a test has failed or not.

use std::path::PathBuf;
use std::thread::panicking;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::{Cluster, root};
use crate::patience::{eventually, secs};

/// A file of the repository, applied. Dropping it removes what is in it, and waits until that is
/// gone, with what was made for it.
#[derive(Debug)]
pub(crate) struct Applied {
    cluster: &'static Cluster,
    file: PathBuf,
}

impl Applied {
    #[track_caller]
    pub(crate) fn new(cluster: &'static Cluster, file: &str) -> Self {
        let file = root().join(file);
        // Half of it may be there if the other half is refused.
        let this = Self { cluster, file };
        cluster.kubectl(&["apply", "--filename", &this.file.display().to_string()]);
        this
    }
}

impl Drop for Applied {
    fn drop(&mut self) {
        let mut delete = self.cluster.script("kubectl");
        delete.args(["delete", "--ignore-not-found", "--cascade=foreground"]);
        delete
            .args(["--timeout=180s", "--filename"])
            .arg(&self.file);
        let output = delete.output();
        let is_gone = output.as_ref().is_ok_and(|one| one.status.success());
        insist(is_gone, || format!("{delete:?}: {output:?}"));
    }
}

/// Names an object, without what is in it.
pub(crate) fn reference(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"],
        "metadata": {"namespace": metadata["namespace"], "name": metadata["name"]},
    })
}

/// Removes objects, the last one first, and waits until they are gone.
pub(crate) fn remove(api: &Api, mut objects: Vec<Value>) {
    eventually(LONG, || {
        for index in (0..objects.len()).rev() {
            // It says so when there is none any more; and nothing, if the API server is away.
            if api.try_delete(&objects[index]) == Some(404) {
                objects.remove(index);
            }
        }
        objects.is_empty()
    });
    insist(objects.is_empty(), || format!("{objects:?}"));
}

/// Fails if something is left; or says so, if the test has failed already.
pub(crate) fn insist(is_gone: bool, what: impl FnOnce() -> String) {
    if is_gone {
        return;
    }
    if panicking() {
        eprintln!("left behind: {}", what());
    } else {
        panic!("left behind: {}", what());
    }
}

/// After an outage, whoever removes what is in a namespace takes a minute to begin.
pub(crate) const LONG: Duration = secs(180);
