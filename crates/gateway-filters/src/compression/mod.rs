//! Compresses responses for clients that can read it: gzip, brotli and zstd.
//!
//! The coding is negotiated, and the body coded while it streams, by
//! [tower-http](https://docs.rs/tower-http); which responses are worth it is said here. A response
//! is compressed if its media type is in the list, it has at least so many bytes (or does not say
//! how many), and nothing forbids it: a response that is coded already, a part of one
//! (`Content-Range`), one with `Cache-Control: no-transform` or without a body is left alone. So
//! is one of a media type that is not known, gRPC among them.
//!
//! What is compressed is another representation, so its `ETag` becomes a weak one, and
//! `Content-Length` and `Accept-Ranges` go. `Vary: accept-encoding` is added wherever the client
//! decided, also when it decided for none. A client that refuses every coding and the plain text
//! too, which takes effort, gets 406 as RFC 9110 has it, section 12.5.3, in the place of the status
//! of a response that would be compressed. What is left alone keeps its status.
//!
//! Compressing what mixes secrets with what others choose tells the secret by the length of the
//! response (BREACH): leave such routes out.
//!
//! A response that is left alone costs a look at its headers. One that is compressed costs the
//! coder: its memory, some hundred KiB for brotli, and most of the CPU time of the exchange.
//! Bytes leave the coder when the body has none at hand, so a slow stream is not held back; but
//! an event stream is better left out, as it is by default. Dropping the body drops the coder.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | every coding, for text of 1 KiB or more |
//! | for each request | a look at headers; what is compressed, the coder |
//! | misconfigured | a coding or media type that cannot be is an error when it is built |
//! | overloaded | coders work while bodies are polled: a slow reader slows its own down, and there are as many as bodies |
//! | dropped half-way | the coder is dropped with the body |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{Compression, CompressionLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(CompressionLayer::new(Compression::new()))
//!     .service(service_fn(|_: Request<()>| async {
//!         let response = Response::builder()
//!             .header("content-type", "application/json")
//!             .header("etag", "\"7\"");
//!         Ok::<_, BoxError>(response.body("[1, 2, 3]".repeat(1_000))?)
//!     }));
//!
//! let request = Request::get("/").header("accept-encoding", "gzip, br;q=0.5").body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.headers()["content-encoding"], "gzip");
//! assert_eq!(response.headers()["etag"], "W/\"7\"");
//! assert_eq!(response.headers()["vary"], "accept-encoding");
//! # Ok(())
//! # }
//! ```

mod apply;
mod error;
mod future;
mod layer;
mod mark;
mod media;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::InvalidCompression;
pub use self::future::ResponseFuture;
pub use self::layer::CompressionLayer;
pub use self::service::CompressionService;
pub use self::settings::{Coding, Compression, CompressionLevel};
