//! `verify SHA256SUMS`: the one file whose name says neither package nor version, so that its lines must.

use std::path::Path;

use super::{Error, FileContext, Kind, Named};
use crate::attest::VerifiedStatement;
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::name::SUMS;
use crate::sums;
use crate::table::Table;

impl Named {
    /// The version is that of the one manifest in it.
    pub(super) fn sums(path: &Path, table: &Table) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Sums { path: path.to_owned(), reason };
        let files = sums::read(&bounded::read(path, DOCUMENT)?).map_err(|e| refuse(e.to_string()))?;
        let manifest = sums::manifest_of(&files).and_then(|name| Self::of(Path::new(name.as_str()), table));
        let manifest =
            manifest.ok_or_else(|| refuse("it lists no manifest of this project, or more than one".into()))?;
        let (name, stem) = (SUMS.to_owned(), SUMS.to_owned());
        Ok(Self { path: path.to_owned(), name, stem, kind: Kind::Sums, version: manifest.version })
    }
}

impl FileContext<'_> {
    /// It lists every other file as it is here, and is what the manifest gives where that is here.
    pub(super) fn sums(&self, file: &Named, digest: Digest) -> Result<Vec<VerifiedStatement>, String> {
        let bytes = bounded::read(&file.path, DOCUMENT).map_err(|e| e.to_string())?;
        let listed = sums::read(&bytes).map_err(|e| e.to_string())?;
        for other in self.files.iter().filter(|f| !matches!(f.kind, Kind::Sums | Kind::Attestations)) {
            let (found, _size) = Digest::of_file(&other.path).map_err(|e| format!("{}: {e}", other.path.display()))?;
            match listed.get(other.name.as_str()) {
                Some(said) if *said == found => {}
                Some(said) => return Err(format!("says {} of {}, which has {}", said.hex(), other.name, found.hex())),
                None => return Err(format!("does not list {}", other.name)),
            }
            if let Some(manifest) = self.manifest.filter(|_| other.kind == Kind::Manifest)
                && bytes != sums::text(manifest, found).as_bytes()
            {
                return Err(format!("is not what {} gives", other.name));
            }
        }
        self.proofs(file, digest)
    }
}
