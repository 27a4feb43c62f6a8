//! Sayna's release, stage by stage.
//!
//! [`plan`] decides everything · [`changelog`] writes the notes · [`build`] makes one target's binary, which [`audit`]
//! holds against its floor and [`package`], [`licences`] and [`sbom`] make into a [`part`] · [`image`] makes one
//! platform's OCI layout · [`publish::reuse`] takes back what is there already · [`publish`] brings [`forge`] and [`registry`] to the state that plan and parts ask for ·
//! [`verify`] looks at the result as a stranger would, [`attest`] at
//! who signed it · [`promote`] moves `latest` · [`rehearse`] does all of it here · [`doctor`] sees beforehand what would
//! stop it.

pub mod atomic;
pub mod attest;
pub mod audit;
pub mod bounded;
pub mod build;
pub mod cargo;
pub mod changelog;
pub mod children;
pub mod cli;
pub mod digest;
pub mod doctor;
pub mod forge;
pub mod git;
pub mod graph;
pub mod http;
pub mod image;
pub mod licences;
pub mod lock;
pub mod manifest;
pub mod name;
pub mod oci;
pub mod package;
pub mod part;
pub mod plan;
pub mod progress;
pub mod promote;
pub mod public;
pub mod publish;
pub mod registry;
pub mod rehearse;
pub mod sbom;
pub mod scratch;
pub mod shown;
pub mod snippet;
pub mod table;
pub mod triple;
pub mod verify;
