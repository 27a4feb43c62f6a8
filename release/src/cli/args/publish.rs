//! The arguments of `publish`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DestinationArgs, TagArg};

/// A track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrackChoice {
    /// The forge.
    Binaries,
    /// The registries.
    Images,
}

/// The last phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// When the draft is complete and compared.
    Draft,
}

/// `publish`
#[derive(Debug, Args)]
pub struct PublishArgs {
    #[command(flatten)]
    pub tag: TagArg,
    #[command(flatten)]
    pub destinations: DestinationArgs,
    /// Read the parts from this folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub dist: PathBuf,
    /// Publish one track only.
    #[arg(long, value_enum)]
    pub only: Option<TrackChoice>,
    /// Stop after this step.
    #[arg(long, value_enum)]
    pub until: Option<Until>,
    /// Accept parts of another compiler or assembled on a host; refused at the destinations of sayna-release.toml.
    #[arg(long)]
    pub allow_host_parts: bool,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
