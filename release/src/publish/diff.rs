//! The heart of publishing: desired state − actual state = actions, once per track. Pure: no clock, no network.
//!
//! Applying the actions reaches the desired state; the difference after that is empty; after any prefix of them the
//! rest comes out again. What is public is never changed: where that would be needed, the difference is a [`Refusal`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use semver::Version;

use crate::digest::Digest;
use crate::forge::{Asset, Draft, NEXT_VERSION, Release, Tagged};
use crate::registry::{Kind, Object};

/// The state that the forge should have, made from plan and parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRelease {
    /// Tag, pre-release mark and notes.
    pub draft: Draft,
    /// The commit that the tag must be at, by its full id.
    pub commit: String,
    /// Digest by asset name.
    pub assets: BTreeMap<String, Digest>,
}

/// The state that the forge has, read before each comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActualRelease {
    /// The commit of its Git tag.
    pub tagged: Tagged,
    /// Every release of the tag, drafts included.
    pub releases: Vec<Release>,
}

/// The state that one registry should have, made from plan and parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredImage {
    /// The version's tag.
    pub tag: String,
    /// The index that it points at.
    pub index: Digest,
    /// Everything below the tag in the order of pushing; the index is the last.
    pub objects: Vec<Object>,
    /// The attestations to attach.
    pub attachments: Vec<Attachment>,
}

/// An artifact that is about a manifest or index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// For people.
    pub what: String,
    /// The digest of its subject.
    pub subject: Digest,
    /// Blobs that are pushed before its manifest.
    pub blobs: Vec<Object>,
    /// Its manifest.
    pub manifest: Object,
}

/// The state that one registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActualImage {
    /// The digest that the version's tag points at.
    pub tagged: Option<Digest>,
    /// Which of the desired objects it holds, and of the blobs of attachments.
    pub held: Vec<Digest>,
    /// The manifests of those desired attachments that it has, or others in their place that say the same.
    pub attached: Vec<Digest>,
}

/// When an action may run: a phase begins when the one before it is done on every track that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Images by digest. No tag names them yet.
    Stage,
    /// The draft. It is not public yet.
    Draft,
    /// The image's version tag.
    Tag,
    /// The release.
    Public,
}

/// One write to the forge. [`release`] returns them in order; `--dry-run` prints one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForgeAction {
    /// Make the draft.
    CreateDraft,
    /// Set tag, pre-release mark and notes of a draft that says something else.
    UpdateDraft,
    /// Remove a broken or outdated asset from the draft.
    DeleteAsset {
        /// The asset.
        name: String,
        /// The reason.
        reason: &'static str,
    },
    /// Attach a file to the draft.
    Upload {
        /// The asset.
        name: String,
        /// The digest of its bytes.
        digest: Digest,
    },
    /// Read the draft again and compare every digest.
    Compare,
    /// Make it public, the last write.
    Publish,
}

/// One write to a registry. [`image`] returns them in order; `--dry-run` prints one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageAction {
    /// Push by digest.
    Push(Object),
    /// Put beside what it is about.
    Attach(Attachment),
    /// Point the version's tag at the index.
    Tag {
        /// The tag.
        tag: String,
        /// The index.
        digest: Digest,
    },
}

/// The reason why a run writes nothing: the actual state has something public that the desired state would change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than one release has the tag.
    #[error("{} releases have the tag {tag}: {}; this program deletes only what it broke itself", ids.len(), ids.join(", "))]
    Ambiguous {
        /// The tag.
        tag: String,
        /// Their ids.
        ids: Vec<String>,
    },
    /// Publishing would make a tag, wherever the default branch is.
    #[error("the Git tag {tag} is not there")]
    TagMissing {
        /// The tag.
        tag: String,
    },
    /// The parts are of another commit than the tag.
    #[error("the Git tag {tag} is at {found}, these parts are of {wanted}")]
    TagElsewhere {
        /// The tag.
        tag: String,
        /// Its place.
        found: String,
        /// The expected commit.
        wanted: String,
    },
    /// The draft has a file that the plan does not know.
    #[error("the draft {tag} has an asset that is not planned: {name}")]
    Unplanned {
        /// The tag.
        tag: String,
        /// The asset.
        name: String,
    },
    /// The public release is not what is desired.
    #[error("release {tag} is public and does not change, but {difference}")]
    Public {
        /// The tag.
        tag: String,
        /// The first difference.
        difference: String,
    },
    /// The version's tag points elsewhere.
    #[error("the image tag {tag} already points at {found}, this release's index is {wanted}")]
    TagTaken {
        /// The tag.
        tag: String,
        /// The digest that it points at.
        found: Digest,
        /// The expected digest.
        wanted: Digest,
    },
    /// `latest` would point at something that may not have it.
    #[error("{0}")]
    Latest(String),
}

impl Refusal {
    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            Self::Ambiguous { .. } => "look at them, delete the ones that are not the release, and run this again: \
                    docs/release/when-it-fails.md#two-drafts"
                .into(),
            Self::TagMissing { tag } => format!(
                "push it: `git push origin {tag}`; see \
                docs/release/when-it-fails.md#tag-missing"
            ),
            Self::TagElsewhere { .. } => {
                format!(
                    "build and publish at the tag's own commit, or leave that version: {NEXT_VERSION}; see \
                    docs/release/when-it-fails.md#tag-at-another-commit"
                )
            }
            Self::Unplanned { name, .. } => format!(
                "remove {name} from the draft or add it to the table; see \
                docs/release/when-it-fails.md#unplanned-asset"
            ),
            Self::Public { .. } | Self::TagTaken { .. } => {
                format!("what is published stays as it is: {NEXT_VERSION}")
            }
            Self::Latest(_) => "`promote --back` moves `latest` to an older version on purpose; see \
                docs/release/when-it-fails.md#not-promoted"
                .into(),
        }
    }
}

impl ForgeAction {
    /// When it runs.
    pub fn phase(&self) -> Phase {
        if *self == Self::Publish { Phase::Public } else { Phase::Draft }
    }
}

impl ImageAction {
    /// When it runs.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Push(_) | Self::Attach(_) => Phase::Stage,
            Self::Tag { .. } => Phase::Tag,
        }
    }
}

impl fmt::Display for ForgeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateDraft => write!(f, "create the draft"),
            Self::UpdateDraft => write!(f, "correct what the draft says"),
            Self::DeleteAsset { name, reason } => write!(f, "delete {name} ({reason})"),
            Self::Upload { name, digest } => write!(f, "upload {name} {digest}"),
            Self::Compare => write!(f, "compare every digest of the draft"),
            Self::Publish => write!(f, "make the release public"),
        }
    }
}

impl fmt::Display for ImageAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(Object { kind: Kind::Blob, digest, size, .. }) => write!(f, "push blob {digest} ({size} bytes)"),
            Self::Push(Object { digest, .. }) => write!(f, "push manifest {digest}"),
            Self::Attach(Attachment { what, manifest, .. }) => write!(f, "attach {what} {}", manifest.digest),
            Self::Tag { tag, digest } => write!(f, "tag {tag} {digest}"),
        }
    }
}

/// The binaries' track.
pub fn release(desired: &DesiredRelease, actual: &ActualRelease) -> Result<Vec<ForgeAction>, Refusal> {
    let tag = || desired.draft.tag.clone();
    match &actual.tagged {
        Tagged::At(found) if *found != desired.commit => {
            let (found, wanted) = (found.clone(), desired.commit.clone());
            return Err(Refusal::TagElsewhere { tag: tag(), found, wanted });
        }
        Tagged::Missing => return Err(Refusal::TagMissing { tag: tag() }),
        Tagged::At(_) | Tagged::Unknown => {}
    }
    match actual.releases.as_slice() {
        [] => {
            let uploads = desired.assets.iter().map(upload);
            let last = [ForgeAction::Compare, ForgeAction::Publish];
            Ok([ForgeAction::CreateDraft].into_iter().chain(uploads).chain(last).collect())
        }
        [draft] if draft.draft => diff_draft(desired, draft),
        [public] => diff_public(desired, public).map(|()| Vec::new()),
        several => Err(Refusal::Ambiguous { tag: tag(), ids: several.iter().map(|r| r.id.clone()).collect() }),
    }
}

fn upload((name, digest): (&String, &Digest)) -> ForgeAction {
    ForgeAction::Upload { name: name.clone(), digest: *digest }
}

fn diff_draft(desired: &DesiredRelease, draft: &Release) -> Result<Vec<ForgeAction>, Refusal> {
    let mut actions = Vec::new();
    let says = Draft { tag: draft.tag.clone(), prerelease: draft.prerelease, notes: draft.notes.clone() };
    if says != desired.draft {
        actions.push(ForgeAction::UpdateDraft);
    }
    let unplanned = draft.assets.keys().find(|name| !desired.assets.contains_key(*name));
    if let Some(name) = unplanned {
        return Err(Refusal::Unplanned { tag: draft.tag.clone(), name: name.clone() });
    }
    for (name, digest) in &desired.assets {
        let reason = match draft.assets.get(name) {
            Some(Asset::Uploaded { digest: found, .. }) if *found == Some(*digest) => continue,
            Some(Asset::Uploaded { .. }) => Some("other bytes"),
            Some(Asset::Starter) => Some("its upload broke off"),
            None => None,
        };
        actions.extend(reason.map(|reason| ForgeAction::DeleteAsset { name: name.clone(), reason }));
        actions.push(upload((name, digest)));
    }
    actions.extend([ForgeAction::Compare, ForgeAction::Publish]);
    Ok(actions)
}

/// Notes are not compared: those of a public release may be edited, to withdraw it.
fn diff_public(desired: &DesiredRelease, public: &Release) -> Result<(), Refusal> {
    let differs = |difference: String| Err(Refusal::Public { tag: public.tag.clone(), difference });
    for (name, digest) in &desired.assets {
        match public.assets.get(name) {
            Some(Asset::Uploaded { digest: found, .. }) if *found == Some(*digest) => {}
            Some(Asset::Uploaded { digest: found, .. }) => {
                let found = found.map_or_else(|| "other bytes".to_owned(), |found| found.to_string());
                return differs(format!("{name} has {found} there and {digest} here"));
            }
            Some(Asset::Starter) | None => return differs(format!("{name} is missing there")),
        }
    }
    match public.assets.keys().find(|name| !desired.assets.contains_key(*name)) {
        Some(name) => differs(format!("it has {name}, which is not planned")),
        None => Ok(()),
    }
}

/// The images' track, for one registry.
pub fn image(desired: &DesiredImage, actual: &ActualImage) -> Result<Vec<ImageAction>, Refusal> {
    if let Some(found) = actual.tagged.filter(|found| *found != desired.index) {
        return Err(Refusal::TagTaken { tag: desired.tag.clone(), found, wanted: desired.index });
    }
    let attachments = || desired.attachments.iter().filter(|a| !actual.attached.contains(&a.manifest.digest));
    let wanted = attachments().flat_map(|a| &a.blobs).chain(&desired.objects);
    let mut seen: BTreeSet<Digest> = actual.held.iter().copied().collect();
    // Artifacts share their empty configuration.
    let missing = wanted.filter(|o| seen.insert(o.digest)).cloned();
    let mut actions: Vec<ImageAction> = missing.map(ImageAction::Push).collect();
    actions.extend(attachments().cloned().map(ImageAction::Attach));
    if actual.tagged.is_none() {
        actions.push(ImageAction::Tag { tag: desired.tag.clone(), digest: desired.index });
    }
    Ok(actions)
}

/// Whether `latest` moves to `version`, given where it points and every stable version that is known.
///
/// `Ok(false)`: it is there already, or a newer stable version has it. `back` allows an older one, on purpose.
pub fn latest(version: &Version, current: Option<&Version>, known: &[Version], back: bool) -> Result<bool, Refusal> {
    if !version.pre.is_empty() {
        return Err(Refusal::Latest(format!("{version} is a pre-release and never becomes `latest`")));
    }
    if current == Some(version) {
        return Ok(false);
    }
    if back {
        return Ok(true);
    }
    let newest = known.iter().chain(current).filter(|v| v.pre.is_empty()).max();
    Ok(newest.is_none_or(|newest| newest <= version))
}
