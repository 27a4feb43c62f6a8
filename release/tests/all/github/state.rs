//! What GitHub remembers, and what it does with a request. It models what the description cannot say: drafts that are hidden
//! from strangers and from the tag's address, uploads that break off and block their name, names that are changed, things
//! that cannot be seen yet, releases that no longer change, tag names that are spent.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sayna_release::attest::Subject;
use sayna_release::digest::Digest;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, attestation, missing};
use super::issues::HubIssue;
use super::osv::Osv;
use super::schema::{DESCRIPTION, notes};
use crate::signing::releases::{SERVICE, Stated};

/// What an upload comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// 502, and an asset in state `starter` is left.
    Starter,
    /// 502 although the asset is whole.
    DoneButBroken,
}

/// A refusal to do anything for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// 403 with `Retry-After`, or without.
    Secondary(Option<u64>),
    /// 403 with `x-ratelimit-remaining: 0`, and a reset in so many seconds.
    Primary(u64),
}

/// The rights of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rights {
    /// A token that may not see the repository.
    Blind,
    Nobody,
    Read,
    Push,
    Admin,
}

#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) state: &'static str,
    pub(crate) content_type: String,
    /// So many listings do not show it yet.
    pub(super) hidden: usize,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "GitHub's own")]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) tag: String,
    pub(crate) notes: String,
    pub(crate) draft: bool,
    pub(crate) prerelease: bool,
    pub(crate) immutable: bool,
    pub(crate) assets: Vec<Asset>,
    latest: bool,
}

/// What a stranger sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Public {
    /// Tag, and digests by name.
    pub(crate) releases: Vec<(String, BTreeMap<String, Digest>)>,
    pub(crate) latest: Option<String>,
}

/// Where clients find it: proxies may be in between.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    pub(crate) api: String,
    pub(crate) uploads: String,
    pub(crate) web: String,
    pub(crate) storage: String,
    pub(crate) outside: String,
}

/// One repository, `saynaai/sayna`.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way of GitHub's that a test asks for")]
pub(crate) struct Hub {
    pub(crate) addresses: Addresses,
    pub(crate) releases: Vec<Release>,
    pub(crate) issues: Vec<HubIssue>,
    pub(crate) osv: Osv,
    /// Git tags by name: a commit, or an annotated tag's own id.
    pub(crate) tags: BTreeMap<String, String>,
    /// Annotated tags by id.
    pub(crate) annotated: BTreeMap<String, String>,
    pub(crate) spent: BTreeSet<String>,
    pub(crate) tokens: BTreeMap<String, Rights>,
    /// By kind and by what each is about.
    pub(crate) attestations: Vec<(&'static str, Digest, Value)>,
    /// New releases do not change once they are public.
    pub(crate) immutable: bool,
    /// Without a release that was made latest, the newest one is.
    pub(crate) falls_back: bool,
    /// The tag's commit changes workflows that the default branch does not have.
    pub(crate) foreign_workflows: bool,
    /// Assets are listed without a digest, as those from before June 2025 are.
    pub(crate) no_digests: bool,
    /// New assets are not in so many listings.
    pub(crate) late: usize,
    pub(crate) uploads: VecDeque<Upload>,
    pub(crate) limits: VecDeque<Limit>,
    /// Scopes of the classic tokens among them.
    pub(crate) scopes: BTreeMap<String, String>,
    /// Files that others have.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Pinned files that are no longer there.
    pub(crate) gone: BTreeSet<String>,
    /// Everything that was public at some time, in order.
    pub(crate) shown: Vec<Public>,
    pub(crate) requests: Vec<String>,
    /// Requests or answers that are not GitHub's.
    pub(crate) violations: Vec<String>,
    pub(crate) next: u64,
}

impl Hub {
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A refusal that comes before everything else, for requests that change something.
    pub(super) fn limited(&mut self) -> Option<Answer> {
        let limit = self.limits.pop_front()?;
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        Some(match limit {
            Limit::Secondary(None) => Answer::error(403, secondary),
            Limit::Secondary(Some(seconds)) => Answer::error(403, secondary).with("retry-after", seconds),
            Limit::Primary(seconds) => Answer::error(403, "API rate limit exceeded for installation.")
                .with("x-ratelimit-remaining", 0)
                .with("x-ratelimit-reset", super::server::now() + seconds),
        })
    }

    pub(super) fn document(&self, release: &Release) -> Value {
        let mut document = DESCRIPTION.sample("release");
        let of = |rest: &str| format!("{}/repos/saynaai/sayna/releases/{}{rest}", self.addresses.api, release.id);
        let published = if release.draft { Value::Null } else { json!("2026-01-02T03:04:05Z") };
        let fields = json!({
            "id": release.id, "tag_name": release.tag, "name": release.tag, "body": release.notes,
            "draft": release.draft, "prerelease": release.prerelease, "immutable": release.immutable,
            "published_at": published, "url": of(""), "assets_url": of("/assets"),
            "upload_url": format!("{}/repos/saynaai/sayna/releases/{}/assets{{?name,label}}", self.addresses.uploads, release.id),
            "assets": release.assets.iter().filter(|a| a.state == "uploaded").map(|a| self.asset(release, a)).collect::<Vec<_>>(),
        });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document
    }

    fn asset(&self, release: &Release, asset: &Asset) -> Value {
        let mut document = DESCRIPTION.sample("release-asset");
        let whole = asset.state == "uploaded";
        let place = if release.draft { format!("untagged-{}", release.id) } else { release.tag.clone() };
        let fields = json!({
            "id": asset.id, "name": asset.name, "state": asset.state, "content_type": asset.content_type,
            "size": asset.bytes.len(), "label": "",
            "digest": if whole && !self.no_digests { json!(Digest::of(&asset.bytes).to_string()) } else { Value::Null },
            "url": format!("{}/repos/saynaai/sayna/releases/assets/{}", self.addresses.api, asset.id),
            "browser_download_url": format!("{}/saynaai/sayna/releases/download/{place}/{}", self.addresses.web, asset.name),
        });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document
    }

    fn at(&mut self, id: &str) -> Result<usize, Answer> {
        let id: u64 = id.parse().map_err(|_| missing())?;
        self.releases.iter().position(|r| r.id == id).ok_or_else(missing)
    }

    /// Drafts are shown to those who may push.
    pub(super) fn visible(&self, rights: Rights) -> impl Iterator<Item = &Release> {
        self.releases.iter().rev().filter(move |r| !r.draft || rights >= Rights::Push)
    }

    pub(crate) fn latest(&self) -> Option<&Release> {
        let stable = || self.releases.iter().filter(|r| !r.draft && !r.prerelease);
        let made = stable().find(|r| r.latest);
        if self.falls_back { made.or_else(|| stable().next_back()) } else { made }
    }

    pub(super) fn create(&mut self, body: &Value) -> Outcome {
        let tag = body["tag_name"].as_str().unwrap().to_owned();
        if self.foreign_workflows {
            return Err(Answer::error(403, "Resource not accessible by integration"));
        }
        if self.spent.contains(&tag) {
            let message = "tag_name was used by an immutable release";
            return Err(Answer::invalid("Release", "custom", "tag_name", message));
        }
        if self.releases.iter().any(|r| r.tag == tag && !r.draft) {
            return Err(Answer::invalid("Release", "already_exists", "tag_name", ""));
        }
        let release = Release {
            id: self.number(),
            tag,
            notes: notes(body)?.unwrap_or_default(),
            draft: true,
            prerelease: body["prerelease"] == json!(true),
            immutable: false,
            assets: Vec::new(),
            latest: false,
        };
        self.releases.push(release);
        let last = self.releases.len() - 1;
        if body["draft"] != json!(true) {
            self.publish(last)?;
        }
        Ok(Answer::new(201, self.document(&self.releases[last])))
    }

    fn publish(&mut self, at: usize) -> Result<(), Answer> {
        let tag = self.releases[at].tag.clone();
        if self.spent.contains(&tag) {
            let message = "tag_name was used by an immutable release";
            return Err(Answer::invalid("Release", "custom", "tag_name", message));
        }
        if self.releases.iter().enumerate().any(|(i, r)| i != at && r.tag == tag && !r.draft) {
            return Err(Answer::invalid("Release", "already_exists", "tag_name", ""));
        }
        // GitHub makes a missing tag wherever the default branch is: no publisher of builds wants that.
        if !self.tags.contains_key(&tag) {
            self.violations.push(format!("publishing made the tag {tag}"));
        }
        self.releases[at].draft = false;
        self.releases[at].immutable = self.immutable;
        if self.immutable {
            self.state_release(at);
        }
        Ok(())
    }

    /// GitHub's own statement about an immutable release, found by the digest of each asset.
    fn state_release(&mut self, at: usize) {
        let release = &self.releases[at];
        let subject = |a: &Asset| Subject { name: a.name.clone(), digest: Digest::of(&a.bytes) };
        let stated = Stated {
            signer: "https://dotcom.releases.github.com",
            predicate: "https://in-toto.io/attestation/release/v0.2",
            repository: "saynaai/sayna".to_owned(),
            tag: release.tag.clone(),
            object: self.tags.get(&release.tag).cloned().unwrap_or_default(),
            assets: release.assets.iter().map(subject).collect(),
        };
        let bundle = SERVICE.sign(&stated);
        self.attestations.extend(stated.assets.iter().map(|s| ("release", s.digest, bundle.clone())));
    }

    /// The attestations of a kind about a digest, of which there is one at least.
    pub(super) fn attestations_about(&self, kind: &str, digest: &str) -> Result<Vec<Value>, Answer> {
        let of = self.attestations.iter().filter(|(k, about, _)| *k == kind && about.to_string() == digest);
        let found: Vec<Value> = of.map(|(_, _, bundle)| attestation(bundle)).collect();
        if found.is_empty() { Err(missing()) } else { Ok(found) }
    }

    pub(super) fn edit(&mut self, id: &str, body: &Value) -> Outcome {
        let at = self.at(id)?;
        if self.foreign_workflows {
            return Err(Answer::error(403, "Resource not accessible by integration"));
        }
        let release = &self.releases[at];
        let fixed = ["tag_name", "target_commitish"].iter().any(|field| body.get(field).is_some());
        if release.immutable && (fixed || body["draft"] == json!(true)) {
            return Err(Answer::invalid("Release", "custom", "tag_name", "Cannot edit an immutable release"));
        }
        if let Some(notes) = notes(body)? {
            self.releases[at].notes = notes;
        }
        if let Some(prerelease) = body["prerelease"].as_bool() {
            self.releases[at].prerelease = prerelease;
        }
        match body["draft"].as_bool() {
            Some(false) if self.releases[at].draft => self.publish(at)?,
            Some(true) if !self.releases[at].draft => self.violations.push("a release was taken back".to_owned()),
            _ => {}
        }
        // Without a word, what is published becomes latest.
        let latest = match body["make_latest"].as_str() {
            Some("true") => true,
            None => body["draft"] == json!(false),
            _ => false,
        };
        if latest {
            if self.releases[at].draft || self.releases[at].prerelease {
                return Err(Answer::invalid(
                    "Release",
                    "custom",
                    "make_latest",
                    "Latest release cannot be draft or prerelease",
                ));
            }
            self.releases.iter_mut().enumerate().for_each(|(i, r)| r.latest = i == at);
        }
        Ok(Answer::new(200, self.document(&self.releases[at])))
    }

    pub(super) fn list_assets(&mut self, id: &str, rights: Rights) -> Result<Vec<Value>, Answer> {
        let at = self.at(id)?;
        if self.releases[at].draft && rights < Rights::Push {
            return Err(missing());
        }
        let (hidden, seen): (Vec<_>, Vec<_>) = self.releases[at].assets.iter().cloned().partition(|a| a.hidden > 0);
        for asset in &mut self.releases[at].assets {
            asset.hidden = asset.hidden.saturating_sub(1);
        }
        drop(hidden);
        Ok(seen.iter().map(|a| self.asset(&self.releases[at], a)).collect())
    }

    /// `None` for a body that broke off.
    pub(super) fn attach(&mut self, id: &str, name: &str, content_type: &str, body: Option<Vec<u8>>) -> Outcome {
        let at = self.at(id)?;
        if self.releases[at].immutable {
            return Err(Answer::invalid("ReleaseAsset", "custom", "", "Cannot upload assets to an immutable release"));
        }
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        let name: String = name.chars().map(|c| if fine(c) { c } else { '.' }).collect();
        let name = name.trim_matches('.').to_owned();
        if self.releases[at].assets.iter().any(|a| a.name == name) {
            return Err(Answer::invalid("ReleaseAsset", "already_exists", "name", ""));
        }
        let fate = if body.is_some() { self.uploads.pop_front() } else { Some(Upload::Starter) };
        let whole = fate != Some(Upload::Starter);
        let asset = Asset {
            id: self.number(),
            name,
            bytes: body.filter(|_| whole).unwrap_or_default(),
            state: if whole { "uploaded" } else { "starter" },
            content_type: content_type.to_owned(),
            hidden: self.late,
        };
        let document = self.asset(&self.releases[at], &asset);
        self.releases[at].assets.push(asset);
        match fate {
            Some(_) => Err(Answer::error(502, "Server Error")),
            None => Ok(Answer::new(201, document)),
        }
    }

    /// The release's and the asset's place.
    pub(super) fn asset_at(&self, id: &str) -> Result<(usize, usize), Answer> {
        let id: u64 = id.parse().map_err(|_| missing())?;
        let mut all = self.releases.iter().enumerate();
        let found = all.find_map(|(r, release)| Some((r, release.assets.iter().position(|a| a.id == id)?)));
        found.ok_or_else(missing)
    }

    pub(super) fn asset_document(&self, at: (usize, usize)) -> Value {
        let release = &self.releases[at.0];
        self.asset(release, &release.assets[at.1])
    }

    pub(super) fn delete_asset(&mut self, id: &str) -> Outcome {
        let (release, asset) = self.asset_at(id)?;
        if self.releases[release].immutable {
            return Err(Answer::invalid("ReleaseAsset", "custom", "", "Cannot delete assets of an immutable release"));
        }
        self.releases[release].assets.remove(asset);
        Ok(Answer::new(204, Value::Null))
    }

    /// Takes note of what a stranger sees now, where it is something new.
    pub(super) fn look(&mut self) {
        let digests = |r: &Release| r.assets.iter().map(|a| (a.name.clone(), Digest::of(&a.bytes))).collect();
        let public = self.releases.iter().filter(|r| !r.draft).map(|r| (r.tag.clone(), digests(r)));
        let now = Public { releases: public.collect(), latest: self.latest().map(|r| r.tag.clone()) };
        if self.shown.last() != Some(&now) {
            self.shown.push(now);
        }
    }
}
