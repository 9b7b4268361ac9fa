//! HTTP/2 connections with prior knowledge (h2c), shared by the requests of a thread.
//!
//! Each has a task of its own, which the codec needs to serve all of its streams.

mod connection;
mod message;
mod slots;
mod stream;
mod websocket;

pub(super) use self::connection::{Connecting, Http2Connection, Seat, connect};
pub(super) use self::message::into_http2;
pub(super) use self::slots::{Choice, Slot, Slots};
pub(super) use self::stream::{Exchange, Outcome, Stream};
pub(super) use self::websocket::Tunnel;
