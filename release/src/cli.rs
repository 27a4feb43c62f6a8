//! The command line: arguments, and nothing else.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::table::Builder;
use crate::triple::Triple;

/// Releases of Sayna: plan, build, audit, publish, verify; or all of it here, as a rehearsal.
#[derive(Debug, Parser)]
#[command(name = "sayna-release", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Print one JSON document to standard output instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// The checkout [default: the nearest folder upwards with a sayna-release.toml].
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sayna-release rehearse                 a whole release of this tree, here
  sayna-release plan --tag v1.2.3        what would be released, and what stands in the way
  sayna-release audit target/release/sayna

Exit status: 0 done, 1 a check failed or work is left, 2 refused, wrong usage or not readable.";

/// The commands, in the order of a release.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decide what a release consists of, and say what stands in its way.
    #[command(
        after_help = "Example:\n  sayna-release plan --tag v1.2.3 --format json\n  sayna-release plan --format matrix --builder nix"
    )]
    Plan(PlanArgs),
    /// Write the notes of a release, or CHANGELOG.md.
    #[command(
        after_help = "Example:\n  sayna-release changelog --tag v1.2.3 -o notes.md\n  sayna-release changelog --write"
    )]
    Changelog(ChangelogArgs),
    /// Build one target: binary, audit, archive, checksum, SBOM, part.
    #[command(after_help = "Example:\n  sayna-release build --target x86_64-unknown-linux-gnu --out dist")]
    Build(BuildArgs),
    /// Make the archive and its checksum of a binary that exists.
    #[command(
        after_help = "Example:\n  sayna-release package --target x86_64-unknown-linux-gnu --binary target/release/sayna"
    )]
    Package(PackageArgs),
    /// Make one platform's image as an OCI layout.
    #[command(
        after_help = "Example:\n  sayna-release image --platform linux/amd64\n  skopeo inspect oci:dist/linux-amd64/layout:1.2.3"
    )]
    Image(ImageArgs),
    /// Do a whole release here, against an embedded forge and registry.
    #[command(after_help = "Example:\n  sayna-release rehearse\n  sayna-release rehearse --twice --json")]
    Rehearse(RehearseArgs),
    /// Bring forge and registries to the state that the parts ask for, up to public.
    #[command(
        after_help = "Example:\n  sayna-release publish --forge dir:forge --registry oci:registry --allow-host-parts --dry-run"
    )]
    Publish(PublishArgs),
    /// Look at a published release as a stranger would.
    #[command(
        after_help = "Example:\n  sayna-release verify --tag v1.2.3 --forge dir:forge --registry oci:registry\n  sayna-release verify sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz"
    )]
    Verify(VerifyArgs),
    /// Move `latest` to a release that verifies.
    #[command(
        after_help = "Example:\n  sayna-release promote --tag v1.2.3 --forge dir:forge --registry oci:registry --dry-run"
    )]
    Promote(PromoteArgs),
    /// Say what executables demand of a system, and hold that against their target's floor.
    #[command(after_help = "Example:\n  sayna-release audit /bin/ls target/release/sayna")]
    Audit(AuditArgs),
    /// Print a target's CycloneDX document.
    #[command(
        after_help = "Example:\n  sayna-release sbom --target x86_64-unknown-linux-gnu --binary target/release/sayna"
    )]
    Sbom(SbomArgs),
    /// Look for what would stop a release before its tag is pushed.
    #[command(
        after_help = "Example:\n  sayna-release doctor\n\nNothing is changed: an upload to the registry is begun and given up."
    )]
    Doctor(DoctorArgs),
}

/// Which tag.
#[derive(Debug, Args)]
pub struct TagArg {
    /// The release's tag [default: HEAD's, else v and the version of Cargo.toml].
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
}

/// Where a release is.
#[derive(Debug, Args)]
pub struct DestinationArgs {
    /// The forge: github:OWNER/REPOSITORY or dir:PATH [default: the table's own].
    #[arg(long, value_name = "FORGE")]
    pub forge: Option<String>,
    /// A registry: `docker://HOST/REPOSITORY` (docker.io where there is no host) or oci:PATH; any number of them
    /// [default: beside the table's own forge, the table's own].
    #[arg(long = "registry", value_name = "REGISTRY")]
    pub registries: Vec<String>,
    /// Only what this machine can build is planned; the rest of the table is left out, as in a rehearsal.
    #[arg(long)]
    pub here: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub trust: TrustArg,
}

/// Whom to trust.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArg {
    /// Trace attestations back to these roots: the first line of `gh attestation trusted-root` [default: built in].
    #[arg(long, value_name = "FILE", env = "SAYNA_TRUSTED_ROOT")]
    pub trusted_root: Option<PathBuf>,
}

/// What need not be built.
#[derive(Debug, Args)]
pub struct ReuseArgs {
    /// Take what the table's own forge and registries hold of this release already, verified, instead of building it.
    #[arg(long)]
    pub reuse: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub trust: TrustArg,
}

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// The whole plan.
    Json,
    /// What a GitHub workflow's matrix reads with `fromJSON`.
    Matrix,
}

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// The form of the plan.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Of a matrix: only the targets of this builder.
    #[arg(long, value_parser = builder())]
    pub builder: Option<Builder>,
}

/// `changelog`
#[derive(Debug, Args)]
pub struct ChangelogArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// Write the notes to a file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the whole history to CHANGELOG.md.
    #[arg(long, conflicts_with = "output")]
    pub write: bool,
}

/// How binaries and images are built.
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
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// The target [default: this machine's].
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<Triple>,
    /// How.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
    /// Download native inputs that this machine does not have, as the table pins them.
    #[arg(long)]
    pub fetch: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub reuse: ReuseArgs,
    /// Where the part goes.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `package`
#[derive(Debug, Args)]
pub struct PackageArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// The target that the binary was built for.
    #[arg(long, value_name = "TRIPLE")]
    pub target: Triple,
    /// The binary.
    #[arg(long, value_name = "FILE")]
    pub binary: PathBuf,
    /// The Cargo features that it has, by which its licences are chosen [default: the table's of the target].
    #[arg(long, value_name = "FEATURE,…", value_delimiter = ',')]
    pub features: Option<Vec<String>>,
    /// Where the archive goes.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `image`
#[derive(Debug, Args)]
pub struct ImageArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// The platform, such as linux/amd64 [default: this machine's].
    #[arg(long, value_name = "OS/ARCH")]
    pub platform: Option<String>,
    /// How.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub reuse: ReuseArgs,
    /// Where the part goes.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub out: PathBuf,
}

/// `rehearse`
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Build a second time in another folder, and compare every byte.
    #[arg(long)]
    pub twice: bool,
    /// How; auto takes Nix only where the flake's inputs can be had too.
    #[arg(long, value_enum, default_value = "auto")]
    pub builder: BuilderChoice,
}

/// A track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrackChoice {
    /// The forge.
    Binaries,
    /// The registries.
    Images,
}

/// Where to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// When the draft is complete and compared.
    Draft,
}

/// `publish`
#[derive(Debug, Args)]
pub struct PublishArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub destinations: DestinationArgs,
    /// Where the parts are.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub dist: PathBuf,
    /// One track alone.
    #[arg(long, value_enum)]
    pub only: Option<TrackChoice>,
    /// Stop early.
    #[arg(long, value_enum)]
    pub until: Option<Until>,
    /// Accept parts of another compiler, or assembled on a host; never by the table's own forge and registries.
    #[arg(long)]
    pub allow_host_parts: bool,
    /// Print what would be done, do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub destinations: DestinationArgs,
    /// Build again what this machine can build and compare.
    #[arg(long)]
    pub reproduce: bool,
    /// Files of a release that are here already: archives, SBOMs, the manifest. No forge is asked.
    #[arg(value_name = "FILE", conflicts_with_all = ["forge", "registries", "here", "reproduce"])]
    pub files: Vec<PathBuf>,
    /// Their attestations [default: the release's, beside the first FILE].
    #[arg(long, value_name = "FILE", requires = "files")]
    pub attestations: Option<PathBuf>,
    /// Ask GitHub for their attestations, by each file's digest.
    #[arg(long, requires = "files", conflicts_with = "attestations")]
    pub fetch: bool,
}

/// `promote`
#[derive(Debug, Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub destinations: DestinationArgs,
    /// Move `latest` to an older version, on purpose.
    #[arg(long)]
    pub back: bool,
    /// Print what would be moved, do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Executables: ELF, Mach-O or PE.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `sbom`
#[derive(Debug, Args)]
pub struct SbomArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub tag: TagArg,
    /// The target [default: this machine's].
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<Triple>,
    /// The binary that it describes [default: the one in the part of --dist].
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Where the parts are.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub dist: PathBuf,
}

/// The table's builders, which help and errors list.
fn builder() -> impl TypedValueParser<Value = Builder> {
    PossibleValuesParser::new(["nix", "cargo"]).map(|name| if name == "nix" { Builder::Nix } else { Builder::Cargo })
}
