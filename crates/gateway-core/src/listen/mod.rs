//! From a socket to requests.
//!
//! [`accept`] takes connections, [`opening`] has them decrypted where that is asked
//! for, [`detect`] finds out what they speak,
//! [`downstream`] speaks it: the only place that knows hyper's server side.
//! [`watch`] ends connections that keep nothing moving.

mod accept;
mod bind;
mod clock;
mod connection;
mod detect;
mod downstream;
mod opening;
mod port;
mod scan;
mod stream;
mod transport;
mod watch;
mod watches;

pub(crate) use self::accept::{Acceptor, accept};
pub use self::bind::{BindError, Transport};
pub(crate) use self::bind::{Sockets, bind, is_everywhere, or_ipv4};
pub(crate) use self::clock::Clock;
pub use self::clock::Deadlines;
pub(crate) use self::connection::Connection;
pub(crate) use self::downstream::{OnUpgrade, RequestBody};
pub(crate) use self::port::{Port, PortTable, Requests};
pub(crate) use self::watch::{InFlight, Signal, Watch};
pub(crate) use self::watches::{Watched, Watches};
