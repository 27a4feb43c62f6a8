//! Executing the difference: one track for the forge, one per registry, phase by phase.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::attested::Attested;
use super::diff::{self, ActualImage, ActualRelease, DesiredImage, DesiredRelease, ForgeAction, ImageAction, Phase};
use super::parts::{self, Parts};
use super::{Error, TrackOutcome, Work};
use crate::forge::{Forge, Upload};
use crate::image::ImageIndex;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::registry::{self, Kind, Object, Registry};

/// Blobs on their way at the same time, to one registry.
const AT_ONCE: usize = 4;

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
    pub(super) fn plan(forge: &'a dyn Forge, work: &'a Work, actual: &ActualRelease) -> Result<Self, Error> {
        let assets = work.files.iter().map(|(name, (_, digest))| (name.clone(), *digest)).collect();
        let desired = DesiredRelease { draft: work.draft.clone(), commit: work.commit.clone(), assets };
        let mut track = Self { forge, work, desired, actions: Vec::new(), id: None };
        track.actions = track.difference(actual)?;
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
    fn difference(&mut self, actual: &ActualRelease) -> Result<Vec<ForgeAction>, Error> {
        self.id = actual.releases.first().map(|r| r.id.clone());
        let mut desired = self.desired.clone();
        if let Some(attested) = &self.work.attested {
            attested.settle(self.forge, &actual.releases, &mut desired)?;
        }
        diff::release(&desired, actual).map_err(|refusal| Error::Refused { place: self.forge.name(), refusal })
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

    /// The draft as the forge has it now must leave nothing to do but to publish it. What was attached a moment ago may
    /// take a while to be seen.
    fn compare(&mut self) -> Result<(), Error> {
        let settled = |a: &&ForgeAction| !matches!(a, ForgeAction::Compare | ForgeAction::Publish);
        let mut looks = 0;
        loop {
            looks += 1;
            let left = self.difference(&super::actual(self.forge, &self.desired.draft.tag)?)?;
            match left.iter().find(settled) {
                None => return Ok(()),
                Some(_) if self.forge.look_again(looks) => {}
                Some(action) => {
                    let (forge, tag) = (self.forge.name(), self.desired.draft.tag.clone());
                    return Err(Error::Differs { forge, tag, action: action.to_string() });
                }
            }
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
    _lock: Option<Lock>,
}

impl<'a> ImageTrack<'a> {
    /// Subtracts. A registry that cannot be read delays the image alone, like one that cannot be written.
    pub(super) fn plan(
        registry: &'a dyn Registry,
        parts: &Parts,
        index: &ImageIndex,
        work: &Work,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        match Self::difference(registry, parts, index, work, waiting) {
            Err(Error::Registry(error)) => Ok(Self { registry, actions: Vec::new(), failed: Some(error), _lock: None }),
            other => other,
        }
    }

    fn difference(
        registry: &'a dyn Registry,
        parts: &Parts,
        index: &ImageIndex,
        work: &Work,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        let lock = registry.lock(waiting)?;
        let objects = parts.objects(index, &work.index_file)?;
        let attachments = work.attested.iter().flat_map(Attested::attachments).collect();
        let desired = DesiredImage { tag: work.tag.clone(), index: index.digest, objects, attachments };
        let attached = work.attested.as_ref().map_or(Ok(Vec::new()), |a| a.attached(registry))?;
        let pending = desired.attachments.iter().filter(|a| !attached.contains(&a.manifest.digest));
        let mut held = Vec::new();
        for object in desired.objects.iter().chain(pending.flat_map(|a| &a.blobs)) {
            if registry.has(object)? {
                held.push(object.digest);
            }
        }
        let actual = ActualImage { tagged: registry.resolve(&desired.tag)?, held, attached };
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
        let due: Vec<&ImageAction> = self.actions.iter().filter(|a| a.phase() == phase).collect();
        let blobs: Vec<&Object> = due.iter().filter_map(|a| blob(a)).collect();
        let mut rest = due.into_iter().filter(|a| blob(a).is_none());
        // What a manifest names has to be there before it; blobs name nothing.
        let pushed = self.push_blobs(&blobs, progress);
        self.failed = pushed.and_then(|()| rest.try_for_each(|action| self.act(action, progress))).err();
    }

    /// Side by side; after a failure none is begun any more, and the first one that failed is named.
    fn push_blobs(&self, blobs: &[&Object], progress: &Progress) -> Result<(), registry::Error> {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(object) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.push(object, progress).inspect_err(|_| next.store(blobs.len(), Ordering::Relaxed))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE.min(blobs.len())).map(|_| scope.spawn(work)).collect();
            let results = workers.into_iter().map(|w| w.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
            results.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn push(&self, object: &Object, progress: &Progress) -> Result<(), registry::Error> {
        let task = progress.bytes(&format!("{} to {}", object.digest, self.registry.name()), object.size);
        self.registry.push(object, &|bytes| task.advance(bytes))
    }

    fn act(&self, action: &ImageAction, progress: &Progress) -> Result<(), registry::Error> {
        match action {
            ImageAction::Push(object) => self.push(object, progress),
            ImageAction::Attach(attachment) => self.registry.attach(&attachment.manifest),
            ImageAction::Tag { tag, digest } => {
                // The plan may be minutes old, and a registry may have no lock.
                match self.registry.resolve(tag)?.filter(|found| found != digest) {
                    Some(found) => {
                        Err(registry::Error::Taken { registry: self.registry.name(), tag: tag.clone(), found })
                    }
                    None => self.registry.tag(tag, *digest),
                }
            }
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

fn blob(action: &ImageAction) -> Option<&Object> {
    if let ImageAction::Push(object) = action { Some(object).filter(|o| o.kind == Kind::Blob) } else { None }
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
