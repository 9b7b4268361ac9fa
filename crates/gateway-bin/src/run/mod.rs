//! `gateway run`: serves a folder and follows its changes.

mod cluster;
mod control;
mod folder;
mod listening;
mod told;
mod writers;

use std::future::pending;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::{Gateway, RunError};
use gateway_k8s::resolve::Settings;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::timeout;

use self::cluster::{ClusterControl, Surroundings};
use self::control::Control;
use self::folder::FolderControl;
use crate::admin::{Admin, Vitals};
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
    if args.cluster.kubernetes {
        block_on(async { Server::of_cluster(args).await?.run().await })?;
    } else {
        ensure_some_readable(&args.paths)?;
        let (paths, settings) = (args.paths.clone(), args.world.folder());
        block_on(async {
            Server::of_folder(paths, settings, &args.server)
                .await?
                .run()
                .await
        })?;
    }
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

/// A gateway that serves what a source says.
#[derive(Debug)]
pub(crate) struct Server {
    gateway: Gateway,
    source: Source,
    signals: EndSignals,
    vitals: Arc<Vitals>,
    draining: watch::Sender<bool>,
    drain_timeout: Duration,
    lame_duck: Duration,
}

/// Where objects come from.
#[derive(Debug)]
enum Source {
    Folder(Box<FolderControl>),
    Cluster(Box<ClusterControl>),
}

impl Source {
    /// Serves what changes. Ends only if it cannot go on.
    async fn follow(&mut self) -> CommandFailure {
        match self {
            Self::Folder(folder) => folder.follow().await,
            Self::Cluster(cluster) => cluster.follow().await,
        }
    }

    /// Leaves everything to others, once the gateway is draining.
    async fn finish(self) {
        match self {
            Self::Folder(_) => {}
            Self::Cluster(cluster) => cluster.finish().await,
        }
    }
}

impl Server {
    /// Reads a folder and binds everything; connections wait until [`Server::run`].
    pub(crate) async fn of_folder(
        paths: Vec<PathBuf>,
        settings: Settings,
        args: &ServerArgs,
    ) -> Result<Self, CommandFailure> {
        let signals = EndSignals::new()?;
        let gateway = build(args);
        let vitals = vitals(&gateway, args).await?;
        let names = paths.iter().map(|path| path.display().to_string());
        let origin = names.collect::<Vec<_>>().join(", ");
        let control = Control::new(origin, settings, gateway.clone(), Arc::clone(&vitals));
        let folder = FolderControl::start(paths, control, Arc::clone(&vitals)).await?;

        Ok(Self {
            gateway,
            source: Source::Folder(Box::new(folder)),
            signals,
            vitals,
            draining: watch::Sender::new(false),
            drain_timeout: args.drain_timeout,
            lame_duck: args.lame_duck,
        })
    }

    /// Reads a cluster, or what was kept of it, and binds everything; if neither is
    /// there, the first change of the cluster is what there is.
    async fn of_cluster(args: &RunArgs) -> Result<Self, CommandFailure> {
        let signals = EndSignals::new()?;
        let gateway = build(&args.server);
        let vitals = vitals(&gateway, &args.server).await?;
        let draining = watch::Sender::new(false);
        let surroundings = Surroundings {
            gateway: gateway.clone(),
            vitals: Arc::clone(&vitals),
            draining: draining.subscribe(),
        };
        let cluster = ClusterControl::start(args, surroundings).await?;

        Ok(Self {
            gateway,
            source: Source::Cluster(Box::new(cluster)),
            signals,
            vitals,
            draining,
            drain_timeout: args.server.drain_timeout,
            lame_duck: args.server.lame_duck,
        })
    }

    /// Serves until a signal asks to end, and drains.
    pub(crate) async fn run(mut self) -> Result<(), CommandFailure> {
        let ended = self.serve().await;
        self.draining.send_replace(true);
        if timeout(FAREWELL, self.source.finish()).await.is_err() {
            tracing::warn!("the API server or the disk does not answer: ending without them");
        }
        ended
    }

    async fn serve(&mut self) -> Result<(), CommandFailure> {
        let gateway = self.gateway.clone();
        let running = gateway.run();
        let following = self.source.follow();
        tokio::pin!(running, following);

        tokio::select! {
            ended = &mut running => return finished(ended),
            failed = &mut following => return Err(failed),
            signal = self.signals.next() => {
                self.vitals.health.draining();
                let last = self.lame_duck + self.drain_timeout;
                tracing::info!(
                    "{signal}: draining, for {} at most; send it again to end at once",
                    duration::display(last)
                );
            }
        }
        self.gateway.shutdown();
        self.draining.send_replace(true);
        // As long as clients still come, endpoints still go.
        let following = async {
            let _ = timeout(self.lame_duck, &mut following).await;
            pending::<()>().await
        };
        tokio::select! {
            ended = &mut running => return finished(ended),
            signal = self.signals.next() => tracing::info!("{signal}: ending at once"),
            () = following => {}
        }
        self.gateway.shutdown();
        // Threads that do not end now end with the process.
        match timeout(AT_ONCE, running).await {
            Ok(ended) => finished(ended),
            Err(_) => Ok(()),
        }
    }
}

/// Tells those who operate the gateway how it is, if they may ask.
async fn vitals(gateway: &Gateway, args: &ServerArgs) -> Result<Arc<Vitals>, CommandFailure> {
    let vitals = Arc::new(Vitals::default());
    if let Some(address) = args.admin {
        let admin = Admin::bind(address).await?;
        admin.start(gateway.clone(), Arc::clone(&vitals));
    }
    Ok(vitals)
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

fn finished(ended: Result<(), RunError>) -> Result<(), CommandFailure> {
    ended.map_err(|error| CommandFailure::caused("the gateway cannot go on", &error))?;
    tracing::info!("ended");
    Ok(())
}

/// How often addresses are looked at that could not be listened on.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often the dates of certificates are looked at.
const LOOK_AT_DATES: Duration = Duration::from_secs(60 * 60);
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long the end may take that others are told of.
const FAREWELL: Duration = Duration::from_secs(3);
