//! From a socket to requests.
//!
//! [`accept`] takes connections, [`detect`] finds out what they speak,
//! [`downstream`] speaks it: the only place that knows hyper's server side.
//! [`watch`] ends connections that keep nothing moving.

mod accept;
mod bind;
mod connection;
mod detect;
mod downstream;
mod port;
mod scan;
mod stream;
mod watch;

pub(crate) use self::accept::{Acceptor, accept};
pub use self::bind::BindError;
pub(crate) use self::bind::{Sockets, bind};
pub(crate) use self::connection::Connection;
pub(crate) use self::downstream::{OnUpgrade, RequestBody};
pub(crate) use self::port::Port;
pub use self::watch::Deadlines;
pub(crate) use self::watch::{Clock, InFlight, Signal, Watches};
