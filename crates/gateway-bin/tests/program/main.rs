//! The built program as its users meet it: arguments, files, sockets, signals.

mod check;
mod explain;
mod harness;
mod quickstart;
mod run;
