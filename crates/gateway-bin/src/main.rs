//! The `gateway` program: serves, checks and explains Gateway API manifests.

mod admin;
mod args;
mod changes;
mod check;
mod cluster;
mod duration;
mod explain;
mod failure;
mod findings;
mod limits;
mod logging;
mod manifests;
mod output;
mod paint;
mod quickstart;
mod reading;
mod run;
mod signal;
mod table;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};

/// Gives memory of finished requests back sooner than the system's allocator, and
/// serves several workers without a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let paint = cli.paint();

    let result = match cli.command {
        Command::Run(args) => run::command(&args, paint),
        Command::Quickstart(args) => quickstart::command(&args, paint),
        Command::Check(args) => check::command(&args, paint),
        Command::Explain(args) => explain::command(&args, paint),
        Command::Completions(args) => args.print(),
    };

    result.unwrap_or_else(|failure| {
        failure.print(paint);
        ExitCode::FAILURE
    })
}
