//! Asks a gRPC service whether a request may pass, in the protocol of Envoy's `ext_authz`.
//!
//! The Gateway API's `ExternalAuth` filter (GEP-1494) with the gRPC protocol:
//! `envoy.service.auth.v3.Authorization/Check`, which OPA and others speak. The service is told
//! the method, path, host, scheme, protocol and headers of the request, and the client's
//! address; the body, if [that is wanted](ExtAuthz::with_forwarded_body). It says that the request
//! passes, with headers to set and remove, or what the client gets instead: 403, unless it names a
//! status.
//!
//! When it cannot be reached, takes too long or answers what cannot be understood, the request
//! is refused with 403, unless told otherwise. So it is with an answer that is neither yes nor no.
//! One that says no is obeyed whatever else is in it: headers that HTTP cannot carry are left out,
//! and 403 stands for such a status.
//!
//! Which headers it sets, it says with each answer. A request that passes without one, as it may be
//! told to, has what the client sent: where backends believe such a header, a layer outside has to
//! remove it.
//!
//! The service is reached through any transport of tonic's: a channel of its own, or a tower
//! service over our own connections.
//!
//! Not supported are changes of the query and dynamic metadata.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no body is shown; a second for the answer; without one, 403 |
//! | for each request | a round trip, with the encoding of the question, which has all headers; a body that is [shown](crate::inquiry) is held |
//! | misconfigured | an origin without a scheme is one of `http`; an answer that cannot be understood is a failure of the service |
//! | overloaded | a service that is late or cannot be reached decides as [`OnFailure`] says; it is told its time in `grpc-timeout` |
//! | dropped half-way | the question is dropped, and with it the request and what was read of its body |

mod ask;
mod proto;
mod settings;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::ask::AskGrpc;
pub use self::settings::{BodyForm, ExtAuthz};

#[doc(no_inline)]
pub use crate::inquiry::{ForwardBody, Longer, OnFailure};
use crate::inquiry::{InquiryLayer, InquiryService};

/// Applies [`ExtAuthzService`].
pub type ExtAuthzLayer<C> = InquiryLayer<AskGrpc<C>>;

/// Calls `S` for requests that a gRPC service behind `C` lets pass.
pub type ExtAuthzService<S, C> = InquiryService<S, AskGrpc<C>>;
