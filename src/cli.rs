//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

const HELP: &str = "\
Configuration: each key comes from the environment, else from the file, else
from its default. `config.example.yaml` describes every key, `sayna check`
shows the values in use and where each comes from.

Examples:
  sayna                             listen on 0.0.0.0:3001
  PORT=8080 sayna -c sayna.yaml     read a file, choose the port here
  sayna check -c sayna.yaml         find every fault of a configuration
  sayna health                      ask the server on this machine
  sayna health http://10.0.0.7:3001

Exit status:
  0  done: ended when told to, no faults, healthy
  1  not healthy, or the server could not run
  2  a fault in the configuration or on the command line";

/// Real-time voice server
#[derive(Debug, Parser)]
#[command(name = "sayna", after_help = HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print the version
    #[arg(short = 'V', long)]
    pub(crate) version: bool,

    /// With --version: what this program is built from
    #[arg(long, requires = "version")]
    pub(crate) verbose: bool,

    /// What to do instead of serving
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report every fault of the configuration; start nothing
    #[command(after_help = "Examples:\n  sayna check -c sayna.yaml\n  sayna check --values-only -c sayna.yaml\n\n\
                            Files and folders that the configuration names are looked at as the server would, by\n\
                            the user who asks.\n\n\
                            Exit status: 0 no fault, 2 faults")]
    Check {
        /// Only the values: nothing that they name is looked for, as it is on another machine
        #[arg(long)]
        values_only: bool,
    },
    /// Fetch the model files that this build needs
    #[cfg(feature = "models")]
    #[command(after_help = "Examples:\n  sayna init\n  sayna init --from ~/Downloads\n\n\
                            A file is taken only with the digest that is written down in this program. What is there and right is\n\
                            left alone; what was interrupted is continued.\n\n\
                            Exit status: 0 all files are there, 1 not all, 2 wrong usage")]
    Init {
        /// Take files, or wheels that have them, from a folder instead of the network
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Another host with the same paths
        #[arg(long, value_name = "URL", env = "SAYNA_MODEL_MIRROR", hide_env_values = true)]
        mirror: Option<String>,
    },
    /// Print the OpenAPI document of the REST interface
    #[cfg(feature = "openapi")]
    #[command(after_help = "Examples:\n  sayna openapi\n  sayna openapi -f json -o openapi.json")]
    Openapi {
        /// In which form
        #[arg(short, long, value_enum, default_value_t)]
        format: Form,
        /// A file instead of standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Ask a running server whether it is well
    #[command(after_help = "Examples:\n  sayna health\n  sayna health http://10.0.0.7:3001\n\n\
                            Exit status: 0 healthy, 1 not healthy, 2 cannot be asked like this")]
    Health {
        /// Its address, plain http [default: from the configuration, 0.0.0.0 meaning 127.0.0.1]
        url: Option<String>,
    },
}

/// An address without what would be lost behind a path. Not parsed by clap, which would repeat a password in it.
#[cfg(feature = "models")]
pub(crate) fn mirror(text: &str) -> Option<url::Url> {
    let fits =
        |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    url::Url::parse(text).ok().filter(fits)
}

/// How a document is written.
#[cfg(feature = "openapi")]
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Form {
    #[default]
    Yaml,
    Json,
}
