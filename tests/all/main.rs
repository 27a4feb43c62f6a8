//! Tests of `sayna` from outside: the real program, a real socket, real signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod auth;
mod bounds;
#[cfg(unix)]
mod callers;
mod cli;
mod config;
mod config_page;
mod deploying;
#[cfg(feature = "vad")]
mod detectors_api;
mod docs;
mod health;
mod limits;
mod livekit;
mod livekit_server;
#[cfg(unix)]
mod loading;
#[cfg(feature = "local")]
mod local_engines;
mod log_failures;
mod log_injection;
#[cfg(unix)]
mod media;
#[cfg(feature = "models")]
mod models;
mod module_graph;
#[cfg(target_os = "linux")]
mod nixos;
#[cfg(feature = "noise-filter")]
mod noise_filter;
#[cfg(feature = "openapi")]
mod openapi;
mod operator_docs;
#[cfg(unix)]
mod packaging;
mod page;
mod provider;
mod proxies;
mod readme;
mod recording;
mod rest;
mod rooms;
mod sdk;
mod secrets;
mod server;
mod session;
mod sip;
#[cfg(target_os = "linux")]
mod soak;
mod speaking;
mod support;
#[cfg(feature = "turn-detect")]
mod turn_accuracy;
#[cfg(feature = "turn-detect")]
mod turn_detection_e2e;
mod turn_rules;
mod webhook;
