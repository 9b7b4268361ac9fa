//! Requests from within the cluster.

use crate::cluster::Cluster;

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// Of the response; 0 if there was none.
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Where a redirect leads to.
    pub(crate) location: String,
}

impl Answer {
    pub(crate) fn is(&self, status: u16, part: &str) -> bool {
        self.status == status && self.body.contains(part)
    }
}

/// Sends a request; `arguments` are curl's, and the URL is one of them.
pub(crate) fn curl(cluster: &Cluster, arguments: &[&str]) -> Answer {
    let mut command = cluster.enter("curl");
    command
        .args(["--silent", "--max-time", "10", "--write-out", FORMAT])
        .args(arguments);
    let output = command.output().expect("runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some((body, last)) = output.rsplit_once('\n') else {
        return Answer::default();
    };
    let (status, location) = last.split_once(' ').unwrap_or((last, ""));

    Answer {
        status: status.parse().unwrap_or_default(),
        body: body.to_owned(),
        location: location.to_owned(),
    }
}

const FORMAT: &str = "\n%{http_code} %{redirect_url}";
