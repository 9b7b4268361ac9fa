//! `gateway quickstart`: something to try.

mod echo;
mod manifests;
mod tour;

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use tempfile::TempDir;

use self::echo::Echo;
use crate::args::{QuickstartArgs, WorldArgs};
use crate::failure::CommandFailure;
use crate::output;
use crate::paint::Paint;
use crate::run::{Server, block_on};

/// Serves the built-in manifests until it is told to end.
pub(crate) fn command(args: &QuickstartArgs, paint: Paint) -> Result<ExitCode, CommandFailure> {
    if args.print {
        output::print(manifests::MANIFESTS)?;
        return Ok(ExitCode::SUCCESS);
    }

    args.server.log.start(paint);
    block_on(serve(args, paint))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &QuickstartArgs, paint: Paint) -> Result<(), CommandFailure> {
    ensure_free(args.port)?;
    let backends = [Echo::bind("hello-v1").await?, Echo::bind("hello-v2").await?];
    let ports = [backends[0].port(), backends[1].port()];
    // Removed when it is dropped.
    let folder = folder()?;
    let file = folder.path().join("quickstart.yaml");
    write(&file, &manifests::with_ports(args.port, ports))?;

    let settings = WorldArgs::default().folder();
    let server = Server::of_folder(vec![file.clone()], settings, &args.server).await?;
    for backend in backends {
        tokio::spawn(backend.serve());
    }
    output::print(&tour::text(args.port, &file.display().to_string(), paint))?;

    server.run().await
}

fn folder() -> Result<TempDir, CommandFailure> {
    tempfile::Builder::new()
        .prefix("gateway-quickstart-")
        .tempdir()
        .map_err(|error| {
            CommandFailure::caused("cannot make a folder for the manifests", &error)
                .remedy("name a folder that you may write to in TMPDIR")
        })
}

fn write(file: &Path, text: &str) -> Result<(), CommandFailure> {
    fs::write(file, text)
        .map_err(|error| CommandFailure::caused(format!("cannot write {}", file.display()), &error))
}

/// Fails, with what to do, if the port cannot be listened on.
fn ensure_free(port: u16) -> Result<(), CommandFailure> {
    let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
        return Ok(());
    };
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program uses this port; end it, or choose another port, as in 'gateway \
             quickstart --port {}'",
            port.checked_add(1).unwrap_or(8080)
        ),
        ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege; choose one above, as in 'gateway quickstart --port \
             8080'"
                .to_owned()
        }
        _ => "choose another port with --port".to_owned(),
    };

    let message = format!("cannot listen on 127.0.0.1:{port}");
    Err(CommandFailure::caused(message, &error).remedy(remedy))
}
