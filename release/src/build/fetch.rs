//! Native inputs that a machine does not have, downloaded as the table pins them and unpacked: what Nix does by itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::atomic::{self, PathError};
use crate::digest::Digest;
use crate::http::{self, Client, Method, Repeat, Request};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::table::{Download, Native, Supply, Table};
use crate::triple::Triple;

/// The folder of each fetched input, by the variable that its crate reads.
pub type Fetched = BTreeMap<String, PathBuf>;

/// The reason why an input cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be downloaded.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// Nothing says what it has to be.
    #[error("{name} for {triple} has an empty sha256 in the table; {url} has sha256-{found}")]
    Unpinned {
        /// The input.
        name: String,
        /// The target.
        triple: Triple,
        /// Its URL.
        url: String,
        /// The digest that was found, in base64.
        found: String,
    },
    /// It is not what was pinned.
    #[error("{url} has {found}, the table says {wanted}")]
    Changed {
        /// Its URL.
        url: String,
        /// Its kind.
        found: Digest,
        /// The digest of the table.
        wanted: Digest,
    },
    /// Not a zip of one folder.
    #[error("{url}: {reason}")]
    Zip {
        /// Its URL.
        url: String,
        /// The problem.
        reason: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Http(error) => return error.hint(),
            Self::File(_) => return None,
            Self::Unpinned { name, triple, found, .. } => {
                format!("look at it, then write {triple} = \"sha256-{found}\" under [native.sha256] of {name}")
            }
            Self::Changed { .. } => "it was replaced: do not use it before the cause is known".to_owned(),
            Self::Zip { .. } => "look at what the table's url leads to".to_owned(),
        })
    }
}

/// Fetches what these features link on that target and no variable of this machine names, into `folder`.
pub fn fetch(
    table: &Table,
    triple: &Triple,
    features: &[String],
    folder: &Path,
    progress: &Progress,
) -> Result<Fetched, Error> {
    let mut fetched = Fetched::new();
    for native in super::natives(table, features) {
        let (Supply::Download(download), Some(variable)) = (&native.supply, &native.env) else { continue };
        if std::env::var_os(variable).is_none() && download.sha256.contains_key(triple) {
            let place = folder.join(format!("{}-{}-{triple}", native.name.get_ref(), native.version));
            if !place.exists() {
                one(native, download, triple, &place, progress)?;
            }
            fetched.insert(variable.clone(), place);
        }
    }
    Ok(fetched)
}

/// The limit of a native input in bytes. The largest has a tenth of it.
const LARGEST: u64 = 4 << 30;

fn one(native: &Native, download: &Download, triple: &Triple, place: &Path, progress: &Progress) -> Result<(), Error> {
    let (name, url) = (native.name.get_ref(), download.url_for(triple));
    let _task = progress.spinner(&format!("downloading {name} for {triple}"));
    let parent = place.parent().unwrap_or(Path::new("."));
    let work = Scratch::new_in(parent)?;
    let zip = work.path().join("download.zip");
    let client = Client::new()?.with_progress(progress);
    let (found, _size) = client.send(&Request::new(Method::GET, &url).repeat(Repeat::Safe))?.save(&zip, LARGEST)?;
    let pin = download.sha256.get(triple).map(|sum| sum.get_ref().as_str()).unwrap_or_default();
    match Digest::from_pin(pin) {
        Ok(wanted) if wanted == found => {}
        Ok(wanted) => return Err(Error::Changed { url, found, wanted }),
        // The plan refuses any other form.
        Err(_empty) => {
            let (name, triple, found) = (name.clone(), triple.clone(), found.base64());
            return Err(Error::Unpinned { name, triple, url, found });
        }
    }
    let unpacked = work.path().join("unpacked");
    unzip(&zip, &unpacked).map_err(|reason| Error::Zip { url, reason })?;
    Ok(atomic::rename(&unpacked, place)?)
}

/// The zip has one folder; its content is what is wanted.
fn unzip(zip: &Path, to: &Path) -> Result<(), String> {
    let file = File::open(zip).map_err(|e| e.to_string())?;
    let mut archive = ZipArchive::new(file).map_err(|e| e.to_string())?;
    for position in 0..archive.len() {
        let mut entry = archive.by_index(position).map_err(|e| e.to_string())?;
        // `None` for a name that leads out of the folder.
        let path = entry.enclosed_name().ok_or_else(|| format!("{:?} leads out of the folder", entry.name()))?;
        let inner: PathBuf = path.components().skip(1).collect();
        if inner.as_os_str().is_empty() && !entry.is_dir() {
            return Err(format!("{:?} is in no folder", entry.name()));
        }
        let target = to.join(inner);
        let folder = if entry.is_dir() { Some(target.as_path()) } else { target.parent() };
        folder.map_or(Ok(()), fs::create_dir_all).map_err(|e| e.to_string())?;
        if !entry.is_dir() {
            let mut file = File::create(&target).map_err(|e| format!("{}: {e}", target.display()))?;
            io::copy(&mut entry, &mut file).map_err(|e| format!("{:?}: {e}", entry.name()))?;
        }
    }
    Ok(())
}
