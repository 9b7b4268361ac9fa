//! The life of a gateway: workers, chores, drain.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::Gateway;
use crate::stack::Chore;
use crate::worker::{Command, Commands, Worker};

/// What runs, or will.
#[derive(Debug)]
pub(super) struct Running {
    /// Until the gateway is run.
    idle: Mutex<Option<Idle>>,
    commands: Vec<Commands>,
    chores: UnboundedSender<Chore>,
    /// How often a shutdown was asked for.
    shutdown: watch::Sender<u32>,
    draining: Arc<AtomicBool>,
    lame_duck: Duration,
    drain_timeout: Duration,
}

#[derive(Debug)]
struct Idle {
    workers: Vec<Worker>,
    chores: UnboundedReceiver<Chore>,
}

impl Running {
    pub(super) fn new(
        workers: Vec<Worker>,
        commands: Vec<Commands>,
        draining: Arc<AtomicBool>,
        lame_duck: Duration,
        drain_timeout: Duration,
    ) -> Self {
        let (sender, chores) = unbounded_channel();
        Self {
            idle: Mutex::new(Some(Idle { workers, chores })),
            commands,
            chores: sender,
            shutdown: watch::Sender::new(0),
            draining,
            lame_duck,
            drain_timeout,
        }
    }

    /// Does what has to be done besides serving, while the gateway runs.
    pub(super) fn look_after(&self, chores: Vec<Chore>) {
        for chore in chores {
            // Nobody listens any more once the gateway has ended.
            let _ = self.chores.send(chore);
        }
    }

    pub(super) fn shutdown(&self) {
        self.shutdown.send_modify(|times| *times += 1);
    }

    pub(super) async fn run(&self, gateway: &Gateway) -> Result<(), RunError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Idle { workers, chores } = idle.ok_or(RunError::AlreadyRun)?;
        let ends = start(workers)?;

        // To the end of the drain: until then there are requests, which need what is found out.
        tokio::select! {
            ended = self.lead(ends) => ended,
            never = self.do_chores(gateway, chores) => match never {},
        }
    }

    /// Has the workers go on until a shutdown is asked for, then drain.
    async fn lead(&self, ends: Vec<oneshot::Receiver<()>>) -> Result<(), RunError> {
        let ended = try_join_all(ends);
        tokio::pin!(ended);

        tokio::select! {
            // Commands were not sent, so this is a worker that failed.
            _ = &mut ended => return Err(RunError::WorkerEnded),
            () = self.asked(1) => {}
        }
        self.draining.store(true, Ordering::Relaxed);
        tokio::select! {
            () = sleep(self.lame_duck) => {}
            () = self.asked(2) => {}
        }

        self.drain(self.drain_timeout);
        tokio::select! {
            ended = &mut ended => return ended.map(|_| ()).map_err(|_| RunError::WorkerEnded),
            () = self.asked(2) => {}
        }
        self.drain(Duration::ZERO);
        ended.await.map(|_| ()).map_err(|_| RunError::WorkerEnded)
    }

    /// Does chores, and tries to bind what could not be bound.
    async fn do_chores(
        &self,
        gateway: &Gateway,
        mut chores: UnboundedReceiver<Chore>,
    ) -> Infallible {
        let mut under_way = JoinSet::new();
        let mut retry = interval(BIND_AGAIN);
        loop {
            tokio::select! {
                Some(chore) = chores.recv() => {
                    under_way.spawn(chore.run());
                }
                Some(_) = under_way.join_next() => {}
                _ = retry.tick() => if !self.draining.load(Ordering::Relaxed) {
                    gateway.retry_binds();
                },
            }
        }
    }

    /// Resolves when a shutdown has been asked for so many times.
    async fn asked(&self, times: u32) {
        let mut shutdown = self.shutdown.subscribe();
        // The sender lives as long as `self`.
        let _ = shutdown.wait_for(|asked| *asked >= times).await;
    }

    fn drain(&self, time: Duration) {
        let until = Instant::now() + time;
        self.commands
            .iter()
            .for_each(|worker| worker.send(Command::Drain { until }));
    }
}

fn start(workers: Vec<Worker>) -> Result<Vec<oneshot::Receiver<()>>, RunError> {
    let started = workers
        .into_iter()
        .enumerate()
        .map(|(index, worker)| worker.start(index));

    started.collect::<io::Result<_>>().map_err(RunError::Start)
}

const BIND_AGAIN: Duration = Duration::from_secs(5);

/// Why a gateway does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A thread or its runtime could not be made.
    #[error("cannot start a worker")]
    Start(#[source] io::Error),
    /// A worker ended although nobody had asked it to.
    #[error("a worker ended unasked")]
    WorkerEnded,
    /// A gateway runs once.
    #[error("the gateway has been run already")]
    AlreadyRun,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn chores_are_done_for_as_long_as_requests_are_served() {
        let builder = Gateway::builder().workers(1);
        let gateway = builder.lame_duck(Duration::from_secs(3600)).build();
        let (going_on, mut goes_on) = unbounded_channel();
        let (go_on, mut told) = unbounded_channel();
        let chore = Chore::new(async move {
            while told.recv().await.is_some() {
                let _ = going_on.send(());
            }
        });
        let running = &gateway.shared.running;
        running.look_after(vec![chore]);
        let run = tokio::spawn({
            let gateway = gateway.clone();
            async move { gateway.run().await }
        });

        go_on.send(()).unwrap();
        goes_on.recv().await.expect("it is begun");
        gateway.shutdown();
        while !running.draining.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        go_on.send(()).unwrap();
        goes_on.recv().await.expect("it goes on");

        gateway.shutdown();
        run.await.unwrap().unwrap();
    }
}
