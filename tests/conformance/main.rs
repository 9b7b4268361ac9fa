//! The tests of the Gateway API's conformance suite that need no cluster, under
//! their names in the suite.
//!
//! | module | what |
//! |---|---|
//! | `upstream` | the suite's manifests, read from where `tests/upstream/fetch` puts them |
//! | `block` | addresses of loopback that belong to one test |
//! | `cluster` | what a cluster would add: pods for Deployments, EndpointSlices for Services |
//! | `pod` | an echo server as the suite runs it |
//! | `suite` | one test: manifests, resolved, served, and what came of them |
//! | `status` | what objects are told |
//! | `exchange` | a request, and what has to come of it |
//!
//! The others are tests. A route is asked three times in a row, each time over a new
//! connection, and nothing is tried again. Gateways listen on the ports they name, on
//! addresses of their own; where port 80 is not for us, the tests say so and pass.

mod block;
mod cluster;
mod exchange;
mod pod;
mod status;
mod suite;
mod upstream;

mod attaching;
mod cors;
mod features;
mod gateways;
mod invalid;
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
