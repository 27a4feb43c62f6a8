//! The release of Sayna, stage by stage.
//!
//! # Layout
//!
//! The stages, in the order of a release. Each takes values and returns values; [`cli`] calls them and prints.
//!
//! * [`table`]: reads `sayna-release.toml`, which says what a release consists of.
//! * [`plan`]: decides everything else before anything runs, and reports each problem that stops a release.
//! * [`changelog`]: writes the notes of a release from the commit subjects.
//! * [`doctor`]: checks accounts, tokens and settings before a tag is pushed.
//! * [`build`]: builds the executable of one target, with Nix or with Cargo.
//! * [`audit`]: reads an executable's headers and compares them with the floor of its target.
//! * [`graph`]: lists the crates that an executable links; [`licences`] and [`sbom`] are made from it.
//! * [`licences`]: collects the licence texts of everything that is linked.
//! * [`sbom`]: describes the contents of an executable or image as CycloneDX.
//! * [`package`]: writes the archive and its checksum.
//! * [`system_package`]: orders the versions of `.deb` and `.rpm` files.
//! * [`image`]: writes the OCI layout of one platform, and the index over all platforms.
//! * [`part`]: describes what one machine has built, in `part.json`.
//! * [`manifest`]: lists every digest of a release, in `<name>-<version>.release.json`.
//! * [`notes`]: writes the text of a release from changelog and manifest.
//! * [`publish`]: brings [`forge`] and [`registry`] to the state that plan and parts ask for.
//! * [`verify`]: fills in a checklist about a published release, with evidence from outside.
//! * [`page`]: writes that checklist, the downloads and the digests as one HTML file.
//! * [`attest`]: verifies who signed the files of a release.
//! * [`promote`]: moves `latest` to a verified release.
//! * [`watch`]: looks at the newest public release again, and keeps one issue of what it finds.
//! * [`rehearse`]: runs all stages on this machine, and builds twice where that is asked for.
//!
//! The services that stages talk to:
//!
//! * [`forge`]: where releases are published (GitHub, or a folder).
//! * [`registry`]: where images are published (a registry, or an OCI layout on disk).
//! * [`http`]: the HTTP client of both.
//! * [`git`]: the checkout's commit, tags, history and files.
//! * [`cargo`]: Cargo's configuration and errors.
//! * [`public`]: the versions that are public already.
//! * [`children`]: programs that end with this one.
//!
//! The values and tools that all of them share:
//!
//! * [`name`]: file names from outside, tags, and the names of assets.
//! * [`triple`], [`digest`], [`oci`]: targets, SHA-256, and the documents of OCI.
//! * [`atomic`], [`bounded`], [`scratch`], [`lock`]: whole files, limits on input, temporary folders, one publisher at a time.
//! * [`shown`], [`snippet`], [`progress`]: text for people, messages that point into a file, progress bars.
//! * [`cli`]: arguments, commands, reports and exit statuses.

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
pub mod embedded;
pub mod forge;
pub mod git;
pub mod graph;
pub mod http;
pub mod image;
pub mod licences;
pub mod lock;
pub mod manifest;
pub mod name;
pub mod notes;
pub mod oci;
pub mod package;
pub mod page;
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
pub mod sums;
pub mod system_package;
pub mod table;
pub mod triple;
pub mod verify;
pub mod watch;
