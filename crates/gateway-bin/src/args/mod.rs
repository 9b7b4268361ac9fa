//! The command line and the environment, which are read nowhere else.

mod cluster;

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use gateway_k8s::infrastructure::Exposure;
use gateway_k8s::resolve::{AddressRange, Serving, Settings};

use self::cluster::ExposureArg;
pub(crate) use self::cluster::{ClusterArgs, ControllerArgs};
use crate::duration;
use crate::failure::CommandFailure;
use crate::logging::LogSettings;
use crate::output;
use crate::paint::Paint;

/// A Kubernetes Gateway API gateway.
///
/// Reads Gateways, routes, Services and EndpointSlices, and serves them: from a
/// cluster's API server, or from files on one machine without a cluster.
#[derive(Debug, Parser)]
#[command(name = "gateway", version, styles = STYLES, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colours; auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a cluster or manifests, and follow their changes
    Run(RunArgs),
    /// Serve built-in examples to try things out with
    Quickstart(QuickstartArgs),
    /// Say what would become of manifests or a cluster's objects, without serving them
    Check(CheckArgs),
    /// Say where a request would go, and why
    Explain(ExplainArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

impl Cli {
    /// Colours for standard output and standard error, if both are terminals.
    pub(crate) fn paint(&self) -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();

        Paint::new(match self.color {
            Color::Auto => is_terminal && !unwanted,
            Color::Always => true,
            Color::Never => false,
        })
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Files and folders with manifests (.yaml, .yml, .json); folders are searched to any depth
    #[arg(
        required_unless_present = "kubernetes",
        conflicts_with_all = ["kubernetes", "kubeconfig", "namespaces", "exposure", "pod_service", "gateway", "dedicated_image", "dedicated_replicas", "publish_addresses", "state_dir", "lease_namespace"],
        value_name = "PATH"
    )]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    #[command(flatten)]
    pub(crate) controller: ControllerArgs,

    #[command(flatten)]
    pub(crate) world: WorldArgs,

    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

impl RunArgs {
    pub(crate) fn exposure(&self) -> Exposure {
        match self.controller.gateway {
            Some(_) => Exposure::Dedicated,
            None => self.world.exposure(),
        }
    }

    /// For objects of a cluster.
    pub(crate) fn settings(&self) -> Settings {
        let serving = match (&self.controller.gateway, self.exposure()) {
            (Some(gateway), _) => Serving::Only(gateway.clone()),
            (None, Exposure::Dedicated) => Serving::Nothing,
            (None, Exposure::Direct | Exposure::Services) => Serving::Everything,
        };
        let settings = self.world.cluster().with_exposure(self.exposure());
        settings.with_serving(serving)
    }
}

/// What depends on where the gateway runs.
#[derive(Args, Debug, Default)]
pub(crate) struct WorldArgs {
    /// Give each Gateway without spec.addresses an address of its own out of this range [default:
    /// such Gateways listen on every address]
    #[arg(
        long,
        env = "GATEWAY_ADDRESS_POOL",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    address_pool: Vec<AddressRange>,

    /// How clients come to Gateways of a cluster
    #[arg(
        long,
        env = "GATEWAY_EXPOSURE",
        value_enum,
        default_value_t,
        requires = "kubernetes",
        help_heading = "Cluster"
    )]
    exposure: ExposureArg,
}

impl WorldArgs {
    pub(crate) fn exposure(&self) -> Exposure {
        self.exposure.into()
    }

    /// For objects of a folder.
    pub(crate) fn folder(&self) -> Settings {
        self.on(Settings::folder())
    }

    /// For objects of a cluster.
    pub(crate) fn cluster(&self) -> Settings {
        let settings = Settings::cluster().with_exposure(self.exposure());
        self.on(settings)
    }

    fn on(&self, settings: Settings) -> Settings {
        settings.with_pool(self.address_pool.iter().copied())
    }
}

#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// Threads that serve connections [default: one for each core]
    #[arg(long, env = "GATEWAY_WORKERS", value_name = "N", value_parser = positive)]
    pub(crate) workers: Option<usize>,

    /// How long requests may go on after SIGTERM
    #[arg(long, env = "GATEWAY_DRAIN_TIMEOUT", value_name = "TIME", default_value = "60s", value_parser = duration::parse)]
    pub(crate) drain_timeout: Duration,

    /// How long new connections are still accepted after SIGTERM, for load balancers to notice
    #[arg(long, env = "GATEWAY_LAME_DUCK", value_name = "TIME", default_value = "0s", value_parser = duration::parse)]
    pub(crate) lame_duck: Duration,

    /// The most clients' connections at a time; more wait [default: what half of the file
    /// descriptors (ulimit -n) are enough for]
    #[arg(long, env = "GATEWAY_MAX_CONNECTIONS", value_name = "N", value_parser = positive)]
    pub(crate) max_connections: Option<usize>,

    /// Answer /livez, /readyz and /metrics here, to anybody who asks [default: nowhere]
    #[arg(long, env = "GATEWAY_ADMIN", value_name = "ADDRESS:PORT")]
    pub(crate) admin: Option<SocketAddr>,

    /// What to log, as FORMAT/LEVEL: text or json; error, warn, info or debug
    #[arg(
        long,
        env = "GATEWAY_LOG",
        value_name = "FORMAT/LEVEL",
        default_value = "text/info"
    )]
    pub(crate) log: LogSettings,
}

#[derive(Args, Debug)]
#[command(after_help = QUICKSTART_EXAMPLES)]
pub(crate) struct QuickstartArgs {
    /// The port of 127.0.0.1 to serve on
    #[arg(long, short, env = "GATEWAY_QUICKSTART_PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,

    /// Print the manifests, and serve nothing
    #[arg(long)]
    pub(crate) print: bool,

    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    /// Files and folders with manifests
    #[arg(
        required_unless_present = "kubernetes",
        conflicts_with_all = ["kubernetes", "kubeconfig", "namespaces", "exposure"],
        value_name = "PATH"
    )]
    pub(crate) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    #[command(flatten)]
    pub(crate) world: WorldArgs,

    /// How to print the result
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,

    /// Fail on warnings too, such as unknown fields
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "gateway explain [OPTIONS] <PATH>... [METHOD] <URL>\n       gateway explain [OPTIONS] --kubernetes [METHOD] <URL>",
    after_help = EXPLAIN_EXAMPLES
)]
pub(crate) struct ExplainArgs {
    /// Files and folders with manifests, then the request: a method (GET if there is none; GRPC
    /// for a call) and a URL of http, https, tls, tcp or udp
    #[arg(required = true, value_name = "PATH")]
    pub(crate) words: Vec<String>,

    /// A header of the request; may be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", action = ArgAction::Append)]
    pub(crate) headers: Vec<String>,

    /// The address that the request arrives at, where several Gateways have the same port
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<IpAddr>,

    /// The name that the TLS handshake asks for [default: the host of the URL, unless it is an
    /// address]
    #[arg(long, value_name = "NAME")]
    pub(crate) sni: Option<String>,

    /// How many near misses to show
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) misses: usize,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    #[command(flatten)]
    pub(crate) world: WorldArgs,

    /// How to print the result
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn print(&self) -> Result<ExitCode, CommandFailure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "gateway", &mut script);

        output::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  gateway quickstart                  see it work, with requests to try
  gateway run ./manifests             serve a folder, and follow its changes
  gateway check ./manifests           find mistakes before they are served
  gateway explain ./manifests http://shop.example.com/cart
                                      see where a request goes, and why

'gateway COMMAND --help' says more about each command.";

const RUN_EXAMPLES: &str = "\
Examples:
  gateway run ./manifests
  gateway run gateway.yaml routes/ --workers 2 --log json/info
  gateway run ./manifests --address-pool 192.0.2.16/28
  gateway run --kubernetes --state-dir /var/lib/gateway

Changes are served at once. A file or an object that cannot be used is reported,
and what it said before stays in use. SIGTERM and SIGINT (Ctrl-C) let requests finish;
a second one ends at once.";

const QUICKSTART_EXAMPLES: &str = "\
Examples:
  gateway quickstart
  gateway quickstart --port 9090
  gateway quickstart --print > my-gateway.yaml    manifests of your own to start from";

const CHECK_EXAMPLES: &str = "\
Examples:
  gateway check ./manifests
  gateway check ./manifests --strict              for CI: unknown fields fail too
  gateway check ./manifests --output json | jq '.problems'
  gateway check --kubernetes

Ends with 1 if something is refused, and with 0 otherwise. Opens no socket, so
whether ports are free is not checked.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  gateway explain ./manifests http://shop.example.com/cart
  gateway explain ./manifests POST http://shop.example.com:8080/cart?id=3 -H 'x-env: canary'
  gateway explain gateway.yaml routes.yaml shop.example.com/cart --output json
  gateway explain ./manifests GRPC http://grpc.example.com/package.Service/Method
  gateway explain ./manifests https://192.0.2.1/ --sni shop.example.com -H 'host: shop.example.com'
  gateway explain ./manifests tls://db.example.com:5432
  gateway explain ./manifests udp://192.0.2.1:53

The port of the URL chooses the listener. Sends nothing and opens no socket. Ends
with 1 if no route takes it.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  gateway completions bash > /etc/bash_completion.d/gateway
  gateway completions zsh > \"${fpath[1]}/_gateway\"
  gateway completions fish > ~/.config/fish/completions/gateway.fish";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}
