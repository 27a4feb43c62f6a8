//! Sayna, a real-time voice server, as a library: the program in `main.rs` and the tests are its two users.
//!
//! From the outside in: [`config`] says what is wanted, [`prepare`] builds a server of it, [`serve()`] runs it until it is told to stop,
//! [`probe`] asks a running server whether it is well.

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
