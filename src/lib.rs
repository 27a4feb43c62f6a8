//! Sayna, a real-time voice server, as a library.

pub mod config;
