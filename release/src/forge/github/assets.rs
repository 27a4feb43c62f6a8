//! Files of a release: listed, attached, removed, downloaded.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Url;

use super::{Asset, Error, Forge as _, Github, Release, TRIES, Upload, VISIBILITY_ATTEMPTS, api, number, repository};
use crate::atomic::At as _;
use crate::digest::{Digest, NotADigest};
use crate::http::{Body, Method, ProgressOnce, Repeat, Request};
use crate::name::{FileName, NotAFileName};
use crate::scratch::Scratch;

/// GitHub's own code for a name that is taken.
const TAKEN: &str = "already_exists";

/// The status of an upload.
enum UploadStatus {
    /// It is there, with these bytes.
    Done,
    /// It is not there, and nothing stands in the way of a second one.
    Gone,
}

/// GitHub takes no larger file, whatever a list says.
const LARGEST: u64 = 2 << 30;

impl Github {
    pub(super) fn assets(&self, id: u64) -> Result<Vec<api::Asset>, Error> {
        let found = self.pages("list the assets", &self.url(&format!("/releases/{id}/assets")))?;
        let found: Vec<api::Asset> =
            found.ok_or_else(|| Error::Missing { forge: self.name(), what: format!("release {id}") })?;
        self.assets.borrow_mut().insert(id, found.clone());
        Ok(found)
    }

    /// As they were listed last; drafts change, and are listed each time.
    fn known_assets(&self, id: u64, public: bool) -> Result<Vec<api::Asset>, Error> {
        let known = self.assets.borrow().get(&id).filter(|_| public).cloned();
        known.map_or_else(|| self.assets(id), Ok)
    }

    pub(super) fn assets_of(&self, release: &api::Release) -> Result<BTreeMap<String, Asset>, Error> {
        let described = |asset: api::Asset| {
            let name: FileName = asset.name.parse().map_err(|e: NotAFileName| self.broken(&asset, e.to_string()))?;
            let whole = if asset.is_whole() {
                Asset::Uploaded { size: asset.size, digest: self.digest(&asset, !release.draft)? }
            } else {
                Asset::Starter
            };
            Ok((name.into(), whole))
        };
        self.assets(release.id)?.into_iter().map(described).collect()
    }

    fn broken(&self, asset: &api::Asset, reason: String) -> Error {
        Error::Broken { path: format!("{}: asset {:?}", self.name(), asset.name), reason }
    }

    /// As GitHub says it. Where it does not, a publisher gets it from the bytes. Who only looks downloads what it checks, within
    /// the bounds of each file, and needs no digest here.
    fn digest(&self, asset: &api::Asset, public: bool) -> Result<Option<Digest>, Error> {
        if let Some(text) = &asset.digest {
            return text.parse().map(Some).map_err(|e: NotADigest| self.broken(asset, e.to_string()));
        }
        if self.looking.is_some() {
            return Ok(None);
        }
        let folder = Scratch::temporary()?;
        Ok(Some(self.fetch(asset, public, &folder.path().join("asset"))?.0))
    }

    /// Attaches a file, and looks before it tries once more: after a broken answer it may be there, whole or not.
    pub(super) fn upload_asset(&self, id: u64, upload: Upload<'_>, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        let once = ProgressOnce::new(on_progress);
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.send(id, upload, &once) {
                Ok(asset) => return self.accept(&asset, upload),
                Err(Error::Http(error)) => error,
                Err(other) => return Err(other),
            };
            let taken = error.refused().is_some_and(|r| r.codes.iter().any(|c| c == TAKEN));
            if tries == TRIES || !(taken || error.is_ambiguous()) {
                return Err(self.refused("upload an asset", error));
            }
            match self.upload_status(id, upload, taken)? {
                UploadStatus::Done => return Ok(()),
                UploadStatus::Gone => self.pause(tries),
            }
        }
    }

    fn send(&self, id: u64, upload: Upload<'_>, once: &ProgressOnce<'_>) -> Result<api::Asset, Error> {
        let url = self.uploads.borrow().get(&id).cloned();
        let mut url = match url {
            Some(url) => url,
            None => self.find_upload_url(id)?,
        };
        url.query_pairs_mut().clear().append_pair("name", upload.name);
        let size = std::fs::metadata(upload.path).at("read", upload.path)?.len();
        let content_type = media_type(upload.name);
        let body = Body::File { path: upload.path, size, content_type, on_progress: once };
        let request = self.request(Method::POST, url.as_str()).body(body);
        Ok(self.change(&request)?.json()?)
    }

    fn find_upload_url(&self, id: u64) -> Result<Url, Error> {
        let url = self.url(&format!("/releases/{id}"));
        let missing = || Error::Missing { forge: self.name(), what: format!("release {id}") };
        let release = self.read("read the release", &url)?.ok_or_else(missing)?;
        self.remember_upload_url(&release)?;
        self.uploads.borrow().get(&id).cloned().ok_or_else(missing)
    }

    /// GitHub may give a file another name, and says what it received.
    fn accept(&self, asset: &api::Asset, upload: Upload<'_>) -> Result<(), Error> {
        if asset.name != upload.name {
            let (sent, found) = (upload.name.to_owned(), asset.name.clone());
            return Err(Error::Renamed { forge: self.name(), sent, found });
        }
        let found = asset.digest.as_deref().and_then(|d| d.parse::<Digest>().ok());
        match found.filter(|found| *found != upload.digest) {
            Some(found) => Err(Error::Changed { path: upload.path.to_owned(), expected: upload.digest, found }),
            None => Ok(()),
        }
    }

    /// Looks for an upload whose answer did not arrive, or whose name is taken. What is there and is not it is removed:
    /// the draft is this program's, and not public.
    fn upload_status(&self, id: u64, upload: Upload<'_>, taken: bool) -> Result<UploadStatus, Error> {
        for look in 1..=VISIBILITY_ATTEMPTS {
            if let Some(asset) = self.assets(id)?.into_iter().find(|a| a.name == upload.name) {
                if asset.is_whole() && self.digest(&asset, false)? == Some(upload.digest) {
                    return Ok(UploadStatus::Done);
                }
                self.remove(asset.id)?;
                return Ok(UploadStatus::Gone);
            }
            // A name that is taken by nothing is that of an asset that is not listed yet.
            if !taken && look > 1 {
                break;
            }
            self.pause(look);
        }
        Ok(UploadStatus::Gone)
    }

    /// Removes an asset; one that is gone already is fine.
    pub(super) fn remove(&self, asset: u64) -> Result<(), Error> {
        let url = self.url(&format!("/releases/assets/{asset}"));
        let request = self.request(Method::DELETE, &url).repeat(Repeat::Safe).accept_status(&[404]);
        self.change(&request).map(drop).map_err(|error| self.refused("delete an asset", error))
    }

    /// Public assets are downloaded from their public address and without a token, as a stranger does.
    pub(super) fn download_asset(&self, release: &Release, name: &str, to: &Path) -> Result<(), Error> {
        let missing = || Error::Missing { forge: self.name(), what: format!("asset {name} in {}", release.tag) };
        for look in 1..=VISIBILITY_ATTEMPTS {
            let id = number(&release.id)?;
            // An asset that is missing under its address may have another address now.
            let known = if look == 1 { self.known_assets(id, !release.draft)? } else { self.assets(id)? };
            let asset = known.into_iter().find(|a| a.name == name).ok_or_else(missing)?;
            match self.fetch(&asset, !release.draft, to) {
                // It can take a while until an address leads to what the list has.
                Err(Error::Http(error)) if error.status() == Some(404) && look < VISIBILITY_ATTEMPTS => {
                    self.pause(look);
                }
                other => return other.map(drop),
            }
        }
        Err(missing())
    }

    fn fetch(&self, asset: &api::Asset, public: bool, to: &Path) -> Result<(Digest, u64), Error> {
        let own;
        let (url, request) = if public {
            let url = &asset.browser_download_url;
            (url.as_str(), Request::new(Method::GET, url))
        } else {
            own = self.url(&format!("/releases/assets/{}", asset.id));
            (own.as_str(), self.request(Method::GET, &own).replace_header("Accept", "application/octet-stream"))
        };
        if !Url::parse(url).is_ok_and(|url| repository::is_own(&self.api, &url)) {
            return Err(self.broken(asset, format!("is offered at {url:?}, on another server")));
        }
        Ok(self.client.send(&request.repeat(Repeat::Safe))?.save(to, asset.size.min(LARGEST))?)
    }
}

/// By the ending of the name; GitHub shows it to those who download.
fn media_type(name: &str) -> &'static str {
    let known = [
        (".tar.gz", "application/gzip"),
        (".zip", "application/zip"),
        (".jsonl", "application/jsonl"),
        (".json", "application/json"),
        (".sha256", "text/plain"),
    ];
    known.iter().find(|(ending, _)| name.ends_with(ending)).map_or("application/octet-stream", |(_, kind)| kind)
}
