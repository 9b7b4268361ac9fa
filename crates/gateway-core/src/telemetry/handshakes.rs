//! TLS handshakes of clients.

use super::HandshakeMetrics;
use super::counter::Counter;

/// Why a handshake did not succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HandshakeFailure {
    /// What the client began with is no ClientHello.
    ClientHello,
    /// No listener, or no route of it, is for the name that was asked for.
    ServerName,
    /// The listener's settings or certificates cannot be served.
    Settings,
    /// Nothing that the client speaks is spoken here.
    Offer,
    /// The client has no certificate, or one that is not believed.
    ClientCertificate,
    /// The client refused: it does not believe our certificate, most often.
    Alert,
    /// What the client sent makes no sense.
    Protocol,
    /// The connection broke.
    Broken,
    /// It was too slow, or the gateway ended before.
    Unfinished,
}

impl HandshakeFailure {
    /// Every one there is, in the order in which they are declared.
    pub(super) const ALL: [Self; 9] = [
        Self::ClientHello,
        Self::ServerName,
        Self::Settings,
        Self::Offer,
        Self::ClientCertificate,
        Self::Alert,
        Self::Protocol,
        Self::Broken,
        Self::Unfinished,
    ];

    /// Label for metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::ClientHello => "client_hello",
            Self::ServerName => "server_name",
            Self::Settings => "settings",
            Self::Offer => "offer",
            Self::ClientCertificate => "client_certificate",
            Self::Alert => "alert",
            Self::Protocol => "protocol",
            Self::Broken => "broken",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What a worker counts of the handshakes at one address.
#[derive(Debug, Default)]
pub(crate) struct HandshakeCells {
    completed: Counter,
    failed: [Counter; HandshakeFailure::ALL.len()],
}

impl HandshakeCells {
    /// Counts one that begins now.
    pub(crate) fn begin(&self) -> Handshake<'_> {
        Handshake {
            cells: self,
            outcome: Outcome::Failed(HandshakeFailure::Unfinished),
        }
    }

    pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> HandshakeMetrics {
        let reasons = HandshakeFailure::ALL.map(|failure| (failure.reason(), 0));
        let mut sum = HandshakeMetrics {
            completed: 0,
            failures: reasons.to_vec(),
        };
        for cells in all {
            sum.completed += cells.completed.value();
            for ((_, sum), counter) in sum.failures.iter_mut().zip(&cells.failed) {
                *sum += counter.value();
            }
        }
        sum
    }
}

/// A handshake under way, counted when this is dropped; as unfinished, unless
/// something else was said of it.
#[derive(Debug)]
pub(crate) struct Handshake<'a> {
    cells: &'a HandshakeCells,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Completed,
    Failed(HandshakeFailure),
    NotOne,
}

impl Handshake<'_> {
    pub(crate) fn completed(&mut self) {
        self.outcome = Outcome::Completed;
    }

    pub(crate) fn failed(&mut self, failure: HandshakeFailure) {
        self.outcome = Outcome::Failed(failure);
    }

    /// There was none: the client said nothing, or it is for somebody else.
    pub(crate) fn forget(&mut self) {
        self.outcome = Outcome::NotOne;
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        match self.outcome {
            Outcome::Completed => self.cells.completed.increment(),
            Outcome::Failed(failure) => self.cells.failed[failure as usize].increment(),
            Outcome::NotOne => {}
        }
    }
}
