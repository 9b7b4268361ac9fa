//! Manifests as they are read and understood once, without being served.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use gateway_k8s::resolve::{Resolved, Settings, resolve};
use gateway_k8s::source::folder::Folder;

use crate::args::{ClusterArgs, WorldArgs};
use crate::cluster;
use crate::failure::CommandFailure;
use crate::reading::Reading;
use crate::run::block_on;

/// Manifests, and what they mean.
#[derive(Debug)]
pub(crate) struct Manifests {
    pub(crate) reading: Reading,
    pub(crate) resolved: Resolved,
}

impl Manifests {
    /// Reads all there is at `paths`, or in the cluster.
    pub(crate) fn read(
        paths: &[PathBuf],
        cluster: &ClusterArgs,
        world: &WorldArgs,
    ) -> Result<Self, CommandFailure> {
        if cluster.kubernetes {
            let reading = block_on(cluster::read(cluster))?;
            let settings = cluster::settings(world, &reading);
            return Ok(Self::new(Reading::Cluster(Box::new(reading)), &settings));
        }

        ensure_some_readable(paths)?;
        let reading = Reading::Folder(Folder::new(paths).read());
        Ok(Self::new(reading, &world.folder()))
    }

    fn new(reading: Reading, settings: &Settings) -> Self {
        let mut resolved = resolve(reading.world(), settings);
        resolved.verdicts.dated(SystemTime::now());

        Self { reading, resolved }
    }
}

/// Fails if nothing at all can be read.
pub(crate) fn ensure_some_readable(paths: &[PathBuf]) -> Result<(), CommandFailure> {
    let mut failure = None;

    for path in paths {
        // What cannot be opened cannot be read, whatever its mode says.
        let opened = fs::metadata(path).and_then(|meta| {
            if meta.is_dir() {
                fs::read_dir(path).map(|_| ())
            } else {
                fs::File::open(path).map(|_| ())
            }
        });
        match opened {
            Ok(()) => return Ok(()),
            Err(error) => {
                let message = format!("cannot read {}", path.display());
                failure.get_or_insert_with(|| CommandFailure::caused(message, &error));
            }
        }
    }

    let failure = failure.unwrap_or_else(|| CommandFailure::new("no path was given"));
    Err(failure.remedy("name a file or folder with Gateway API manifests that this user may read"))
}
