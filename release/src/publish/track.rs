//! Executing the difference: one track for the forge, one per registry, phase by phase.

use super::diff::{self, ActualImage, DesiredImage, DesiredRelease, ForgeAction, ImageAction, Phase};
use super::parts::{self, Parts};
use super::{Error, TrackOutcome, Work};
use crate::forge::{Forge, Release, Upload};
use crate::image::ImageIndex;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::registry::{self, Registry};

/// The binaries' track.
pub(super) struct ForgeTrack<'a> {
    forge: &'a dyn Forge,
    work: &'a Work,
    desired: DesiredRelease,
    actions: Vec<ForgeAction>,
    id: Option<String>,
}

impl<'a> ForgeTrack<'a> {
    /// Subtracts; every file that would be uploaded is read through before anything is touched.
    pub(super) fn plan(forge: &'a dyn Forge, work: &'a Work, releases: &[Release]) -> Result<Self, Error> {
        let assets = work.files.iter().map(|(name, (_, digest))| (name.clone(), *digest)).collect();
        let desired = DesiredRelease { draft: work.draft.clone(), assets };
        let mut track = Self { forge, work, desired, actions: Vec::new(), id: None };
        track.actions = track.difference(releases)?;
        for action in &track.actions {
            if let ForgeAction::Upload { name, digest } = action
                && let Some((path, _)) = work.files.get(name)
            {
                parts::check(path, *digest)?;
            }
        }
        Ok(track)
    }

    /// Desired minus actual; remembers the release's id.
    fn difference(&mut self, releases: &[Release]) -> Result<Vec<ForgeAction>, Error> {
        self.id = releases.first().map(|r| r.id.clone());
        let mut desired = self.desired.clone();
        if let Some(attested) = &self.work.attested {
            attested.settle(self.forge, releases, &mut desired)?;
        }
        diff::release(&desired, releases).map_err(|refusal| Error::Refused { place: self.forge.name(), refusal })
    }

    fn execute(&mut self, phase: Phase, progress: &Progress) -> Result<(), Error> {
        let due: Vec<ForgeAction> = self.actions.iter().filter(|a| a.phase() == phase).cloned().collect();
        due.iter().try_for_each(|action| self.act(action, progress))
    }

    fn act(&mut self, action: &ForgeAction, progress: &Progress) -> Result<(), Error> {
        if *action == ForgeAction::CreateDraft {
            self.id = Some(self.forge.create_draft(&self.desired.draft)?);
            return Ok(());
        }
        let Some(id) = self.id.clone() else { return Ok(()) };
        match action {
            ForgeAction::CreateDraft => {}
            ForgeAction::UpdateDraft => self.forge.update_draft(&id, &self.desired.draft)?,
            ForgeAction::DeleteAsset { name, .. } => self.forge.delete_asset(&id, name)?,
            ForgeAction::Upload { name, digest } => {
                let Some((path, _)) = self.work.files.get(name) else { return Ok(()) };
                let size = std::fs::metadata(path).map_or(0, |m| m.len());
                let task = progress.bytes(name, size);
                let upload = Upload { name, path, digest: *digest };
                self.forge.upload(&id, upload, &|bytes| task.advance(bytes))?;
            }
            ForgeAction::Compare => self.compare()?,
            ForgeAction::Publish => self.forge.publish(&id)?,
        }
        Ok(())
    }

    /// The draft as the forge has it now must leave nothing to do but to publish it.
    fn compare(&mut self) -> Result<(), Error> {
        let left = self.difference(&self.forge.releases(&self.desired.draft.tag)?)?;
        let settled = |a: &&ForgeAction| !matches!(a, ForgeAction::Compare | ForgeAction::Publish);
        match left.iter().find(settled) {
            None => Ok(()),
            Some(action) => Err(Error::Differs {
                forge: self.forge.name(),
                tag: self.desired.draft.tag.clone(),
                action: action.to_string(),
            }),
        }
    }

    pub(super) fn outcome(self, last: Phase) -> TrackOutcome {
        let actions = self.actions.iter().filter(|a| a.phase() <= last);
        TrackOutcome { name: self.forge.name(), actions: actions.map(ToString::to_string).collect(), stopped: None }
    }
}

/// The images' track of one registry.
pub(super) struct ImageTrack<'a> {
    registry: &'a dyn Registry,
    actions: Vec<ImageAction>,
    failed: Option<registry::Error>,
    _lock: Lock,
}

impl<'a> ImageTrack<'a> {
    pub(super) fn plan(
        registry: &'a dyn Registry,
        parts: &Parts,
        index: &ImageIndex,
        work: &Work,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        let lock = registry.lock(waiting)?;
        let objects = parts.objects(index, &work.index_file)?;
        let desired = DesiredImage { tag: work.tag.clone(), index: index.digest, objects };
        let mut held = Vec::new();
        for object in &desired.objects {
            if registry.has(object)? {
                held.push(object.digest);
            }
        }
        let actual = ActualImage { tagged: registry.resolve(&desired.tag)?, held };
        let actions =
            diff::image(&desired, &actual).map_err(|refusal| Error::Refused { place: registry.name(), refusal })?;
        for action in &actions {
            if let ImageAction::Push(object) = action {
                parts::check(&object.from, object.digest)?;
            }
        }
        Ok(Self { registry, actions, failed: None, _lock: lock })
    }

    fn execute(&mut self, phase: Phase, progress: &Progress) {
        if self.failed.is_some() {
            return;
        }
        let due = self.actions.iter().filter(|a| a.phase() == phase);
        self.failed = due.map(|action| self.act(action, progress)).find_map(Result::err);
    }

    fn act(&self, action: &ImageAction, progress: &Progress) -> Result<(), registry::Error> {
        match action {
            ImageAction::Push(object) => {
                let task = progress.bytes(&object.digest.to_string(), object.size);
                self.registry.push(object, &|bytes| task.advance(bytes))
            }
            ImageAction::Tag { tag, digest } => self.registry.tag(tag, *digest),
        }
    }

    pub(super) fn outcome(self, last: Phase) -> TrackOutcome {
        let done = self.actions.iter().filter(|a| a.phase() <= last);
        let waiting = self.actions.iter().any(|a| a.phase() > last) && last == Phase::Stage;
        let reason = || "the version tag waits until the release is public".to_owned();
        TrackOutcome {
            name: self.registry.name(),
            actions: done.map(ToString::to_string).collect(),
            stopped: self.failed.map(|e| e.to_string()).or_else(|| waiting.then(reason)),
        }
    }
}

/// Runs all tracks, phase by phase up to `last`. The forge's failure ends the run before a tag is set or anything goes
/// public; a registry's failure delays that registry alone.
pub(super) fn execute(
    forge: &mut Option<ForgeTrack<'_>>,
    images: &mut [ImageTrack<'_>],
    last: Phase,
    progress: &Progress,
) -> Result<(), Error> {
    for phase in [Phase::Stage, Phase::Draft, Phase::Tag, Phase::Public].into_iter().filter(|p| *p <= last) {
        for track in &mut *images {
            track.execute(phase, progress);
        }
        if let Some(track) = forge {
            track.execute(phase, progress)?;
        }
    }
    Ok(())
}
