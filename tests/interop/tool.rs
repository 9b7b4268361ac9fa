//! Programs that `tests/tools/build` makes.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

/// Longer than any of them takes, on a machine that does other things too.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

/// A program of others, which ends with the test.
pub(crate) async fn tool(name: &str) -> Command {
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/build");
    let built = Command::new(&build).arg(name).output().await.unwrap();
    assert!(
        built.status.success(),
        "{} {name} failed; it needs python3 and go: {}",
        build.display(),
        String::from_utf8_lossy(&built.stderr)
    );
    let path = PathBuf::from(String::from_utf8(built.stdout).unwrap().trim());

    let mut command = Command::new(path);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs it to its end.
pub(crate) async fn finish(command: &mut Command) -> Output {
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    output.expect("it ends in time").unwrap()
}
