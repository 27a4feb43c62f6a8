//! Arguments of the commands that help does not list.

use clap::Args;

use crate::triple::Triple;

/// `crates`
#[derive(Debug, Args)]
pub struct CratesArgs {
    /// List the crates of this package.
    #[arg(long, value_name = "NAME")]
    pub package: String,
    /// List the crates for this target.
    #[arg(long, value_name = "TRIPLE")]
    pub target: Triple,
    /// List the crates with these Cargo features.
    #[arg(long, value_name = "FEATURE,…", value_delimiter = ',')]
    pub features: Vec<String>,
}
