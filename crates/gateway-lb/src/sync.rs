//! The atomics and the lock, which loom replaces to try every order of threads:
//! `RUSTFLAGS="--cfg every_order" cargo test -p gateway-lb --features pool --lib every_order`.

#[cfg(every_order)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
#[cfg(every_order)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(every_order))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
#[cfg(not(every_order))]
pub(crate) use std::sync::{Mutex, MutexGuard};
