//! Requests that go on while something happens.

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use crate::cluster::Cluster;
use crate::patience::{PATIENCE, within};

/// One request after the other, each on a connection of its own, until it is
/// stopped.
#[derive(Debug)]
pub(crate) struct Load {
    child: Child,
    log: PathBuf,
}

impl Load {
    /// Begins; `arguments` are curl's, and the URL is one of them.
    pub(crate) fn start(cluster: &Cluster, arguments: &[&str]) -> Self {
        let log = format!("load-{}", cluster.number());
        let mut command = cluster.enter("sh");
        command.args(["-c", LOOP, "sh"]).args(arguments);
        let child = cluster.launch(&log, command);
        let load = Self {
            child,
            log: cluster.log(&log),
        };
        within(PATIENCE, "the first requests", || {
            (load.codes().len() > 2).then_some(())
        });
        load
    }

    /// What the requests so far ended with: a status, or `0/` and curl's code.
    pub(crate) fn codes(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for some more requests to be made.
    pub(crate) fn more(&self, count: usize) {
        let before = self.codes().len();
        within(PATIENCE, "more requests", || {
            (self.codes().len() >= before + count).then_some(())
        });
    }

    /// Ends, and says how many requests there were and which were not answered
    /// with 200.
    pub(crate) fn stop(mut self) -> (usize, Vec<String>) {
        self.end();
        let codes = self.codes();
        let count = codes.len();
        let failed = codes.into_iter().filter(|code| code != "200");
        (count, failed.collect())
    }

    fn end(&mut self) {
        // One that has ended is reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

/// A request that is never answered counts as well.
const LOOP: &str = r#"while :; do
    code=$(curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "$@") || code="0/$?"
    echo "$code"
done"#;
