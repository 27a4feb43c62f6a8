//! Sayna, a real-time voice server, as a library: the program in `main.rs` and the tests are its two users.
//!
//! From the outside in: [`config`] says what is wanted, [`serve()`] runs it until it is told to stop,
//! [`probe`] asks a running server whether it is well.

pub mod audio;
pub mod config;
pub mod error;
pub mod jwt;
pub mod outbound;
pub mod probe;
pub mod provider;
pub mod signals;

mod http;
mod serve;

pub use serve::{BindError, Ended, bind, serve};
