//! What the command line says of a cluster.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gateway_core::model::ObjectName;
use gateway_k8s::infrastructure::Exposure;

/// Which cluster, if any.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Read the objects of a cluster, instead of files
    #[arg(long, short, env = "GATEWAY_KUBERNETES")]
    pub(crate) kubernetes: bool,

    /// How to reach the cluster [default: as the pod's ServiceAccount, or else what KUBECONFIG or
    /// ~/.kube/config says]
    #[arg(
        long,
        env = "GATEWAY_KUBECONFIG",
        value_name = "FILE",
        requires = "kubernetes"
    )]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Look at this namespace, and at no other that is not named too [default: all]
    #[arg(
        long = "namespace",
        short,
        env = "GATEWAY_NAMESPACES",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "kubernetes"
    )]
    pub(crate) namespaces: Vec<String>,
}

/// What a controller has to know besides.
#[derive(Args, Debug)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ControllerArgs {
    /// The Service whose endpoints are the pods of this gateway, to which load balancers lead
    #[arg(
        long,
        env = "GATEWAY_POD_SERVICE",
        value_name = "NAMESPACE/NAME",
        value_parser = object_name,
        default_value = "gateway-system/gateway"
    )]
    pub(crate) pod_service: ObjectName,

    /// Serve this Gateway alone, where its Service leads to, and write nothing: what the pods of
    /// dedicated Gateways do
    #[arg(
        long,
        env = "GATEWAY_ONLY",
        value_name = "NAMESPACE/NAME",
        value_parser = object_name
    )]
    pub(crate) gateway: Option<ObjectName>,

    /// The image of the pods of dedicated Gateways, whose entry point is this program
    #[arg(
        long,
        env = "GATEWAY_DEDICATED_IMAGE",
        value_name = "IMAGE",
        default_value = "gateway:latest"
    )]
    pub(crate) dedicated_image: String,

    /// How many pods a dedicated Gateway begins with
    #[arg(
        long,
        env = "GATEWAY_DEDICATED_REPLICAS",
        value_name = "N",
        default_value_t = 2
    )]
    pub(crate) dedicated_replicas: u16,

    /// An address to publish for Gateways that listen on every address of this machine
    #[arg(
        long = "publish-address",
        env = "GATEWAY_PUBLISH_ADDRESS",
        value_name = "IP",
        value_delimiter = ','
    )]
    pub(crate) publish_addresses: Vec<IpAddr>,

    /// Keep the last good configuration here, to serve it when the API server is away at a start
    #[arg(long, env = "GATEWAY_STATE_DIR", value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// The namespace of the Lease that decides which replica writes statuses
    #[arg(
        long,
        env = "GATEWAY_LEASE_NAMESPACE",
        value_name = "NAME",
        default_value = "gateway-system"
    )]
    pub(crate) lease_namespace: String,
}

/// How clients come to Gateways.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum ExposureArg {
    /// Directly: Gateways listen on addresses of this machine
    #[default]
    Direct,
    /// Through a Service of type LoadBalancer for each Gateway
    Services,
    /// The same, with a Deployment for each Gateway that serves nothing else
    Dedicated,
}

impl From<ExposureArg> for Exposure {
    fn from(arg: ExposureArg) -> Self {
        match arg {
            ExposureArg::Direct => Self::Direct,
            ExposureArg::Services => Self::Services,
            ExposureArg::Dedicated => Self::Dedicated,
        }
    }
}

fn object_name(text: &str) -> Result<ObjectName, String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok(ObjectName::new(namespace, name))
        }
        _ => Err("must be NAMESPACE/NAME".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;
    use gateway_k8s::infrastructure::Exposure;

    use crate::args::{Cli, Command};

    fn parsed(words: &str) -> Result<Command, ErrorKind> {
        let parsed = Cli::try_parse_from(words.split(' '));
        parsed.map(|cli| cli.command).map_err(|error| error.kind())
    }

    #[test]
    fn who_checks_a_cluster_can_say_how_clients_come() {
        for (words, exposure) in [
            ("gateway check --kubernetes", Exposure::Direct),
            (
                "gateway check --kubernetes --exposure services",
                Exposure::Services,
            ),
        ] {
            let Ok(Command::Check(args)) = parsed(words) else {
                panic!("{words}");
            };
            assert_eq!(args.world.exposure(), exposure, "{words}");
        }
    }

    #[test]
    fn one_gateway_alone_is_a_dedicated_one() {
        let words = "gateway run --kubernetes --gateway shop/edge";
        let Ok(Command::Run(args)) = parsed(words) else {
            panic!("{words}");
        };
        assert_eq!(args.exposure(), Exposure::Dedicated);
    }

    #[test]
    fn what_is_for_clusters_is_not_ignored_without_one() {
        assert!(parsed("gateway run manifests").is_ok());
        for option in [
            "--exposure services",
            "--state-dir state",
            "--namespace shop",
            "--publish-address 192.0.2.1",
            "--kubeconfig config",
            "--gateway shop/edge",
            "--pod-service shop/edge",
            "--dedicated-image gateway",
            "--dedicated-replicas 3",
            "--lease-namespace shop",
        ] {
            let refused = parsed(&format!("gateway run manifests {option}"));
            assert!(
                matches!(refused, Err(ErrorKind::ArgumentConflict)),
                "{option}: {refused:?}"
            );
        }
    }
}
