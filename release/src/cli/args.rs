//! The command line: arguments, and nothing else. `docs/release/cli.md` is generated from it.
#![expect(missing_docs, reason = "a flattened group of arguments has its docs in its own type")]

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::table::Builder;
use crate::triple::Triple;

mod publish;

pub use publish::{PublishArgs, TrackChoice, Until};

mod watch;

pub use watch::WatchArgs;

/// Releases of Sayna: plan, build, audit, publish, verify; or all of it here, as a rehearsal.
#[derive(Debug, Parser)]
#[command(name = "sayna-release", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Print one JSON document to standard output instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Use the checkout in this folder [default: the nearest folder upwards with a sayna-release.toml].
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sayna-release rehearse                 run a whole release of this tree on this machine
  sayna-release plan --tag v1.2.3        list what would be released, and every problem that stops it
  sayna-release audit target/release/sayna

Exit status: 0 success, 1 a check failed or work remains, 2 refused, usage error or unreadable input.";

/// The commands, in the order of a release.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plan a release: list what it consists of, and every problem that stops it.
    #[command(
        after_help = "Example:\n  sayna-release plan --tag v1.2.3 --format json\n  sayna-release plan --format matrix --builder nix"
    )]
    Plan(PlanArgs),
    /// Write the notes of a release, or CHANGELOG.md, from the commit subjects.
    #[command(
        after_help = "Example:\n  sayna-release changelog --tag v1.2.3 -o notes.md\n  sayna-release changelog --write\n  sayna-release changelog --write --tag v1.2.3"
    )]
    Changelog(ChangelogArgs),
    /// Build one target: the executable, its audit, archive, checksum and SBOM.
    #[command(after_help = "Example:\n  sayna-release build --target x86_64-unknown-linux-gnu --out dist")]
    Build(BuildArgs),
    /// Pack an existing executable into an archive with its checksum.
    #[command(
        after_help = "Example:\n  sayna-release package --target x86_64-unknown-linux-gnu --binary target/release/sayna"
    )]
    Package(PackageArgs),
    /// Build the image of one platform as an OCI layout.
    #[command(
        after_help = "Example:\n  sayna-release image --platform linux/amd64\n  skopeo inspect oci:dist/linux-amd64/layout:1.2.3"
    )]
    Image(ImageArgs),
    /// Run a whole release on this machine, against a forge and a registry in folders.
    #[command(after_help = "Example:\n  sayna-release rehearse\n  sayna-release rehearse --twice --json")]
    Rehearse(RehearseArgs),
    /// Publish a release: upload what forge and registries lack, and make it public.
    #[command(
        after_help = "Example:\n  sayna-release publish --forge dir:forge --registry oci:registry --allow-host-parts --dry-run"
    )]
    Publish(PublishArgs),
    /// Verify a published release, or downloaded files of one.
    #[command(
        after_help = "Example:\n  sayna-release verify --tag v1.2.3 --forge dir:forge --registry oci:registry\n  sayna-release verify sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz"
    )]
    Verify(VerifyArgs),
    /// Move `latest` to a release, after verifying it.
    #[command(
        after_help = "Example:\n  sayna-release promote --tag v1.2.3 --forge dir:forge --registry oci:registry --dry-run"
    )]
    Promote(PromoteArgs),
    /// Watch the newest public release: verify it, ask for advisories on its components, keep one issue.
    #[command(
        after_help = "Example:\n  sayna-release watch --dry-run --json\n\nExit status: 0 nothing was found or nothing is public, 1 a row failed or an advisory counts, 2 something could not be seen; the issue then stays as it is."
    )]
    Watch(WatchArgs),
    /// Audit executables: report what they need of a system, and check it against their target's limits.
    #[command(after_help = "Example:\n  sayna-release audit /bin/ls target/release/sayna")]
    Audit(AuditArgs),
    /// Print the SBOM of a target (CycloneDX 1.6).
    #[command(
        after_help = "Example:\n  sayna-release sbom --target x86_64-unknown-linux-gnu --binary target/release/sayna"
    )]
    Sbom(SbomArgs),
    /// Check everything outside the checkout that could stop a release: tokens, tags, registries, caches.
    #[command(
        after_help = "Example:\n  sayna-release doctor\n\nIt changes nothing: it begins an upload to each registry and cancels it."
    )]
    Doctor(DoctorArgs),
    /// Print the list of crates that a program links, in hex digits for a build.
    #[command(
        hide = true,
        after_help = "Example:\n  sayna-release crates --package sayna --target x86_64-unknown-linux-gnu"
    )]
    Crates(super::hidden::CratesArgs),
    /// Write the completion scripts and the man page of this program below a folder.
    #[command(hide = true, after_help = "Example:\n  sayna-release generate packaging/sayna-release")]
    Generate {
        /// Write to this folder, over older files.
        folder: PathBuf,
    },
}

/// Which tag.
#[derive(Debug, Args)]
pub struct TagArg {
    /// Use this release tag [default: HEAD's, else v and the version in Cargo.toml].
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
}

/// Which tag, of a release that is public.
#[derive(Debug, Args)]
pub struct ReleasedTagArg {
    /// Use this release tag [default: HEAD's, else v and the version in Cargo.toml; outside a checkout the latest release's].
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
}

/// The destinations of a release.
#[derive(Debug, Args)]
pub struct DestinationArgs {
    /// Use this forge: github:OWNER/REPOSITORY or dir:PATH [default: the one in sayna-release.toml].
    #[arg(long, value_name = "FORGE")]
    pub forge: Option<String>,
    /// Use this registry: `docker://HOST/REPOSITORY` (HOST defaults to docker.io) or oci:PATH; repeatable [default: with the
    /// forge of sayna-release.toml, the repositories listed there].
    #[arg(long = "registry", value_name = "REGISTRY")]
    pub registries: Vec<String>,
    /// Plan only the targets that this machine can build, as a rehearsal does.
    #[arg(long)]
    pub here: bool,
    #[command(flatten)]
    pub trust: TrustArg,
}

/// The trusted root.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArg {
    /// Trust these roots of attestations: the output of `gh attestation trusted-root` [default: built in].
    #[arg(long, value_name = "FILE", env = "SAYNA_TRUSTED_ROOT")]
    pub trusted_root: Option<PathBuf>,
}

/// Reuse of published parts.
#[derive(Debug, Args)]
pub struct ReuseArgs {
    /// Download and verify what is already published of this release, instead of building it.
    #[arg(long)]
    pub reuse: bool,
    #[command(flatten)]
    pub trust: TrustArg,
}

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// The whole plan.
    Json,
    /// The matrix of a GitHub workflow, for `fromJSON`.
    Matrix,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Print the plan in this format.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// List only the targets of this builder; for --format matrix.
    #[arg(long, value_parser = builder())]
    pub builder: Option<Builder>,
    /// List only this program; for --format matrix.
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
}

/// `changelog`
#[derive(Debug, Args)]
pub struct ChangelogArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Write the notes to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the whole history to CHANGELOG.md. Lists commits without a tag under --tag, or under "Unreleased".
    #[arg(long, conflicts_with = "output")]
    pub write: bool,
}

/// The builder of binaries and images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuilderChoice {
    /// Nix where the table says so and both Nix and a flake are there, else Cargo.
    Auto,
    /// Nix.
    Nix,
    /// Cargo.
    Cargo,
}

impl BuilderChoice {
    /// The builder that was named.
    pub const fn named(self) -> Option<Builder> {
        match self {
            Self::Auto => None,
            Self::Nix => Some(Builder::Nix),
            Self::Cargo => Some(Builder::Cargo),
        }
    }
}

/// `build`
#[derive(Debug, Args)]
pub struct BuildArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Build this target [default: this machine's].
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<Triple>,
    /// Build this program alone [default: every program of the release].
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
    /// Download native inputs that this machine lacks, at the digests pinned in sayna-release.toml.
    #[arg(long)]
    pub fetch: bool,
    #[command(flatten)]
    pub reuse: ReuseArgs,
    /// Write the parts to this folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `package`
#[derive(Debug, Args)]
pub struct PackageArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Pack for this target.
    #[arg(long, value_name = "TRIPLE")]
    pub target: Triple,
    /// Pack this program [default: the server].
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Pack this executable.
    #[arg(long, value_name = "FILE")]
    pub binary: PathBuf,
    /// Choose the licences by these Cargo features of the executable [default: the target's].
    #[arg(long, value_name = "FEATURE,…", value_delimiter = ',')]
    pub features: Option<Vec<String>>,
    /// Write the archive to this folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `image`
#[derive(Debug, Args)]
pub struct ImageArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Build this platform, such as linux/amd64 [default: this machine's].
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// Build with Nix or with Cargo; auto takes Nix where sayna-release.toml says so and Nix is installed.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
    #[command(flatten)]
    pub reuse: ReuseArgs,
    /// Write the part to this folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `rehearse`
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Build a second time in another folder, and compare every byte.
    #[arg(long)]
    pub twice: bool,
    /// Build with Nix or with Cargo; auto takes Nix where it is installed and the flake's inputs can be fetched.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
}

/// `verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub tag: ReleasedTagArg,
    #[command(flatten)]
    pub destinations: DestinationArgs,
    /// Build what this machine can build, and compare it with the release.
    #[arg(long)]
    pub reproduce: bool,
    /// Write the release as one HTML page to this file: downloads, the checklist, digests, how to repeat each check. Not with
    /// FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub html: Option<PathBuf>,
    /// Write a statement about the identical build into this folder, to be signed: predicate.json and subjects.sha256.
    #[arg(long, value_name = "DIR", requires = "reproduce", conflicts_with = "files")]
    pub statement: Option<PathBuf>,
    /// Verify these downloaded files: archives, SBOMs, checksum files, the manifest, SHA256SUMS. No forge is queried, except for
    /// attestations with --fetch.
    #[arg(value_name = "FILE", conflicts_with_all = ["forge", "registries", "here", "reproduce"])]
    pub files: Vec<PathBuf>,
    /// Read the attestations from this file [default: the release's, beside the first FILE].
    #[arg(long, value_name = "FILE", requires = "files")]
    pub attestations: Option<PathBuf>,
    /// Fetch the attestations from GitHub, by each file's digest.
    #[arg(long, requires = "files", conflicts_with = "attestations")]
    pub fetch: bool,
}

/// `promote`
#[derive(Debug, Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    pub tag: ReleasedTagArg,
    #[command(flatten)]
    pub destinations: DestinationArgs,
    /// Allow moving `latest` back to an older version.
    #[arg(long)]
    pub back: bool,
    /// Print what would be moved, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub tag: TagArg,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Audit these executables: ELF, Mach-O or PE.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `sbom`
#[derive(Debug, Args)]
pub struct SbomArgs {
    #[command(flatten)]
    pub tag: TagArg,
    /// Describe this target [default: this machine's].
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<Triple>,
    /// Describe this program [default: the server].
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// Describe this executable [default: the one in the part of --dist].
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Read the parts from this folder.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub dist: PathBuf,
}

/// The table's builders, which help and errors list.
fn builder() -> impl TypedValueParser<Value = Builder> {
    PossibleValuesParser::new(["nix", "cargo"]).map(|name| if name == "nix" { Builder::Nix } else { Builder::Cargo })
}
