//! What is shown first of layer 4, TLS and gRPC, with the clients that people have:
//! curl, openssl and nc. Without the client a test says so and ends.

mod backend_tls;
mod backends;
mod certificates;
mod client_certificates;
mod clients;
mod grpc;
mod passthrough;
mod rotation;
mod tcp;
mod termination;
mod udp;
mod yaml;
