//! The built program as its users meet it: arguments, files, sockets, signals.

mod check;
mod demos;
mod explain;
mod harness;
mod quickstart;
mod run;
