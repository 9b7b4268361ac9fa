//! What came of a connection or a session.

/// How much was carried, and how it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Bytes from the client.
    pub received: u64,
    /// Bytes to the client.
    pub sent: u64,
    /// How it ended.
    pub end: End,
}

impl Summary {
    /// So many bytes from and to the client, ended by `end`.
    #[must_use]
    pub fn new(received: u64, sent: u64, end: End) -> Self {
        Self {
            received,
            sent,
            end,
        }
    }
}

/// How a connection or a session ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum End {
    /// Both sides had said all they had to say.
    Finished,
    /// The client's side broke.
    Downstream,
    /// The backend's side broke.
    Upstream,
    /// Nothing moved for too long.
    Idle,
}
