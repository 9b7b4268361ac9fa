//! `gateway explain`: where a request, a connection or a datagram goes, and why.

mod admitted;
mod answer;
mod backends;
mod dry_run;
mod filters;
mod misses;
mod outcome;
mod request;
mod route;
mod secured;
mod settings;
mod site;
mod stream;
mod text;

use std::process::ExitCode;

use self::answer::Answer;
use self::request::Asked;
use crate::args::{ExplainArgs, Output};
use crate::failure::CommandFailure;
use crate::manifests::Manifests;
use crate::output;
use crate::paint::Paint;
use crate::run::block_on;

/// Prints where a request goes; fails if no rule takes it.
pub(crate) fn command(args: &ExplainArgs, paint: Paint) -> Result<ExitCode, CommandFailure> {
    let (paths, asked) = Asked::parse(
        &args.words,
        args.cluster.kubernetes,
        &args.headers,
        args.address,
        args.sni.as_deref(),
    )?;
    let manifests = Manifests::read(&paths, &args.cluster, &args.world)?;
    let answer = block_on(async { Ok(Answer::find(&manifests, &asked, args.misses).await) })?;

    match args.output {
        Output::Text => output::print(&text::render(&answer, paint))?,
        Output::Json => output::print_json(&answer)?,
    }
    Ok(if answer.has_way() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
