//! A client of an API server.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tower::util::MapResponseLayer;

use super::patience::keep_retry_after;

/// A client of the API server that a kubeconfig names, or, without one, of the
/// cluster this runs in, or else of the one that `KUBECONFIG` or `~/.kube/config` names.
///
/// Nothing is sent. Tokens and authorities that are given as files are read again
/// about every minute, as a Pod's are replaced.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<Client, ConnectError> {
    let mut config = match kubeconfig {
        Some(path) => from_file(path).await?,
        None => usual().await?,
    };
    config.connect_timeout = Some(CONNECT);
    config.write_timeout = Some(WRITE);
    // A watch may be silent for long, so each request has its own time.
    config.read_timeout = None;
    // Who asks again waits by himself: here nobody would see that it does.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).map_err(ConnectError::Client)?;
    let busy = MapResponseLayer::new(keep_retry_after);
    Ok(builder.with_layer(&busy).build())
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("{} is no kubeconfig that can be used", path.display())]
    Kubeconfig {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: KubeconfigError,
    },
    /// This does not run in a cluster, or without a service account.
    #[error("there is no kubeconfig, and no service account of a cluster")]
    InCluster(#[source] InClusterError),
    /// A certificate, a key or an address is wrong.
    #[error("the API server cannot be spoken to as configured")]
    Client(#[source] kube::Error),
}

async fn usual() -> Result<Config, ConnectError> {
    let in_cluster = match Config::incluster() {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let options = KubeConfigOptions::default();
    Config::from_kubeconfig(&options)
        .await
        .map_err(|source| match source {
            KubeconfigError::FindPath => ConnectError::InCluster(in_cluster),
            KubeconfigError::ReadConfig(error, _) if error.kind() == ErrorKind::NotFound => {
                ConnectError::InCluster(in_cluster)
            }
            source => ConnectError::Kubeconfig {
                path: PathBuf::from("what KUBECONFIG or ~/.kube/config says"),
                source,
            },
        })
}

async fn from_file(path: &Path) -> Result<Config, ConnectError> {
    let invalid = |source| ConnectError::Kubeconfig {
        path: path.to_owned(),
        source,
    };
    let file = Kubeconfig::read_from(path).map_err(invalid)?;
    let options = KubeConfigOptions::default();
    Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(invalid)
}

const CONNECT: Duration = Duration::from_secs(10);
const WRITE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("is written");
        file
    }

    #[tokio::test]
    async fn a_kubeconfig_with_a_token_is_enough() {
        let file = file(
            "{apiVersion: v1, kind: Config, current-context: here,
              clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}],
              users: [{name: u, user: {token: secret}}],
              contexts: [{name: here, context: {cluster: c, user: u, namespace: edge}}]}",
        );

        let client = connect(Some(file.path())).await.expect("is enough");

        assert_eq!(client.default_namespace(), "edge");
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let error = connect(Some(Path::new("/nowhere")))
            .await
            .err()
            .expect("is not there");

        assert_eq!(
            error.to_string(),
            "/nowhere is no kubeconfig that can be used"
        );
        assert!(error.source().is_some());
    }

    #[tokio::test]
    async fn a_context_that_is_missing_is_an_error() {
        let file = file("{apiVersion: v1, kind: Config, current-context: elsewhere}");

        let error = connect(Some(file.path())).await.err();

        assert!(
            matches!(error, Some(ConnectError::Kubeconfig { .. })),
            "{error:?}"
        );
    }
}
