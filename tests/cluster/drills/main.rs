//! The gateway in a real cluster: what it does when things change, end and fail.
//!
//! The cluster is that of `tests/cluster`, so this needs root; without it every test
//! says that it is skipped. Run it with
//!
//! ```sh
//! cargo build --locked
//! cargo test --package gateway-tests --test cluster --locked -- --ignored --test-threads=3
//! ```
//!
//! `GATEWAY_BINARY` names another gateway than the newest of the target folder. The
//! cluster of all tests is one, in which each has a namespace, a range of addresses
//! and gateways of its own; those that disturb everybody have another, one at a time.
//! Each removes what it has made, also when it fails, and waits until it is gone. Both
//! clusters end with this process, however it ends.

mod api;
mod cluster;
mod curl;
mod deployment;
mod load;
mod patience;
mod pods;
mod replica;
mod scene;
mod tidy;

mod credentials;
mod dedicated;
mod flapping;
mod kinds;
mod leaders;
mod namespaces;
mod nodes;
mod outages;
mod pools;
mod reading;
mod secrets;
mod services;
mod statuses;
