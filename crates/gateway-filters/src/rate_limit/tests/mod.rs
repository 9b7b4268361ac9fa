// What most tests share, and those of every order do not need.
#![cfg_attr(loom, allow(dead_code))]

#[cfg(not(loom))]
mod counting;
#[cfg(loom)]
mod every_order;
#[cfg(not(loom))]
mod queueing;
#[cfg(not(loom))]
mod service;

use std::time::Duration;

use http::{HeaderName, Request};

use super::*;

fn limit(requests: u32, window: Duration) -> RateLimit {
    RateLimit::new(requests, window).expect("valid")
}

fn by_user(limit: RateLimit) -> RateLimit {
    limit.by(Key::Header(HeaderName::from_static("x-user")))
}

fn get() -> Request<()> {
    Request::new(())
}

fn from(user: &str) -> Request<()> {
    let request = Request::get("/").header("x-user", user);
    request.body(()).expect("valid")
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
