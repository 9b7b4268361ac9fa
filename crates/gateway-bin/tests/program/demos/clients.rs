//! The programs that play clients.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A program of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program(&'static str);

/// What became of a run.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Program {
    /// The program, if it is there. Says so if it is not.
    pub(super) fn find(name: &'static str) -> Option<Self> {
        let found = Command::new(name)
            .arg("-h")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_err() {
            eprintln!("skipped: {name} is not installed");
        }
        found.is_ok().then_some(Self(name))
    }

    pub(super) fn run(self, args: &[&str], input: &str) -> Ran {
        let mut child = Command::new(self.0)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("was found");
        let mut stdin = child.stdin.take().expect("is piped");
        // Who has no use for it may have gone.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().expect("ends");

        Ran {
            code: status.code(),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

/// What curl prints at the end, of what it was answered.
const FORMAT: &str = "\n%{http_code} %{http_version}";

/// curl with what every test wants of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curl(Program);

/// What curl got.
#[derive(Debug)]
pub(super) struct Got {
    /// Its exit code: zero, or why it got nothing.
    pub(super) code: Option<i32>,
    /// 0 if there was no answer.
    pub(super) status: u16,
    pub(super) version: String,
    pub(super) body: String,
}

impl Curl {
    pub(super) fn find() -> Option<Self> {
        Program::find("curl").map(Self)
    }

    pub(super) fn get(self, args: &[&str]) -> Got {
        let always = [
            "-q",
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "30",
            "-w",
            FORMAT,
        ];
        let ran = self.0.run(&[&always[..], args].concat(), "");
        // Shown if the test fails.
        eprint!("{}", ran.err);
        let (body, last) = ran.out.rsplit_once('\n').expect("is printed at the end");
        let (status, version) = last.split_once(' ').expect("is printed at the end");

        Got {
            code: ran.code,
            status: status.parse().expect("is a number"),
            version: version.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Asks `host` for `/headers` over TLS, at a port of this machine.
    pub(super) fn secure(self, host: &str, port: u16, args: &[&str]) -> Got {
        let there = format!("{host}:443:127.0.0.1:{port}");
        let url = format!("https://{host}/headers");
        self.get(&[&["--connect-to", &there, &url], args].concat())
    }
}
