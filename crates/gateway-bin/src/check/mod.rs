//! `gateway check`: what would become of manifests.

mod report;

use std::process::ExitCode;

use self::report::Report;
use crate::args::{CheckArgs, Output};
use crate::failure::CommandFailure;
use crate::manifests::Manifests;
use crate::output;
use crate::paint::Paint;

/// Prints verdicts and problems; fails if something is refused.
pub(crate) fn command(args: &CheckArgs, paint: Paint) -> Result<ExitCode, CommandFailure> {
    let manifests = Manifests::read(&args.paths, &args.cluster, &args.world)?;
    let report = Report::new(&manifests);

    match args.output {
        Output::Text => output::print(&report.render(paint))?,
        Output::Json => output::print_json(&report)?,
    }

    let fails = report.errors() > 0 || args.strict && report.warnings() > 0;
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
