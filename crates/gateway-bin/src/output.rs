//! Standard output that may end before we do.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::failure::CommandFailure;

/// Writes to standard output. A reader that has seen enough (`| head`) is no
/// failure.
pub(crate) fn print(text: &str) -> Result<(), CommandFailure> {
    let mut out = io::stdout().lock();

    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandFailure::caused(
            "cannot write to standard output",
            &error,
        )),
        _ => Ok(()),
    }
}

/// Writes `value` as JSON for people and programs.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), CommandFailure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| CommandFailure::caused("cannot write JSON", &error))?;

    print(&(text + "\n"))
}
