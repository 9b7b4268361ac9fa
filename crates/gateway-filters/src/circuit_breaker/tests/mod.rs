//! The state machine against a model, its atomics under threads, and the service in a stack.

#[cfg(not(loom))]
mod calls;
#[cfg(not(loom))]
mod machine;
mod threads;
