//! The tests of the Gateway API's conformance suite that need no cluster, under
//! their names in the suite.
//!
//! | module | what |
//! |---|---|
//! | `upstream` | the suite's manifests, read from where `tests/upstream/fetch` puts them |
//! | `block` | addresses of loopback that belong to one test |
//! | `cluster` | what a cluster would add: pods for Deployments, EndpointSlices for Services |
//! | `keys` | the certificates that the suite makes before its tests |
//! | `pod` | an echo server as the suite runs it |
//! | `servers` | what pods serve apart from HTTP in the clear |
//! | `suite` | one test: manifests, resolved, served, and what came of them |
//! | `status` | what objects are told |
//! | `exchange` | a request, and what has to come of it |
//! | `call` | the same of gRPC |
//! | `line` | the same of TCP, TLS and UDP |
//!
//! The others are tests. A route is asked three times in a row, each time over a new
//! connection, and nothing is tried again. Gateways listen on the ports they name, on
//! addresses of their own; where port 80 is not for us, the tests say so and pass.

mod block;
mod call;
mod cluster;
mod exchange;
mod keys;
mod line;
mod pod;
mod servers;
mod status;
mod suite;
mod upstream;

mod attaching;
mod backend_tls;
mod cors;
mod features;
mod gateways;
mod grpc;
mod https;
mod invalid;
mod layer4;
mod layer4_status;
mod listener_sets;
mod matching;
mod mirrors;
mod modifiers;
mod protocols;
mod redirects;
mod retries;
mod rewrites;
mod sharing;
mod tls_routes;
