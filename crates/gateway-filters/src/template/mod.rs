//! Text with places for what is known of a request.
//!
//! [`HeaderValues`](crate::HeaderValues) and [`ErrorBodies`](crate::ErrorBodies) take text in
//! which a name between percent signs stands for a value:
//!
//! | variable | value |
//! |---|---|
//! | `%CLIENT_IP%` | the [client's address](crate::client_address::ClientAddress) |
//! | `%HOST%` | the host that the client asked for, without a port |
//! | `%METHOD%` | the method |
//! | `%PATH%` | the path, without the query |
//! | `%QUERY%` | the query, without the question mark |
//! | `%REASON%` | in error bodies: what the status means |
//! | `%REQ(x-name)%` | the values of a header, joined by commas |
//! | `%REQUEST_ID%` | the [name of the request](crate::request_id::RequestId) |
//! | `%ROUTE_NAME%` | the [name of the route](RouteName) |
//! | `%SCHEME%` | `http` or `https` |
//! | `%STATUS%` | in error bodies: the status |
//! | `%%` | a percent sign |
//!
//! The text is taken apart when it is built: a name that is not in this table is an error then.
//! What is not known of a request is nothing, not an error.

mod error;
mod parse;
mod source;
#[cfg(test)]
mod tests;

pub use self::error::InvalidTemplate;
pub use self::source::RouteName;

pub(crate) use self::parse::{Template, Variable};
pub(crate) use self::source::{Source, of_status};
