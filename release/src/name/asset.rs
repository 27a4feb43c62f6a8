//! Names of a release's tag and of its assets. No other file spells or parses them.

use std::fmt;
use std::str::FromStr;

use semver::Version;

use crate::system_package::{Format, RELEASE};
use crate::triple::Triple;

/// The ending of a release manifest's name.
pub const MANIFEST: &str = ".release.json";
/// The ending of a checksum's name, behind the whole name of its file.
pub const CHECKSUM: &str = ".sha256";
/// The ending of an SBOM's name.
pub const SBOM: &str = ".cdx.json";
/// A file of attestations beside a `part.json`.
pub const ATTESTATIONS: &str = "attestations.jsonl";
/// The ending of the asset that holds all attestations. Other programs look for it, such as Scorecard and mise.
pub const BUNDLES: &str = ".intoto.jsonl";
/// The asset with the digests of all others: the same name in every release, so that one address always has the newest.
pub const SUMS: &str = "SHA256SUMS";
/// The file in each archive with the licence texts of everything that the executable links.
pub const THIRD_PARTY: &str = "THIRD-PARTY-LICENSES";

/// A release's tag: `v` and the version, such as `v1.2.3-rc.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(Version);

/// Text that is not such a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not v and a semantic version")]
pub struct NotATag(String);

impl Tag {
    /// Returns the tag of a version.
    pub fn of(version: &Version) -> Self {
        Self(version.clone())
    }

    /// Returns the version of a text that is a tag, and `None` for every other text.
    pub fn version_of(text: &str) -> Option<Version> {
        text.strip_prefix('v').and_then(|version| Version::parse(version).ok())
    }

    /// Returns the version.
    pub fn into_version(self) -> Version {
        self.0
    }
}

impl FromStr for Tag {
    type Err = NotATag;
    fn from_str(text: &str) -> Result<Self, NotATag> {
        Self::version_of(text).map(Self).ok_or_else(|| NotATag(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// The names of a release's assets: all begin with the package's name and the version.
#[derive(Debug, Clone, Copy)]
pub struct AssetNames<'a> {
    /// The package's name.
    pub name: &'a str,
    /// The release's version.
    pub version: &'a Version,
}

impl AssetNames<'_> {
    /// The manifest: `sayna-1.2.3.release.json`.
    pub fn manifest(&self) -> String {
        format!("{}-{}{MANIFEST}", self.name, self.version)
    }

    /// The attestations of everything: `sayna-1.2.3.intoto.jsonl`.
    pub fn attestations(&self) -> String {
        format!("{}-{}{BUNDLES}", self.name, self.version)
    }

    /// The same release's names that begin with another word: those of a product.
    pub fn of<'b>(&'b self, asset: &'b str) -> AssetNames<'b> {
        AssetNames { name: asset, version: self.version }
    }

    /// Returns the stem of a target's archive and SBOM, which is also the folder in the archive.
    pub fn stem(&self, target: &Triple) -> String {
        format!("{}-{}-{target}", self.name, self.version)
    }

    /// A target's archive.
    pub fn archive(&self, target: &Triple, extension: &str) -> String {
        format!("{}.{}", self.stem(target), extension)
    }

    /// A target's SBOM.
    pub fn sbom(&self, target: &Triple) -> String {
        format!("{}{SBOM}", self.stem(target))
    }

    /// A target's system package: `sayna_1.2.3-1_amd64.deb`, `sayna-1.2.3-1.x86_64.rpm`; `None` where there are no such packages.
    /// It has the semantic version, because a forge stores no `~` in a name.
    pub fn system_package(&self, format: Format, target: &Triple) -> Option<String> {
        let (name, version, arch) = (self.name, self.version, format.architecture(target)?);
        Some(match format {
            Format::Deb => format!("{name}_{version}-{RELEASE}_{arch}.deb"),
            Format::Rpm => format!("{name}-{version}-{RELEASE}.{arch}.rpm"),
        })
    }
}

/// The checksum beside a file: `sayna-1.2.3.release.json.sha256`.
pub fn checksum(file: &str) -> String {
    format!("{file}{CHECKSUM}")
}

/// A platform of the image as OCI writes it: `linux/amd64`.
pub fn platform(os: &str, arch: &str) -> String {
    format!("{os}/{arch}")
}

/// The folder of a platform's part, as a slash cannot be in a name: `linux-amd64`.
pub fn platform_folder(os: &str, arch: &str) -> String {
    format!("{os}-{arch}")
}

/// The folder of a program's part for a target: that of the server is the triple, so that it is short.
pub fn part_folder(server: &str, product: &str, target: &Triple) -> String {
    if product == server { target.to_string() } else { format!("{product}-{target}") }
}

/// A program and its target, for people.
pub fn part(server: &str, product: &str, target: &Triple) -> String {
    if product == server { target.to_string() } else { format!("{product} for {target}") }
}

/// The first 7 digits of a commit id, as Git shows it to people.
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_and_its_version_are_read_from_each_other() {
        for text in ["v1.2.3", "v1.2.3-rc.1"] {
            assert_eq!(text.parse::<Tag>().unwrap().to_string(), text);
        }
        for text in ["1.2.3", "v1.2", "vv1.2.3", "", "v"] {
            assert_eq!(text.parse::<Tag>().unwrap_err().to_string(), format!("{text} is not v and a semantic version"));
        }
    }

    #[test]
    fn asset_names_begin_with_package_and_version() {
        let version = Version::new(1, 2, 3);
        let names = AssetNames { name: "sayna", version: &version };
        let linux: Triple = "x86_64-unknown-linux-gnu".parse().unwrap();
        assert_eq!(checksum(&names.manifest()), "sayna-1.2.3.release.json.sha256");
        assert_eq!(names.attestations(), "sayna-1.2.3.intoto.jsonl");
        assert_eq!(names.archive(&linux, "tar.gz"), "sayna-1.2.3-x86_64-unknown-linux-gnu.tar.gz");
        assert_eq!(names.sbom(&linux), "sayna-1.2.3-x86_64-unknown-linux-gnu.cdx.json");
    }

    #[test]
    fn a_system_package_is_named_as_its_own_tools_name_it() {
        let version = Version::parse("1.2.3-rc.1").unwrap();
        let names = AssetNames { name: "sayna", version: &version };
        let arm: Triple = "aarch64-unknown-linux-gnu".parse().unwrap();
        assert_eq!(names.system_package(Format::Deb, &arm).unwrap(), "sayna_1.2.3-rc.1-1_arm64.deb");
        assert_eq!(names.system_package(Format::Rpm, &arm).unwrap(), "sayna-1.2.3-rc.1-1.aarch64.rpm");
        for triple in ["aarch64-apple-darwin", "x86_64-pc-windows-msvc"] {
            let triple = triple.parse().unwrap();
            let package = |format| names.system_package(format, &triple);
            assert_eq!((package(Format::Deb), package(Format::Rpm)), (None, None));
        }
    }
}
