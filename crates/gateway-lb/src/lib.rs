//! lb

#[cfg(feature = "pool")]
pub mod pool;
