//! Envoy's rate limit service, as a process, and the Redis that it counts in.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use gateway_tests::{Client, patiently};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::tool::tool;

/// Both processes. Dropping it ends them.
pub(super) struct Limits {
    redis: Child,
    service: Child,
    setup: Setup,
}

/// What the service needs to be started, again too.
struct Setup {
    redis: String,
    calls: Port,
    health: Port,
    folder: TempDir,
    settings: &'static [(&'static str, &'static str)],
}

impl Limits {
    /// With `limits`, a file of the service's own.
    pub(super) async fn start(limits: &str) -> Self {
        Self::start_with(limits, &[]).await
    }

    /// With more settings, which the service takes from its environment.
    pub(super) async fn start_with(
        limits: &str,
        settings: &'static [(&'static str, &'static str)],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let files = folder.path().join("ratelimit/config");
        std::fs::create_dir_all(&files).unwrap();
        std::fs::write(files.join("limits.yaml"), limits).unwrap();

        let mut redis = tool("redis").await.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(redis.stdout.take().unwrap()).lines();
        let address = patiently("a redis", said.next_line()).await.unwrap();
        let setup = Setup {
            redis: address.expect("it says where it listens"),
            calls: Port::reserve(),
            health: Port::reserve(),
            folder,
            settings,
        };
        Self {
            redis,
            service: setup.start().await,
            setup,
        }
    }

    /// Where it takes calls.
    pub(super) fn address(&self) -> SocketAddr {
        self.setup.calls.address
    }

    pub(super) async fn end_service(&mut self) {
        self.service.kill().await.unwrap();
    }

    pub(super) async fn end_redis(&mut self) {
        self.redis.kill().await.unwrap();
    }

    /// As it was before, at the same address.
    pub(super) async fn start_service(&mut self) {
        self.service = self.setup.start().await;
    }

    /// It keeps its connections, and does nothing.
    pub(super) async fn stop_service(&self) {
        signal("-STOP", &self.service).await;
    }

    pub(super) async fn continue_service(&self) {
        signal("-CONT", &self.service).await;
    }
}

impl Setup {
    async fn start(&self) -> Child {
        let mut command = tool("ratelimit").await;
        command
            .env_clear()
            .env("HOST", "127.0.0.1")
            .env("PORT", self.health.number())
            .env("GRPC_HOST", "127.0.0.1")
            .env("GRPC_PORT", self.calls.number())
            .env("DEBUG_HOST", "127.0.0.1")
            .env("DEBUG_PORT", "0")
            .env("REDIS_SOCKET_TYPE", "tcp")
            .env("REDIS_URL", &self.redis)
            .env("RUNTIME_ROOT", self.folder.path())
            .env("RUNTIME_SUBDIRECTORY", "ratelimit")
            .env("RUNTIME_WATCH_ROOT", "false")
            .env("HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED", "true")
            .env("USE_STATSD", "false")
            .env("DISABLE_STATS", "true")
            .env("LOG_LEVEL", "FATAL")
            .envs(self.settings.iter().copied());
        let service = command.spawn().unwrap();
        patiently("a rate limit service", async {
            while !self.is_healthy().await {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        service
    }

    /// Whether it has read its limits, and takes calls.
    async fn is_healthy(&self) -> bool {
        let calls = TcpStream::connect(self.calls.address).await;
        match TcpStream::connect(self.health.address).await {
            Ok(tcp) if calls.is_ok() => {
                let mut client = Client::http1_over(tcp).await;
                client.get("/healthcheck").await.status == 200
            }
            Ok(_) | Err(_) => false,
        }
    }
}

/// A port for a program that cannot choose one and say which.
///
/// Nobody else is given it meanwhile; who asks for exactly this one, and shares ports as the
/// service does, can listen there.
struct Port {
    address: SocketAddr,
    _reserved: TcpSocket,
}

impl Port {
    fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseport(true).unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            _reserved: socket,
        }
    }

    fn number(&self) -> String {
        self.address.port().to_string()
    }
}

async fn signal(name: &str, process: &Child) {
    let id = process.id().expect("it runs").to_string();
    let sent = Command::new("kill").args([name, &id]).status().await;
    assert!(sent.unwrap().success());
}
