//! Sayna, a real-time voice server, as a library. Its users are the program in `main.rs` and the tests.
//!
//! # Layout
//!
//! In the order in which a session passes them:
//!
//! * [`config`]: keys, values and rules, from the environment and a YAML file.
//! * `app`: the state that all requests share, built from the configuration. [`examine`] reports what would fail.
//! * `bind`: the listening socket.
//! * `serve`: accepts connections, limits them, drains them at the end. [`prepare`] and [`serve()`] run a server.
//! * `files`: the limit of open files, and the reserve for the moment in which it is reached.
//! * `stall`: closes connections of clients that do not read.
//! * `http`: the REST interface, and its OpenAPI document (feature `openapi`).
//! * `auth`: authentication by secret or by an external service, and the origins of browser pages.
//! * `ws`: the WebSocket of a session.
//! * [`voice`]: the session: its messages, its turns, its speech queue.
//! * [`audio`]: formats, frames, sample rates, the noise filter (feature `noise-filter`).
//! * [`provider`]: one adapter per vendor, the connections to them, the cache of speech.
//! * [`room`]: LiveKit: tokens, the server API, telephone calls, webhooks, sessions in rooms (feature `livekit`).
//! * `detect`: voice activity (feature `vad`) and the end of turns (feature `turn-detect`), by models on this machine.
//! * `local`: recognition and synthesis on this machine (feature `local`).
//! * `models`: the files of those models, and `sayna init`.
//! * [`outbound`]: the HTTP client and connections to other hosts: pool, TLS, proxies, retries.
//! * [`jwt`]: JSON Web Tokens.
//! * [`error`]: texts, statuses and codes of the errors that clients receive.
//! * `metrics`: Prometheus metrics.
//! * [`log`]: the log, written by a thread of its own.
//! * `disk`: atomic writes of files.
//! * [`signals`]: the signals that stop the server.
//! * [`probe`]: `sayna health`.
//!
//! Only the program has `cli` (arguments), `progress` (the bars of `sayna init`) and `hypot` (a function of C for older systems).

pub mod audio;
pub mod config;
#[cfg(feature = "vad")]
pub mod detect;
pub mod error;
pub mod jwt;
#[cfg(feature = "local")]
pub mod local;
pub mod log;
#[cfg(feature = "models")]
pub mod models;
pub mod outbound;
pub mod probe;
pub mod provider;
pub mod room;
pub mod signals;
pub mod voice;

mod app;
mod auth;
mod bind;
mod disk;
mod files;
mod http;
mod metrics;
mod serve;
mod stall;
mod ws;

pub use app::{SetupError, examine};
pub use bind::{BindError, Listener, bind};
#[cfg(feature = "openapi")]
pub use http::openapi;
pub use serve::{Ended, PrepareError, Prepared, prepare, serve};
