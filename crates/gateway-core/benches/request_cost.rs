//! What a request costs the whole gateway, in counts that do not depend on the machine:
//! allocations, and system calls where `strace` is installed.
//!
//! The gateway runs in a process of its own, so that neither client nor origin count.
//! Fails if a count is above its budget.
//!
//! ```sh
//! cargo bench -p gateway-core --bench request_cost
//! ```

use std::alloc::System;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use gateway_core::Gateway;
use gateway_core::model::{
    Backend, BackendRef, Configuration, Gateway as Edge, Listener, Route, Rule,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The boxed stack; the bytes of the response, of which fields and body are parts, and
/// their share count.
const ALLOCATIONS: f64 = 3.1;
/// Two reads and two writes.
const TRANSFERS: f64 = 4.1;
/// With one request under way at a time, each of the four may have to be waited for.
const WAITS: f64 = 2.1;

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 250;
const REQUEST: &[u8] = b"GET /cart?item=7 HTTP/1.1\r\nhost: shop.example.com\r\naccept: */*\r\n\
    user-agent: bench\r\naccept-encoding: gzip\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nserver: origin\r\n\
    date: Sun, 01 Nov 2026 00:00:00 GMT\r\ncontent-length: 12\r\n\r\nhello, world";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--serve") {
        Some(at) => serve(arguments[at + 1].parse().expect("an address")),
        None => measure(),
    }
}

/// The gateway's process: tells its address, then its allocations whenever asked.
fn serve(origin: SocketAddr) {
    let route =
        Route::new("shop").with_rule(Rule::new().with_backend(BackendRef::new("shop".into())));
    let edge = Edge::new("edge")
        .with_address([127, 0, 0, 1].into())
        .with_listener(Listener::http("web", 0).with_route(route));
    let gateway = Gateway::builder().workers(1).build();
    gateway.update(
        Configuration::new()
            .with_gateway(edge)
            .with_backend("shop", Backend::new([origin])),
    );
    println!("{}", gateway.addresses()[0]);

    std::thread::spawn(|| {
        for _ in std::io::stdin().lines() {
            println!("{}", ALLOCATOR.stats().allocations);
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(gateway.run()).expect("runs");
}

fn measure() {
    let mut server = Server::start(origin());
    let mut clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| TcpStream::connect(server.address).expect("connects"))
        .collect();
    rounds(&mut clients, 50);

    let before = server.allocations();
    rounds(&mut clients, ROUNDS);
    let allocations = (server.allocations() - before) as f64 / (ROUNDS * CONNECTIONS) as f64;
    println!("allocations    {allocations:>6.2} a request");
    assert!(
        allocations <= ALLOCATIONS,
        "more than {ALLOCATIONS} allocations"
    );

    match server.count_calls(|| rounds(&mut clients, ROUNDS)) {
        Some(calls) => report(&calls),
        None => println!("system calls   not counted: strace is not installed or may not trace"),
    }
}

fn report(calls: &[(String, usize)]) {
    let requests = (ROUNDS * CONNECTIONS) as f64;
    let (mut transfers, mut waits) = (0.0, 0.0);
    for (name, count) in calls {
        let share = *count as f64 / requests;
        if share < 0.01 {
            continue;
        }
        println!("{name:<14} {share:>6.2} a request");
        match name.as_str() {
            "epoll_wait" => waits += share,
            _ => transfers += share,
        }
    }
    assert!(
        transfers <= TRANSFERS,
        "more than {TRANSFERS} calls besides waiting"
    );
    assert!(waits <= WAITS, "more than {WAITS} waits");
}

/// All clients send at once, then all are answered.
fn rounds(clients: &mut [TcpStream], rounds: usize) {
    let mut answer = vec![0; 1024];
    for _ in 0..rounds {
        for client in &mut *clients {
            client.write_all(REQUEST).expect("sends");
        }
        for client in &mut *clients {
            let mut read = 0;
            while !answer[..read].ends_with(b"hello, world") {
                read += client.read(&mut answer[read..]).expect("is answered");
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"));
        }
    }
}

/// A backend with a thread for each connection.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || answer(connection));
        }
    });
    address
}

fn answer(mut connection: TcpStream) {
    let mut request = [0; 2048];
    let mut read = 0;
    while let Ok(more @ 1..) = connection.read(&mut request[read..]) {
        read += more;
        if request[..read].ends_with(b"\r\n\r\n") {
            read = 0;
            if connection.write_all(ANSWER).is_err() {
                return;
            }
        }
    }
}

struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    fn start(origin: SocketAddr) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("a program"))
            .args(["--serve", &origin.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let input = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let address = line(&mut output).parse().expect("an address");
        Self {
            process,
            input,
            output,
            address,
        }
    }

    fn allocations(&mut self) -> usize {
        self.input.write_all(b"\n").expect("asks");
        line(&mut self.output).parse().expect("a number")
    }

    /// The calls that the process makes while `work` is done, by name.
    fn count_calls(&self, work: impl FnOnce()) -> Option<Vec<(String, usize)>> {
        let mut strace = Command::new("strace")
            .args([
                "-c",
                "-f",
                "-U",
                "name,calls",
                "-p",
                &self.process.id().to_string(),
            ])
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut printed = BufReader::new(strace.stderr.take().expect("piped"));
        if !line(&mut printed).contains("attached") {
            return None;
        }

        work();

        // Asked to stop, it prints its table.
        Command::new("kill")
            .args(["-INT", &strace.id().to_string()])
            .status()
            .ok()?;
        let table = printed.lines().map_while(Result::ok).filter_map(|line| {
            let (name, count) = line.trim().split_once(char::is_whitespace)?;
            Some((name.to_owned(), count.trim().parse().ok()?))
        });
        let calls = table.filter(|(name, _)| name != "total").collect();
        strace.wait().ok()?;
        Some(calls)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn line(output: &mut impl BufRead) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("speaks");
    line.trim().to_owned()
}
