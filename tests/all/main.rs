//! Tests of `sayna` from outside: the real program, a real socket, real signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod auth;
mod cli;
mod config;
mod health;
mod limits;
mod livekit;
#[cfg(target_os = "linux")]
mod nixos;
mod readme;
mod rest;
mod sdk;
mod server;
mod session;
mod speaking;
mod support;
mod turn;
