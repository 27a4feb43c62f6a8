//! The arguments of `watch`.
#![expect(missing_docs, reason = "a flattened group of arguments has its docs in its own type")]

use std::path::PathBuf;

use clap::Args;

use super::TrustArg;
use crate::watch::{AUTHOR, advisories};

/// `watch`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Use this forge: github:OWNER/REPOSITORY, or with --dry-run dir:PATH [default: the one built in].
    #[arg(long, value_name = "FORGE")]
    pub forge: Option<String>,
    /// Use this registry: `docker://HOST/REPOSITORY` or oci:PATH; repeatable [default: with the forge built in, its
    /// repositories].
    #[arg(long = "registry", value_name = "REGISTRY")]
    pub registries: Vec<String>,
    #[command(flatten)]
    pub trust: TrustArg,
    /// Ask this service for advisories.
    #[arg(long, value_name = "URL", env = "SAYNA_ADVISORIES_URL", default_value = advisories::SERVICE)]
    pub advisories: String,
    /// Leave out advisories that this VEX document excuses [default: security/vex.json of the checkout, if any].
    #[arg(long, value_name = "FILE")]
    pub vex: Option<PathBuf>,
    /// Act on issues of this account alone, which is the token's.
    #[arg(long, value_name = "LOGIN", default_value = AUTHOR)]
    pub author: String,
    /// Print what would be done to the issue, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
