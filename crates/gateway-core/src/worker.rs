//! One thread with a runtime of its own, which serves its share of connections.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway_lb::pool::Pool;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::Body;
use crate::l4::udp::{Listening, UdpPort, receive};
use crate::listen::{Acceptor, Deadlines, Port, Signal, accept};
use crate::stack::Warmed;

/// What a worker is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// Accept connections from a socket.
    Listen {
        port: Arc<Port>,
        socket: TcpListener,
    },
    /// Close the socket of an address.
    Unlisten { address: SocketAddr },
    /// Receive datagrams from a socket.
    Receive {
        port: Arc<UdpPort>,
        socket: UdpSocket,
    },
    /// Close the socket for datagrams of an address.
    Unreceive { address: SocketAddr },
    /// Close all sockets, finish what has begun until then, and end.
    Drain { until: Instant },
}

/// Everything a worker needs to begin.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) acceptor: Acceptor,
    pub(crate) deadlines: Deadlines,
    pub(crate) pool: Pool<Body>,
    pub(crate) warmed: Warmed,
    pub(crate) commands: UnboundedReceiver<Command>,
    pub(crate) company: Company,
}

/// The workers of one gateway, of which none leaves before all have finished: streams of one may
/// be on an upstream connection that another drives.
///
/// Dropping it says that its worker has finished, be it by a panic.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    finished: Arc<watch::Sender<()>>,
    busy: Option<watch::Receiver<()>>,
}

impl Company {
    /// To be cloned for each worker, and dropped.
    pub(crate) fn new() -> Self {
        let (finished, busy) = watch::channel(());
        Self {
            finished: Arc::new(finished),
            busy: Some(busy),
        }
    }

    /// Whoever holds this has nothing more to do itself.
    fn finish(&mut self) {
        self.busy = None;
    }

    /// Resolves when all have finished.
    async fn finished(&self) {
        self.finished.closed().await;
    }
}

/// The way to a worker.
#[derive(Clone, Debug)]
pub(crate) struct Commands(UnboundedSender<Command>);

impl Commands {
    pub(crate) fn channel() -> (Self, UnboundedReceiver<Command>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// A worker that has ended needs no more commands.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.0.send(command);
    }
}

impl Worker {
    /// Starts the thread. The receiver resolves when it has ended, with an error
    /// if that was not asked for.
    pub(crate) fn start(self, index: usize) -> io::Result<oneshot::Receiver<()>> {
        let (ended, end) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                runtime.block_on(self.run());
                // Connections that did not end in time end here.
                drop(runtime);
                let _ = ended.send(());
            })?;
        Ok(end)
    }

    async fn run(mut self) {
        let ticker = tokio::spawn(tick(
            self.acceptor.clone(),
            self.deadlines,
            self.pool.clone(),
            self.warmed.clone(),
        ));
        let mut sockets = Sockets::default();
        let until = loop {
            match self.commands.recv().await {
                Some(Command::Listen { port, socket }) => {
                    sockets.listen(port, socket, &self.acceptor)
                }
                Some(Command::Unlisten { address }) => sockets.close(address),
                Some(Command::Receive { port, socket }) => {
                    sockets.receive(port, socket, &self.acceptor)
                }
                Some(Command::Unreceive { address }) => sockets.stop_receiving(address),
                Some(Command::Drain { until }) => break until,
                // Nobody is left to ask for anything.
                None => break Instant::now(),
            }
        };

        sockets.close_all();
        self.acceptor.watches.tell(Signal::Drain);
        self.drained(until, &mut sockets.tasks).await;
        ticker.abort();
    }

    /// Waits until all connections have ended, those that are still being accepted and those of
    /// other workers too; at most until `until`.
    async fn drained(&mut self, mut until: Instant, accepting: &mut JoinSet<()>) {
        let mut look = interval(Duration::from_millis(10));
        loop {
            let connections = self.acceptor.watches.len();
            if connections == 0 && accepting.is_empty() {
                self.company.finish();
            }
            tokio::select! {
                // Whoever was in the queue of a socket has not been told yet.
                Some(_) = accepting.join_next() => self.acceptor.watches.tell(Signal::Drain),
                () = self.company.finished() => return,
                () = sleep_until(until) => {
                    if connections > 0 {
                        tracing::warn!(connections, "connections cut off at the end of the drain");
                    }
                    return;
                }
                command = self.commands.recv() => match command {
                    // Somebody has no more patience.
                    Some(Command::Drain { until: sooner }) => until = until.min(sooner),
                    Some(
                        Command::Listen { .. }
                        | Command::Unlisten { .. }
                        | Command::Receive { .. }
                        | Command::Unreceive { .. },
                    ) => {}
                    None => return,
                },
                _ = look.tick(), if connections > 0 => {}
            }
        }
    }
}

/// The permanent ticker: it moves the coarse clock, ends connections that are late
/// and opens and closes upstream connections that nobody waits for. Because it is always armed,
/// timers of requests seldom have to wake the driver.
async fn tick(acceptor: Acceptor, deadlines: Deadlines, pool: Pool<Body>, warmed: Warmed) {
    let mut ticker = interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = 0u32;
    loop {
        ticker.tick().await;
        acceptor.clock.advance();
        acceptor.watches.sweep(&deadlines);
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(4) {
            pool.sweep();
        }
        if !acceptor.draining.load(Ordering::Relaxed) {
            warmed.warm(&pool);
        }
    }
}

const TICK: Duration = Duration::from_millis(250);

/// The sockets a worker accepts from.
#[derive(Default)]
struct Sockets {
    tasks: JoinSet<()>,
    stops: HashMap<SocketAddr, watch::Sender<bool>>,
    receiving: HashMap<SocketAddr, watch::Sender<Listening>>,
}

impl Sockets {
    fn listen(&mut self, port: Arc<Port>, socket: TcpListener, acceptor: &Acceptor) {
        let address = port.address();
        let listener = match tokio::net::TcpListener::from_std(socket) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%address, %error, "cannot accept connections"),
        };
        let (stop, stopped) = watch::channel(false);
        self.stops.insert(address, stop);
        self.tasks
            .spawn(accept(listener, port, acceptor.clone(), stopped));
        // Forgets tasks of sockets that were closed before.
        while self.tasks.try_join_next().is_some() {}
    }

    fn close(&mut self, address: SocketAddr) {
        if let Some(stop) = self.stops.remove(&address) {
            stop.send_replace(true);
        }
    }

    fn receive(&mut self, port: Arc<UdpPort>, socket: UdpSocket, acceptor: &Acceptor) {
        let (state, listening) = watch::channel(Listening::On);
        self.receiving.insert(port.address(), state);
        tokio::spawn(receive(socket, port, acceptor.clone(), listening));
    }

    /// Dropping the sender does the same.
    fn stop_receiving(&mut self, address: SocketAddr) {
        if let Some(state) = self.receiving.remove(&address) {
            state.send_replace(Listening::Off);
        }
    }

    /// What is left in their queues is still taken, for which this does not wait.
    fn close_all(&self) {
        self.stops.values().for_each(|stop| {
            stop.send_replace(true);
        });
        // Those are open for as long as there are sessions.
        self.receiving.values().for_each(|state| {
            state.send_replace(Listening::Draining);
        });
    }
}
