//! Tests of `sayna-release` from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by stopping"
)]

mod attestations;
mod attested_release;
mod audit;
mod burned_version;
mod changelog;
mod children;
mod convergence;
mod docs;
mod doctor;
mod embedded;
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
mod image_sbom;
mod inside;
mod json;
mod known;
mod latest;
mod licences;
mod machine_faults;
mod nix;
mod notes;
mod origin;
mod package;
mod page;
mod pickers;
mod plan;
mod products;
mod rebuilt;
mod reference;
mod referrers;
mod registry;
mod rehearse;
mod reuse;
mod sbom;
mod signing;
mod small_release;
mod stopping;
mod sums;
mod support;
mod surroundings;
mod system_package;
mod table;
mod verify;
mod vex;
mod watch;
mod workflows;
