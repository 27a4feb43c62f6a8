//! The names of a release, from its plan.

use serde::Deserialize;

/// What these tests need of a plan.
#[derive(Deserialize)]
pub struct Plan {
    pub name: String,
    pub version: String,
    pub tag: String,
    pub source: String,
    pub manifest: String,
    pub sums: String,
    pub attestations: String,
    pub targets: Vec<Target>,
}

/// One program for one target.
#[derive(Deserialize)]
pub struct Target {
    pub product: String,
    pub triple: String,
    pub stem: String,
    pub archive: String,
    pub checksum: String,
    pub sbom: String,
}

impl Plan {
    /// The archives of the server.
    pub fn server(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(|target| target.product == self.name)
    }

    /// Every asset of the release, and the packages that are planned but not made yet: a name that is given away later must
    /// not take the place of one that is given away now.
    pub fn names(&self) -> Vec<String> {
        let (name, version) = (&self.name, &self.version);
        let packages = [
            format!("{name}_{version}-1_amd64.deb"),
            format!("{name}_{version}-1_arm64.deb"),
            format!("{name}-{version}-1.x86_64.rpm"),
            format!("{name}-{version}-1.aarch64.rpm"),
            format!("{name}-installer.sh"),
            format!("{name}-installer.ps1"),
            "compose.yaml".to_owned(),
        ];
        let mut names: Vec<String> = packages.iter().flat_map(|p| [p.clone(), format!("{p}.sha256")]).collect();
        names.extend([self.manifest.clone(), format!("{}.sha256", self.manifest)]);
        names.extend([self.sums.clone(), self.attestations.clone()]);
        names.extend(self.targets.iter().flat_map(|t| [&t.archive, &t.checksum, &t.sbom]).cloned());
        names.sort();
        names.dedup();
        names
    }
}
