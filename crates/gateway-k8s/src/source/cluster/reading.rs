//! What a cluster says at one moment.

use std::borrow::Cow;
use std::fmt;

use tokio::time::Instant;

use crate::status::Statuses;
use crate::world::{ObjectRef, World};

/// What is known of a cluster at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The objects, without their statuses. What did not change since an earlier
    /// reading is the same in both.
    pub world: World,
    /// The statuses of the kinds whose status a gateway writes.
    pub statuses: Statuses,
    /// The objects that cannot be read, by object.
    pub problems: Vec<ObjectProblem>,
    /// Every kind the gateway looks at, in the same order each time.
    pub kinds: Vec<WatchedKind>,
    /// The release of the Gateway API that is installed, as its
    /// CustomResourceDefinitions say in `gateway.networking.k8s.io/bundle-version`;
    /// several, if they do not agree, and `unknown` for those that do not say. None, if
    /// definitions cannot be looked at, or there are none.
    pub bundle_versions: Vec<String>,
    pub(super) is_complete: bool,
    pub(super) is_whole: bool,
}

/// An object that is not used as it is written, because it does not have the form of
/// its kind.
///
/// If an earlier writing of it could be read, that is what the world has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectProblem {
    /// Which object.
    pub object: ObjectRef,
    /// Which field, as in `spec.rules[0].name`, if one is to blame.
    pub field: Option<String>,
    /// What is wrong with it. Never a value of a Secret.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// A kind, and how watching it goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchedKind {
    /// The API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// The kind, as the API spells it.
    pub kind: Cow<'static, str>,
    /// In which version it is watched; nothing if it is not installed.
    pub version: Option<String>,
    /// How that goes.
    pub state: KindState,
}

/// How watching a kind goes. With restricted namespaces, the worst of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KindState {
    /// The cluster does not have the kind.
    NotInstalled,
    /// Its objects are not known yet.
    Listing,
    /// Its objects are known, and changes will be.
    Watching,
    /// It cannot be listed or watched now. What was known before is in the world.
    Retrying {
        /// For how long this has been so.
        since: Instant,
        /// Why.
        error: String,
    },
}

impl Reading {
    /// Whether the world may be served: every kind that is installed has been listed
    /// once, or could not be for so long that it is better to serve without it.
    ///
    /// True for every reading that [`Cluster::changed`](super::Cluster::changed) gives.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether nothing is missing in the world but what may not be looked at: every other
    /// kind that is installed has been listed. If not, what is missing may well be there,
    /// and the world is no reason to tell anybody that it is not.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether every kind that is installed is followed right now, so that the world
    /// is as new as it can be.
    pub fn is_connected(&self) -> bool {
        let lags = |state: &KindState| match state {
            KindState::NotInstalled | KindState::Watching => false,
            KindState::Listing | KindState::Retrying { .. } => true,
        };
        self.is_complete && !self.kinds.iter().any(|kind| lags(&kind.state))
    }
}

impl fmt::Display for ObjectProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl fmt::Display for WatchedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.group.is_empty() {
            write!(f, " of {}", self.group)?;
        }
        match &self.state {
            KindState::NotInstalled => f.write_str(" is not installed"),
            KindState::Listing => f.write_str(" is being listed"),
            KindState::Watching => f.write_str(" is watched"),
            KindState::Retrying { error, .. } => write!(f, " cannot be watched now: {error}"),
        }
    }
}
