//! Attachments of a manifest: by the referrers API, and by a tag that clients keep where a registry has none
//! (distribution specification 1.1, "Listing Referrers", "Pushing Manifests with Subject", "Referrers Tag Schema").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{DOCUMENT, Distribution, MISSING};
use crate::atomic::At as _;
use crate::digest::Digest;
use crate::http::{self, Method, Response};
use crate::oci::{self, Descriptor, media};
use crate::registry::{Error, Object, Registry as _};

/// The specification says 404; some registries answer as they do to anything that they do not know. ghcr.io redirects (303) to
/// pages for people on github.com, which limits how often they are read (artifacthub/hub#4785).
const NO_API: [u16; 5] = [303, 400, 404, 405, 406];
/// So many times is the tag written when others write it at the same time.
const WRITES: u32 = 5;

/// The stored manifest, as the list has to name it.
struct Attached {
    entry: Descriptor,
    /// The registry has said that it took note of the subject.
    noted: bool,
}

/// The list that a tag has, and the registry's mark of it, with which it is replaced and no other.
struct Listed {
    index: Value,
    mark: Option<String>,
}

impl Distribution {
    pub(super) fn listed(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        let mut found = match self.by_api(subject)? {
            Some(found) if !found.is_empty() => found,
            // There are registries whose API is there and knows of nothing.
            _ => entries(&self.by_tag(subject)?.index),
        };
        // What was pushed twice is listed twice by some.
        let mut seen = BTreeSet::new();
        found.retain(|entry| seen.insert(entry.digest));
        Ok(found)
    }

    /// Stores manifests and has them listed. Docker Hub has said that it takes note of subjects without doing it
    /// (docker/hub-feedback#2372): a registry's word counts only where it also has the API.
    pub(super) fn attach_listed(&self, objects: &[&Object]) -> Result<(), Error> {
        let mut by_subject: BTreeMap<Digest, Vec<Attached>> = BTreeMap::new();
        for object in objects {
            let bytes = std::fs::read(&object.from).at("read", &object.from)?;
            let broken = |reason: String| Error::Broken { path: object.from.display().to_string(), reason };
            let manifest: oci::Manifest = serde_json::from_slice(&bytes).map_err(|e| broken(e.to_string()))?;
            let subject = manifest.subject.as_ref().ok_or_else(|| broken("has no subject".to_owned()))?.digest;
            let noted = self.put(&object.digest.to_string(), object.digest, &bytes, None)?;
            let noted = noted == Some(subject.to_string());
            let entry = manifest.as_referrer(object.digest, bytes.len() as u64);
            by_subject.entry(subject).or_default().push(Attached { entry, noted });
        }
        by_subject.iter().try_for_each(|(subject, attached)| self.see_listed(*subject, attached))
    }

    /// Looks until all are listed, and writes the tag where a registry does not list them itself: all of them at once, as
    /// there are registries that let a tag be written only once.
    fn see_listed(&self, subject: Digest, attached: &[Attached]) -> Result<(), Error> {
        let missing = |list: &[Descriptor]| -> Vec<Descriptor> {
            let not_in = |a: &&Attached| list.iter().all(|d| d.digest != a.entry.digest);
            attached.iter().filter(not_in).map(|a| a.entry.clone()).collect()
        };
        let noted = attached.iter().all(|a| a.noted);
        for look in 1.. {
            match self.by_api(subject)? {
                Some(list) if missing(&list).is_empty() => return Ok(()),
                Some(_) if noted && self.wait_for_visibility(look) => {}
                _ => break,
            }
        }
        let mut error = None;
        for write in 0..=WRITES {
            let mut listed = self.by_tag(subject)?;
            // A machine of the registry's may not have heard of the last write yet.
            let mut look = 1;
            while write > 0 && !missing(&entries(&listed.index)).is_empty() && self.wait_for_visibility(look) {
                listed = self.by_tag(subject)?;
                look += 1;
            }
            let left = missing(&entries(&listed.index));
            if left.is_empty() {
                return Ok(());
            }
            if write == WRITES || error.is_some() {
                return Err(self.not_listed(subject, &left, error));
            }
            error = self.write_tag(subject, listed, &left)?;
        }
        Ok(())
    }

    fn not_listed(&self, subject: Digest, left: &[Descriptor], error: Option<http::Error>) -> Error {
        let names: Vec<String> = left.iter().map(|d| d.digest.to_string()).collect();
        let (tag, names) = (tag(subject), names.join(", "));
        self.broken(match error {
            Some(error) => format!("does not let its tag {tag} be changed, which lacks {names}: {error}"),
            None => format!(
                "its tag {tag} lacks {names} each time after they were written: another process keeps writing it"
            ),
        })
    }

    /// `None` where the registry has no such API.
    fn by_api(&self, subject: Digest) -> Result<Option<Vec<Descriptor>>, Error> {
        let url = self.url(&format!("referrers/{subject}"));
        let pages = self.pages(url, &NO_API, |response| {
            // A page for people is none of the API.
            let is_index = response.header("content-type").is_some_and(|t| t.starts_with(media::INDEX));
            if is_index { Ok(Some(response.json::<Value>()?)) } else { Ok(None) }
        })?;
        Ok(pages.map(|pages| pages.iter().flat_map(entries).collect()))
    }

    fn by_tag(&self, subject: Digest) -> Result<Listed, Error> {
        let url = self.url(&format!("manifests/{}", tag(subject)));
        let found = self.read(&Method::GET, &url, &MISSING, |response: Response<'_>| {
            let mark = response.header("etag").map(str::to_owned);
            Ok((response.bytes(DOCUMENT)?, mark))
        })?;
        let Some((bytes, mark)) = found else {
            let index = json!({"schemaVersion": 2, "mediaType": media::INDEX, "manifests": []});
            return Ok(Listed { index, mark: None });
        };
        let index: Option<Value> = serde_json::from_slice(&bytes).ok();
        let is_list = |index: &Value| index.get("manifests").is_some_and(Value::is_array);
        let no_list = || self.broken(format!("its tag {} is no list of referrers", tag(subject)));
        Ok(Listed { index: index.filter(is_list).ok_or_else(no_list)?, mark })
    }

    /// Adds entries and leaves those of others as they are. Where the list has changed meanwhile, nothing is written. Gives
    /// the refusal of a registry that does not let the tag be written; it may have been written by another run.
    fn write_tag(&self, subject: Digest, listed: Listed, more: &[Descriptor]) -> Result<Option<http::Error>, Error> {
        let Listed { mut index, mark } = listed;
        if let Some(list) = index.get_mut("manifests").and_then(Value::as_array_mut) {
            list.extend(more.iter().map(|entry| json!(entry)));
        }
        let bytes = index.to_string().into_bytes();
        match self.put(&tag(subject), Digest::of(&bytes), &bytes, mark.as_deref()) {
            Err(Error::Http(error)) if error.status() == Some(412) => Ok(None),
            Err(Error::Http(error)) if matches!(error.status(), Some(400 | 405 | 409 | 422)) => Ok(Some(error)),
            other => other.map(|_noted| None),
        }
    }
}

/// The tag of a manifest's referrers.
fn tag(subject: Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// The entries of a list that are of the form that this program writes; all other entries belong to other programs.
fn entries(index: &Value) -> Vec<Descriptor> {
    let list = index.get("manifests").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| serde_json::from_value(entry.clone()).ok()).collect()
}
