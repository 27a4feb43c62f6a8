//! The embedded forge `dir:PATH`, readable by people:
//!
//! ```text
//! draft/<tag>/      release.json  notes.md  assets/<name>  (assets/<name>.partial: an upload that broke off)
//! published/<tag>/  the same
//! latest            the tag of the release that is latest
//! ```
//!
//! Publishing is one rename from `draft` to `published`: the public side shows a release whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Asset, Draft, Error, Forge, Kept, Release, Statements, Tagged, Upload};
use crate::atomic::{self, At as _};
use crate::bounded::{self, DOCUMENT};
use crate::digest::{self, Digest};
use crate::lock::Lock;
use crate::name::FileName;

const PARTIAL: &str = ".partial";

/// A forge in a folder, for rehearsals and tests. Releases become public by one rename.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

/// `release.json`
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    tag: String,
    prerelease: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Draft,
    Published,
}

impl Side {
    const fn folder(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
        }
    }
}

impl Directory {
    /// A forge in that folder; it is made with the first draft.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn release_folder(&self, side: Side, tag: &str) -> PathBuf {
        self.root.join(side.folder()).join(tag)
    }

    /// The folder of a draft; a public release refuses, so that nothing public is ever written to.
    fn draft_folder(&self, id: &str) -> Result<PathBuf, Error> {
        check_name(id)?;
        let draft = self.release_folder(Side::Draft, id);
        if draft.is_dir() {
            return Ok(draft);
        }
        if self.release_folder(Side::Published, id).is_dir() {
            return Err(Error::Immutable { forge: self.name(), tag: id.to_owned() });
        }
        Err(Error::Missing { forge: self.name(), what: format!("draft {id}") })
    }

    fn read(&self, side: Side, tag: &str) -> Result<Option<Release>, Error> {
        let folder = self.release_folder(side, tag);
        if !folder.is_dir() {
            return Ok(None);
        }
        let path = folder.join("release.json");
        let text = bounded::read(&path, DOCUMENT)?;
        let broken = |reason: String| Error::Broken { path: path.display().to_string(), reason };
        let description: Description = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
        if description.tag != tag {
            return Err(broken(format!("names tag {:?}, its folder is {tag}", description.tag)));
        }
        // A byte changed by anything but this program shows here, whatever it was.
        if describe(&description)? != text {
            return Err(broken("is not as this program wrote it".to_owned()));
        }
        let notes_path = folder.join("notes.md");
        let notes = bounded::read(&notes_path, DOCUMENT)?;
        Ok(Some(Release {
            id: tag.to_owned(),
            tag: tag.to_owned(),
            draft: side == Side::Draft,
            prerelease: description.prerelease,
            immutable: None,
            notes: String::from_utf8_lossy(&notes).into_owned(),
            assets: read_assets(&folder.join("assets"))?,
        }))
    }
}

impl Forge for Directory {
    fn name(&self) -> String {
        format!("dir:{}", self.root.display())
    }

    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error> {
        Ok(Some(Lock::take(&self.root, waiting)?))
    }

    fn tagged(&self, _tag: &str) -> Result<Tagged, Error> {
        Ok(Tagged::Unknown)
    }

    fn statements(&self, _about: Digest, _kind: Kept) -> Result<Option<Statements>, Error> {
        Ok(None)
    }

    fn tag_object(&self, _tag: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    fn releases(&self, tag: &str) -> Result<Vec<Release>, Error> {
        check_name(tag)?;
        let draft = self.read(Side::Draft, tag)?;
        let published = self.read(Side::Published, tag)?;
        Ok(draft.into_iter().chain(published).collect())
    }

    fn published(&self) -> Result<Vec<String>, Error> {
        let folder = self.root.join(Side::Published.folder());
        names(&folder)
    }

    fn latest(&self) -> Result<Option<String>, Error> {
        let path = self.root.join("latest");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("read", &path)?,
        }
    }

    fn picks_latest(&self) -> bool {
        false
    }

    fn create_draft(&self, draft: &Draft) -> Result<String, Error> {
        check_name(&draft.tag)?;
        let drafts = self.root.join(Side::Draft.folder());
        fs::create_dir_all(&drafts).at("create the folder", &drafts)?;
        atomic::sweep(&drafts)?;
        let folder = self.release_folder(Side::Draft, &draft.tag);
        if folder.exists() {
            return Err(Error::Exists { forge: self.name(), what: format!("draft {}", draft.tag) });
        }
        let made = tempfile::Builder::new().prefix(atomic::PARTIAL).tempdir_in(&drafts).at("write into", &drafts)?;
        let assets = made.path().join("assets");
        fs::create_dir(&assets).at("create the folder", &assets)?;
        write_description(made.path(), draft)?;
        atomic::rename(made.path(), &folder)?;
        // The folder has its real name now: nothing is left to remove.
        let _renamed = made.keep();
        open_to_readers(&folder)?;
        Ok(draft.tag.clone())
    }

    fn update_draft(&self, id: &str, draft: &Draft) -> Result<(), Error> {
        write_description(&self.draft_folder(id)?, draft)
    }

    fn upload(&self, id: &str, upload: Upload<'_>, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        check_name(upload.name)?;
        let assets = self.draft_folder(id)?.join("assets");
        let path = assets.join(upload.name);
        let partial = assets.join(format!("{}{PARTIAL}", upload.name));
        if path.exists() || partial.exists() {
            return Err(Error::Exists { forge: self.name(), what: format!("asset {} in {id}", upload.name) });
        }
        let target = File::options().write(true).create_new(true).open(&partial).at("create", &partial)?;
        let found = digest::copy(upload.path, &target, on_progress)?;
        target.sync_all().at("sync", &partial)?;
        if found != upload.digest {
            return Err(Error::Changed { path: upload.path.to_owned(), expected: upload.digest, found });
        }
        Ok(atomic::rename(&partial, &path)?)
    }

    fn delete_asset(&self, id: &str, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let assets = self.draft_folder(id)?.join("assets");
        for path in [assets.join(name), assets.join(format!("{name}{PARTIAL}"))] {
            if path.exists() {
                fs::remove_file(&path).at("remove", &path)?;
            }
        }
        Ok(())
    }

    fn wait_for_visibility(&self, _attempt: u32) -> bool {
        false
    }

    fn publish(&self, id: &str) -> Result<(), Error> {
        let draft = self.draft_folder(id)?;
        let published = self.release_folder(Side::Published, id);
        let parent = self.root.join(Side::Published.folder());
        fs::create_dir_all(&parent).at("create the folder", &parent)?;
        if published.exists() {
            return Err(Error::Exists { forge: self.name(), what: format!("a public release {id}") });
        }
        Ok(atomic::rename(&draft, &published)?)
    }

    fn set_latest(&self, id: &str) -> Result<(), Error> {
        if !self.release_folder(Side::Published, id).is_dir() {
            return Err(Error::Missing { forge: self.name(), what: format!("public release {id}") });
        }
        Ok(atomic::write(&self.root.join("latest"), format!("{id}\n").as_bytes())?)
    }

    fn download(&self, release: &Release, name: &str, to: &Path) -> Result<(), Error> {
        check_name(&release.id)?;
        check_name(name)?;
        // A draft may have become public since it was read.
        let found = [Side::Published, Side::Draft]
            .map(|side| self.release_folder(side, &release.id).join("assets").join(name))
            .into_iter()
            .find(|path| path.is_file());
        let missing = || Error::Missing { forge: self.name(), what: format!("asset {name} in {}", release.id) };
        let found = found.ok_or_else(missing)?;
        let Some(Asset::Uploaded { size, .. }) = release.assets.get(name) else { return Err(missing()) };
        Ok(bounded::copy(&found, to, *size)?)
    }
}

fn describe(description: &Description) -> Result<Vec<u8>, Error> {
    let mut text = serde_json::to_vec_pretty(description)
        .map_err(|e| Error::Broken { path: "release.json".to_owned(), reason: e.to_string() })?;
    text.push(b'\n');
    Ok(text)
}

fn write_description(folder: &Path, draft: &Draft) -> Result<(), Error> {
    let description = Description { tag: draft.tag.clone(), prerelease: draft.prerelease };
    atomic::write(&folder.join("notes.md"), draft.notes.as_bytes())?;
    Ok(atomic::write(&folder.join("release.json"), &describe(&description)?)?)
}

fn read_assets(folder: &Path) -> Result<BTreeMap<String, Asset>, Error> {
    let mut assets = BTreeMap::new();
    for name in names(folder)? {
        if let Some(name) = name.strip_suffix(PARTIAL) {
            assets.insert(name.to_owned(), Asset::Starter);
        } else {
            let path = folder.join(&name);
            let broken = |reason: String| Error::Broken { path: path.display().to_string(), reason };
            name.parse::<FileName>().map_err(|e| broken(e.to_string()))?;
            if !fs::symlink_metadata(&path).at("read", &path)?.is_file() {
                return Err(broken("is a link, a folder or a device, and no file".to_owned()));
            }
            let (digest, size) = Digest::of_file(&path).at("read", &path)?;
            assets.insert(name, Asset::Uploaded { size, digest: Some(digest) });
        }
    }
    Ok(assets)
}

/// The names in a folder but for those that begin with a dot; a missing folder has none.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.at("list", folder)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.at("list", folder)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Temporary folders are private to their maker; a release is for everyone.
#[cfg(unix)]
fn open_to_readers(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).at("set the mode of", folder)?)
}

#[cfg(not(unix))]
fn open_to_readers(_folder: &Path) -> Result<(), Error> {
    Ok(())
}

/// Forges rename what they do not like, and a folder must not be left: both are kept out by one rule.
fn check_name(name: &str) -> Result<(), Error> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    let good = !name.is_empty() && !name.starts_with('.') && !name.ends_with(PARTIAL) && name.bytes().all(fine);
    if good { Ok(()) } else { Err(Error::Name { name: name.to_owned() }) }
}
