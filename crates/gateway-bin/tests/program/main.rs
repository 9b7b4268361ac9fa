//! The built program as its users meet it: arguments, files, sockets, signals.

mod admin;
mod check;
mod demos;
mod explain;
mod exposition;
mod harness;
mod quickstart;
mod run;
