//! `verify FILE…`: files of a release that are here already, held against the release's attestations and manifest. No
//! forge is asked, and no network.

use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;
use serde_json::Value;

mod sums;

use super::Verdict;
use crate::atomic::{At as _, PathError};
use crate::attest::{self, Attestation, Bundle, Expected, Predicate, Subject, Trust, VerifiedStatement, Workflow};
use crate::bounded::{self, DOCUMENT};
use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::name::{self, AssetNames, SUMS, Tag};
use crate::package;
use crate::table::Table;

/// The files to verify, and where their attestations are.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The files.
    pub files: &'a [PathBuf],
    /// Their attestations; else one of the files, or beside the first of them.
    pub attestations: Option<&'a Path>,
    /// The tag that they must be of; else what their names say.
    pub tag: Option<&'a str>,
    /// Names, targets, and whose project it is.
    pub table: &'a Table,
    /// Other roots than the built-in ones.
    pub trusted_root: Option<&'a Path>,
}

/// The result, file by file.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The release's tag.
    pub tag: String,
    /// The file of bundles.
    pub attestations: String,
    /// The manifest, where it is here.
    pub manifest: Option<String>,
    /// One per file.
    pub files: Vec<FileRow>,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct FileRow {
    /// Its bare name.
    pub file: String,
    /// Of its bytes.
    pub digest: Digest,
    /// The result.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The evidence, or the problem.
    pub evidence: String,
    /// The statements about it.
    pub attestations: Vec<VerifiedStatement>,
}

impl Report {
    /// Whether every file is what it should be.
    pub fn passed(&self) -> bool {
        self.files.iter().all(|f| f.verdict == Verdict::Ok)
    }
}

/// The reason why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is missing or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// Attestations or roots that cannot be read.
    #[error(transparent)]
    Attest(#[from] attest::Error),
    /// Attestations alone.
    #[error("there is no file to verify")]
    Nothing,
    /// A name that no file of a release has.
    #[error("{}: no file of a release has this name", .0.display())]
    Name(PathBuf),
    /// Files of two versions.
    #[error("{}: is of {found}, expected {wanted}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its tag.
        found: String,
        /// The tag of the others, or the one that was asked for.
        wanted: String,
    },
    /// Nothing to hold them against.
    #[error("{}: there are no attestations", .0.display())]
    NoAttestations(PathBuf),
    /// Digests that are of no release.
    #[error("{}: not the digests of a release: {reason}", path.display())]
    Sums {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// A manifest that cannot be read.
    #[error("{}: not a manifest that this program reads: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Nothing => Some("name the archive, the SBOM or the manifest too".to_owned()),
            Self::Attest(e) => e.hint(),
            Self::Name(_) => {
                Some("give files as they were downloaded, under the names that the release has".to_owned())
            }
            Self::Version { .. } => Some("verify one release at a time".to_owned()),
            Self::NoAttestations(_) => Some(
                "download it from the release, name it with --attestations FILE, or ask GitHub with --fetch".to_owned(),
            ),
            Self::Manifest { .. } | Self::Sums { .. } => {
                Some("download it again, or use the program of that release".to_owned())
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Sbom,
    Checksum,
    Manifest,
    Attestations,
    Sums,
}

struct Named {
    path: PathBuf,
    name: String,
    /// The name without the ending of its kind: equal for an archive and its SBOM.
    stem: String,
    kind: Kind,
    version: Version,
}

impl Named {
    fn of(path: &Path, table: &Table) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        // No version begins with a letter, so a name is of one program alone.
        let of_release = || Self::of_release(name, table.release.name.get_ref());
        let (stem, kind, version) =
            of_release().or_else(|| table.programs().find_map(|p| Self::of_program(name, p.asset(), table)))?;
        Some(Self { path: path.to_owned(), name: name.to_owned(), stem, kind, version })
    }

    /// A file that a release has once.
    fn of_release(name: &str, asset: &str) -> Option<(String, Kind, Version)> {
        let rest = name.strip_prefix(asset)?.strip_prefix('-')?;
        let kinds = [
            (name::MANIFEST.to_owned(), Kind::Manifest),
            (name::BUNDLES.to_owned(), Kind::Attestations),
            (name::checksum(name::MANIFEST), Kind::Checksum),
        ];
        let of = |(end, kind): &(String, Kind)| {
            Some((name.strip_suffix(end)?.to_owned(), *kind, Version::parse(rest.strip_suffix(end)?).ok()?))
        };
        kinds.iter().find_map(of)
    }

    /// A file of a program for a target.
    fn of_program(name: &str, asset: &str, table: &Table) -> Option<(String, Kind, Version)> {
        let rest = name.strip_prefix(asset)?.strip_prefix('-')?;
        table.targets.iter().find_map(|target| {
            let archive = format!(".{}", target.archive.extension());
            let kinds = [
                (name::checksum(&archive), Kind::Checksum),
                (archive, Kind::Archive),
                (name::SBOM.to_owned(), Kind::Sbom),
            ];
            let (end, kind) = kinds.iter().find(|(end, _)| rest.ends_with(end.as_str()))?;
            let version = rest.strip_suffix(end)?.strip_suffix(target.triple.get_ref().as_str())?.strip_suffix('-')?;
            Some((name.strip_suffix(end)?.to_owned(), *kind, Version::parse(version).ok()?))
        })
    }
}

/// Verifies every file; the manifest beside them is used where there is one, and verified with them.
pub fn run(request: &Request<'_>) -> Result<Report, Error> {
    let table = request.table;
    let named = |path: &PathBuf| match path.file_name() {
        Some(name) if name == SUMS => Named::sums(path, table),
        _ => Named::of(path, table).ok_or_else(|| Error::Name(path.clone())),
    };
    let mut files = request.files.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let first = files.first().ok_or(Error::Nothing)?;
    let (version, folder) = (first.version.clone(), first.path.parent().unwrap_or(Path::new("")).to_owned());
    let tag = request.tag.map_or_else(|| Tag::of(&version).to_string(), str::to_owned);
    for file in &files {
        let found = Tag::of(&file.version).to_string();
        if found != tag {
            return Err(Error::Version { path: file.path.clone(), found, wanted: tag });
        }
    }
    let assets = AssetNames { name: table.release.name.get_ref(), version: &version };
    let given = files.iter().find(|f| f.kind == Kind::Attestations).map(|f| f.path.clone());
    let bundles = request.attestations.map(Path::to_owned).or(given);
    let bundles = bundles.unwrap_or_else(|| folder.join(assets.attestations()));
    if !bundles.exists() {
        return Err(Error::NoAttestations(bundles));
    }
    let beside = folder.join(assets.manifest());
    if !files.iter().any(|f| f.kind == Kind::Manifest) && beside.exists() {
        files.push(named(&beside)?);
    }
    let manifest_file = files.iter().find(|f| f.kind == Kind::Manifest).map(|f| f.path.clone());
    let manifest = manifest_file.as_deref().map(read_manifest).transpose()?;
    let trust = Trust::new(request.trusted_root)?;
    let read = Bundle::read(&bundles)?;
    let opened = read.iter().map(|b| Ok((b, trust.open(b)?))).collect::<Result<Vec<_>, attest::Error>>();
    // Nothing is known of the files: it is this machine that has a fault.
    if let Err(error @ attest::Error::Clock { .. }) = opened {
        return Err(error.into());
    }
    let context =
        FileContext { table, tag: &tag, files: &files, opened: opened.as_deref(), manifest: manifest.as_ref() };
    let rows = files.iter().filter(|f| f.kind != Kind::Attestations).map(|f| context.row(f));
    let rows: Vec<FileRow> = rows.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        return Err(Error::Nothing);
    }
    let (attestations, manifest) = (bundles.display().to_string(), manifest_file.map(|f| f.display().to_string()));
    Ok(Report { tag, attestations, manifest, files: rows })
}

fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    let bytes = bounded::read(path, DOCUMENT)?;
    Manifest::read(&bytes).map_err(|e| Error::Manifest { path: path.to_owned(), reason: e.to_string() })
}

/// Bundles that were opened, or why one of them could not be: then none of them proves anything.
type Opened<'a> = Result<&'a [(&'a Bundle, Attestation)], &'a attest::Error>;

struct FileContext<'a> {
    table: &'a Table,
    tag: &'a str,
    files: &'a [Named],
    opened: Opened<'a>,
    manifest: Option<&'a Manifest>,
}

impl FileContext<'_> {
    fn row(&self, file: &Named) -> Result<FileRow, Error> {
        let (digest, _size) = Digest::of_file(&file.path).at("read", &file.path)?;
        let outcome = self.listed(file, digest).and_then(|()| match file.kind {
            Kind::Checksum => self.checksum(file),
            Kind::Sums => self.sums(file, digest),
            _ => self.proofs(file, digest),
        });
        let (verdict, evidence, attestations) = match outcome {
            Ok(proofs) => (Verdict::Ok, self.evidence(&proofs), proofs),
            Err(reason) => (Verdict::Failed, reason, Vec::new()),
        };
        Ok(FileRow { file: file.name.clone(), digest, verdict, evidence, attestations })
    }

    /// Compares it with the manifest, where there is one.
    fn listed(&self, file: &Named, digest: Digest) -> Result<(), String> {
        let Some(manifest) = self.manifest.filter(|_| matches!(file.kind, Kind::Archive | Kind::Sbom)) else {
            return Ok(());
        };
        match manifest.assets().find(|a| a.name == file.name) {
            Some(entry) if entry.digest == digest => Ok(()),
            Some(entry) => Err(format!("has {digest}, the manifest says {}", entry.digest)),
            None => Err("is not in the manifest".to_owned()),
        }
    }

    /// Every statement about a file holds, and one of them is its provenance.
    fn proofs(&self, file: &Named, digest: Digest) -> Result<Vec<VerifiedStatement>, String> {
        let opened = self.opened.map_err(attest::Error::reason)?;
        let workflow = match file.kind {
            Kind::Manifest | Kind::Sums => Workflow::Release,
            _ => Workflow::Build,
        };
        let repository = self.table.forge.github.get_ref();
        let reference = format!("refs/tags/{}", self.tag);
        let path = format!("{repository}/{}@{reference}", workflow.path());
        let about = |a: &Attestation| a.subjects.iter().any(|s| s.name == file.name);
        let mut proofs = Vec::new();
        for (bundle, attestation) in opened.iter().filter(|(_, a)| about(a)) {
            let sbom = attestation.predicate_type == Predicate::Sbom.uri();
            let document = if sbom { self.sbom(file)? } else { None };
            let held = |s: &Subject| if s.name == file.name { Subject { digest, ..s.clone() } } else { s.clone() };
            let expected = Expected {
                workflow: &path,
                repository,
                reference: &reference,
                commit: self.manifest.map(|m| m.commit.as_str()),
                predicate: if sbom && file.kind == Kind::Archive { Predicate::Sbom } else { Predicate::Provenance },
                document: document.as_ref(),
                subjects: &attestation.subjects.iter().map(held).collect::<Vec<_>>(),
            };
            let wrong = |m: attest::Mismatch| format!("bundle {}, {m}; {}", bundle.number, m.hint());
            attest::check_policy(attestation, &expected).map_err(wrong)?;
            proofs.push(VerifiedStatement::of(attestation.clone(), expected.predicate));
        }
        let provenance = proofs.iter().any(|p| p.predicate == Predicate::Provenance.uri());
        if provenance { Ok(proofs) } else { Err("no attestation is about a file of this name".to_owned()) }
    }

    /// A checksum file says what the file that it names is, and what is attested of that file.
    fn checksum(&self, file: &Named) -> Result<Vec<VerifiedStatement>, String> {
        let path = file.path.with_extension("");
        let target = Named::of(&path, self.table).ok_or("names no file of a release")?;
        let text = bounded::read(&file.path, DOCUMENT).map_err(|e| e.to_string())?;
        let (digest, _size) = Digest::of_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        if text != package::checksum_line(&target.name, digest).as_bytes() {
            return Err(format!("does not match {}, which has {digest}", target.name));
        }
        self.listed(&target, digest)?;
        self.proofs(&target, digest)
    }

    /// The SBOM of an archive, where it is here.
    fn sbom(&self, file: &Named) -> Result<Option<Value>, String> {
        let Some(sbom) = self.files.iter().find(|f| f.kind == Kind::Sbom && f.stem == file.stem) else {
            return Ok(None);
        };
        let bytes = bounded::read(&sbom.path, DOCUMENT).map_err(|e| e.to_string())?;
        serde_json::from_slice(&bytes).map(Some).map_err(|e| format!("{}: {e}", sbom.path.display()))
    }

    fn evidence(&self, proofs: &[VerifiedStatement]) -> String {
        let Some(proof) = proofs.first() else { return String::new() };
        let compared = if self.manifest.is_some() { "as the manifest says" } else { "no manifest to compare with" };
        format!("signed by {}, commit {} ({compared}), {}", proof.workflow, proof.commit, proof.signed)
    }
}
