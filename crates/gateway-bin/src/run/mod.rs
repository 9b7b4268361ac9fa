//! `gateway run`: serves a folder and follows its changes.

mod control;
mod listening;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use gateway_core::{Gateway, RunError};
use gateway_k8s::resolve::Settings;
use gateway_k8s::source::folder::FolderWatcher;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval, interval_at, timeout};

use self::control::Control;
use crate::args::{RunArgs, ServerArgs};
use crate::duration;
use crate::failure::CommandFailure;
use crate::limits;
use crate::manifests::ensure_some_readable;
use crate::paint::Paint;
use crate::signal::EndSignals;

/// Serves until it is told to end.
pub(crate) fn command(args: &RunArgs, paint: Paint) -> Result<ExitCode, CommandFailure> {
    args.server.log.start(paint);
    ensure_some_readable(&args.paths)?;

    block_on(async {
        let server = Server::start(args.paths.clone(), args.world.settings(), &args.server).await?;
        server.run().await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs `future` where only configuration, signals and look-ups happen: requests
/// are served by the gateway's own threads.
pub(crate) fn block_on<T>(
    future: impl Future<Output = Result<T, CommandFailure>>,
) -> Result<T, CommandFailure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| CommandFailure::caused("cannot start a runtime", &error))?;

    let result = runtime.block_on(future);
    // A file system that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

/// A gateway that serves a folder.
#[derive(Debug)]
pub(crate) struct Server {
    gateway: Gateway,
    control: Control,
    watcher: FolderWatcher,
    signals: EndSignals,
    drain_timeout: Duration,
    lame_duck: Duration,
}

impl Server {
    /// Reads and binds everything; connections wait until [`Server::run`].
    pub(crate) async fn start(
        paths: Vec<PathBuf>,
        settings: Settings,
        args: &ServerArgs,
    ) -> Result<Self, CommandFailure> {
        let signals = EndSignals::new()?;
        let gateway = build(args);
        let control = Control::new(paths.clone(), settings, gateway.clone());
        // Before the first reading, so that no change falls between the two.
        let watcher = spawn_blocking(move || FolderWatcher::new(paths)).await;
        let watcher =
            watcher.map_err(|error| CommandFailure::caused("cannot watch files", &error))?;
        let control = loaded(control).await?;

        Ok(Self {
            gateway,
            control,
            watcher,
            signals,
            drain_timeout: args.drain_timeout,
            lame_duck: args.lame_duck,
        })
    }

    /// Serves until a signal asks to end, and drains.
    pub(crate) async fn run(mut self) -> Result<(), CommandFailure> {
        let gateway = self.gateway.clone();
        let running = gateway.run();
        tokio::pin!(running);

        tokio::select! {
            ended = &mut running => return finished(ended),
            failed = follow(self.control, &mut self.watcher) => return Err(failed),
            signal = self.signals.next() => {
                let last = self.lame_duck + self.drain_timeout;
                tracing::info!(
                    "{signal}: draining, for {} at most; send it again to end at once",
                    duration::display(last)
                );
            }
        }
        self.gateway.shutdown();
        tokio::select! {
            ended = &mut running => return finished(ended),
            signal = self.signals.next() => tracing::info!("{signal}: ending at once"),
        }
        self.gateway.shutdown();
        // Threads that do not end now end with the process.
        match timeout(AT_ONCE, running).await {
            Ok(ended) => finished(ended),
            Err(_) => Ok(()),
        }
    }
}

fn build(args: &ServerArgs) -> Gateway {
    let mut builder = Gateway::builder()
        .drain_timeout(args.drain_timeout)
        .lame_duck(args.lame_duck);
    if let Some(workers) = args.workers {
        builder = builder.workers(workers);
    }
    if let Some(max) = args.max_connections.or_else(limits::max_connections) {
        tracing::debug!("no more than {max} connections of clients at a time");
        builder = builder.max_connections(max);
    }

    builder.build()
}

/// Reads again when files change, looks at addresses that could not be listened on,
/// and at the dates of certificates. Ends only if it cannot go on.
async fn follow(mut control: Control, watcher: &mut FolderWatcher) -> CommandFailure {
    let mut again = interval(LOOK_AGAIN);
    let mut dates = interval_at(Instant::now() + LOOK_AT_DATES, LOOK_AT_DATES);
    loop {
        tokio::select! {
            () = watcher.changed() => match loaded(control).await {
                Ok(loaded) => control = loaded,
                Err(failure) => return failure,
            },
            _ = again.tick() => control.look_again(),
            _ = dates.tick() => control.look_at_dates(),
        }
    }
}

/// Reading waits for the file system, and resolving takes its time.
async fn loaded(mut control: Control) -> Result<Control, CommandFailure> {
    let loading = spawn_blocking(move || {
        control.load();
        control
    });

    loading
        .await
        .map_err(|error| CommandFailure::caused("reading manifests failed", &error))
}

fn finished(ended: Result<(), RunError>) -> Result<(), CommandFailure> {
    ended.map_err(|error| CommandFailure::caused("the gateway cannot go on", &error))?;
    tracing::info!("ended");
    Ok(())
}

/// How often addresses are looked at that could not be listened on.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often the dates of certificates are looked at, which change by themselves.
const LOOK_AT_DATES: Duration = Duration::from_secs(60 * 60);
const AT_ONCE: Duration = Duration::from_secs(1);
