//! One file per question a user asks: see `README.md` beside this folder.
//!
//! The library itself is empty. It compiles and runs the Rust in the project's
//! pages, so that they stay true.

/// The project's front page.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// How to use the crates in one's own program.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
