//! System packages: processors and versions of a release as `.deb` and `.rpm` have them. [`crate::name`] spells their names.

use semver::Version;

use crate::triple::{Os, Triple};

/// The form of a system package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For Debian, Ubuntu and their descendants (deb(5)).
    Deb,
    /// For Fedora, RHEL and their descendants (RPM v4).
    Rpm,
}

/// The release of a package of one version. It is always the first, because a version's files never change.
pub const RELEASE: &str = "1";

impl Format {
    /// The name of a triple's processor in this form: `amd64`, `x86_64`. `None` where there are no such packages.
    pub fn architecture(self, triple: &Triple) -> Option<&'static str> {
        match (triple.os(), triple.arch(), self) {
            (Os::Linux, "x86_64", Self::Deb) => Some("amd64"),
            (Os::Linux, "x86_64", Self::Rpm) => Some("x86_64"),
            (Os::Linux, "aarch64", Self::Deb) => Some("arm64"),
            (Os::Linux, "aarch64", Self::Rpm) => Some("aarch64"),
            _ => None,
        }
    }
}

/// A version that dpkg or rpm would not put in the order of Semantic Versioning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version} cannot be a system package: {reason}")]
pub struct Unordered {
    version: Version,
    reason: &'static str,
}

/// Returns the upstream version of a system package, which dpkg and rpm put in the order of Semantic Versioning 2.0, section 11:
/// `1.2.3`, and `1.2.3~rc.1` for the pre-release `1.2.3-rc.1`. `~` sorts before the end of a version in both (Debian Policy 5.6.12,
/// `rpm-version(7)`).
///
/// A pre-release has to be one word of lower-case letters and then numbers, such as `rc.1`: for everything else the three orders
/// differ. rpm puts a number after a word where Semantic Versioning puts it before, and a hyphen separates the release.
pub fn version(version: &Version) -> Result<String, Unordered> {
    let refused = |reason| Err(Unordered { version: version.clone(), reason });
    if !version.build.is_empty() {
        return refused("build metadata has no order; remove the part behind the plus sign");
    }
    let (major, minor, patch) = (version.major, version.minor, version.patch);
    if version.pre.is_empty() {
        return Ok(format!("{major}.{minor}.{patch}"));
    }
    let mut words = version.pre.split('.');
    let is_word = words.next().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()));
    if !is_word || !words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
        return refused("its pre-release must be lower-case letters and then numbers, such as rc.1");
    }
    Ok(format!("{major}.{minor}.{patch}~{}", version.pre))
}
