//! Tests of `sayna-release` from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by stopping"
)]

mod attest;
mod attested;
mod audit;
mod changelog;
mod children;
mod docs;
mod doctor;
mod faults;
mod fetch;
mod fixture;
mod flake;
mod git;
mod github;
mod gzip;
mod hostile;
mod http;
mod image;
mod inside;
mod json;
mod known;
mod latest;
mod licences;
mod nix;
mod origin;
mod package;
mod plan;
mod publish;
mod published;
mod reference;
mod referrers;
mod registry;
mod rehearse;
mod reuse;
mod sbom;
mod signing;
mod spent;
mod stopping;
mod support;
mod surroundings;
mod table;
mod unseen;
mod verify;
mod workflows;
