//! Tests of `sayna-release` from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by stopping"
)]

mod changelog;
mod git;
mod licences;
mod plan;
mod support;
mod table;

mod audit;
