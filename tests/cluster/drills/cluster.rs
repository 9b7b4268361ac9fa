//! Clusters that end with this process.

use std::fs::{self, File};
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::json;
use tempfile::TempDir;

use crate::api::Api;
use crate::patience::{PATIENCE, within};

/// A cluster of `tests/cluster`, with a GatewayClass and backends.
#[derive(Debug)]
pub(crate) struct Cluster {
    name: String,
    folder: PathBuf,
    api: Api,
    numbers: AtomicU16,
    /// Ends the cluster when its input does, which is when this process ends, and removes the
    /// folder.
    _undertaker: Child,
    _inmates: Vec<Child>,
}

impl Cluster {
    /// The cluster of most tests; none, after saying so, if there cannot be one.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let made = SHARED.get_or_init(|| Self::start(&format!("drills-{}", id())));
        if made.is_none() {
            say_skipped();
        }
        made.as_ref()
    }

    /// A cluster for one test at a time, which may disturb whom it likes.
    pub(crate) fn alone() -> Option<(&'static Self, MutexGuard<'static, ()>)> {
        static ALONE: OnceLock<Option<Cluster>> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::new(());
        // One that failed has left nothing either.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let made = ALONE.get_or_init(|| Self::start(&format!("alone-{}", id())));
        if made.is_none() {
            say_skipped();
        }
        Some((made.as_ref()?, turn))
    }

    #[allow(
        clippy::zombie_processes,
        reason = "it waits for the end of this process"
    )]
    fn start(name: &str) -> Option<Self> {
        let image = format!("gateway={}", gateway_binary()?.display());
        let folder = TempDir::new().expect("a folder can be made").keep();
        let undertaker = undertaker(name, &folder);
        let up = scripts().join("up");
        let output = Command::new(up)
            .args(["--name", name, "--image", &image])
            .output()
            .expect("bash is there");
        if output.status.code() == Some(SKIPPED) {
            let mut undertaker = undertaker;
            undertaker.kill().expect("is ours");
            undertaker.wait().expect("is ours");
            fs::remove_dir_all(folder).expect("is ours");
            return None;
        }
        assert!(
            output.status.success(),
            "the cluster does not come up: {}",
            String::from_utf8_lossy(&output.stderr)
        );

        let socket = folder.join("api");
        let mut cluster = Self {
            name: name.to_owned(),
            api: Api::new(socket.clone()),
            folder,
            numbers: AtomicU16::new(1),
            _undertaker: undertaker,
            _inmates: Vec::new(),
        };
        let mut proxy = cluster.enter("kubectl");
        proxy.arg("proxy").arg("--unix-socket").arg(&socket);
        let mut origin = cluster.enter("python3");
        origin.arg(scripts().join("drills/origin")).arg(ORIGINS);
        cluster._inmates = vec![
            cluster.launch("proxy", proxy),
            cluster.launch("origin", origin),
        ];
        within(PATIENCE, "the API server answers", || {
            cluster.api.get("v1", "Namespace", "", "default")
        });
        cluster.api.apply(&json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "gateway"},
            "spec": {"controllerName": "gateway-rs.dev/gateway-controller"},
        }));
        Some(cluster)
    }

    /// A program within the cluster's network.
    pub(crate) fn enter(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.script("enter");
        command.arg(program.as_ref());
        command
    }

    /// A script of `tests/cluster`, for this cluster.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(scripts().join(name));
        command.args(["--name", &self.name]).stdin(Stdio::null());
        command
    }

    /// What a script or a program prints.
    #[track_caller]
    pub(crate) fn output(mut command: Command) -> String {
        let output = command.output().expect("runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {errors}");
        String::from_utf8(output.stdout).expect("is text")
    }

    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let mut command = self.script("kubectl");
        command.args(arguments);
        Self::output(command)
    }

    /// Starts a program whose output goes to a file; see [`Cluster::log`].
    pub(crate) fn launch(&self, log: &str, mut command: Command) -> Child {
        let file = File::create(self.log(log)).expect("can be made");
        let errors = file.try_clone().expect("can be cloned");
        command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .expect("bash is there")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// A file of this text, for whoever runs in the cluster.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("can be written");
        path
    }

    /// The credentials of the administrator, which programs in the cluster have by default.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let mut print = self.enter("sh");
        print.args(["-c", "printf %s \"$KUBECONFIG\""]);
        PathBuf::from(Self::output(print))
    }

    /// The credentials of the gateway, with the role of `deploy/rbac.yaml`.
    pub(crate) fn credentials(&self) -> PathBuf {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join("gateway.kubeconfig");
        if !path.exists() {
            let mut command = self.script("kubeconfig-for");
            command.args(["gateway-system", "gateway"]);
            self.file("gateway.kubeconfig", &Self::output(command));
        }
        path
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// A number that nobody else has.
    pub(crate) fn number(&self) -> u16 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Waits for this process to end, and ends the cluster then.
fn undertaker(name: &str, folder: &Path) -> Child {
    let down = scripts().join("down");
    let wait = "read -r nothing; \"$0\" --name \"$1\"; rm -rf \"$2\"";
    Command::new("setsid")
        .args(["sh", "-c", wait])
        .arg(down)
        .arg(name)
        .arg(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh is there")
}

/// Not captured, unlike what tests print.
fn say_skipped() {
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    let line = format!("{test}: skipped, since a cluster needs root and a gateway that is built\n");
    stderr().write_all(line.as_bytes()).expect("can be written");
}

pub(crate) fn scripts() -> PathBuf {
    root().join("tests/cluster")
}

pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("is a folder of it").to_owned()
}

/// The gateway that is tried: the one that is asked for, or the newest.
pub(crate) fn gateway_binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("GATEWAY_BINARY") {
        return Some(fs::canonicalize(named).expect("GATEWAY_BINARY is a program"));
    }
    let own = std::env::current_exe().expect("is a file");
    let target = own.ancestors().nth(3).expect("is in a target folder");
    let built = ["release", "debug"].map(|profile| target.join(profile).join("gateway"));
    let age = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    built
        .into_iter()
        .filter(|path| path.exists())
        .max_by_key(age)
}

/// What scripts end with that cannot do anything here.
const SKIPPED: i32 = 77;
/// The ports of the node at which there are backends.
pub(crate) const ORIGINS: &str = "20001-20060";
