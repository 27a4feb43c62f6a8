//! Executing the difference: one track for the forge, one per registry, phase by phase.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::attested::Attested;
use super::diff::{self, ActualImage, ActualRelease, Attachment, DesiredImage, DesiredRelease};
use super::diff::{ForgeAction, ImageAction, Phase};
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
    /// The draft was compared.
    compared: bool,
    /// The error that ended it.
    failed: Option<String>,
    id: Option<String>,
}

impl<'a> ForgeTrack<'a> {
    /// Subtracts; every file that would be uploaded is read through before anything is touched.
    pub(super) fn plan(forge: &'a dyn Forge, work: &'a Work, actual: &ActualRelease) -> Result<Self, Error> {
        let assets = work.files.iter().map(|(name, (_, digest))| (name.clone(), *digest)).collect();
        let desired = DesiredRelease { draft: work.draft.clone(), commit: work.commit.clone(), assets };
        let (actions, compared, failed) = (Vec::new(), false, None);
        let mut track = Self { forge, work, desired, actions, compared, failed, id: None };
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
        let done = due.iter().try_for_each(|action| self.act(action, progress));
        self.failed = done.as_ref().err().map(ToString::to_string);
        done
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
            ForgeAction::Compare => {
                self.compare()?;
                self.compared = true;
            }
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
                Some(_) if self.forge.wait_for_visibility(looks) => {}
                Some(action) => {
                    let (forge, tag) = (self.forge.name(), self.desired.draft.tag.clone());
                    return Err(Error::Differs { forge, tag, action: action.to_string() });
                }
            }
        }
    }

    /// Returns the actions that are left, by the state of the forge now. A recent write may take a while to be visible.
    fn left(&mut self, last: Phase) -> Result<Vec<ForgeAction>, Error> {
        let is_left = |action: &ForgeAction| action.phase() <= last && *action != ForgeAction::Compare;
        for looks in 1.. {
            let mut left = self.difference(&super::actual(self.forge, &self.desired.draft.tag)?)?;
            left.retain(is_left);
            if left.is_empty() || self.failed.is_some() || !self.forge.wait_for_visibility(looks) {
                return Ok(left);
            }
        }
        Ok(Vec::new())
    }

    /// Returns the result of the run. With `read_again` the forge is asked what is there; without, nothing was tried.
    pub(super) fn outcome(mut self, last: Phase, read_again: bool) -> TrackOutcome {
        let planned: Vec<ForgeAction> = self.actions.iter().filter(|a| a.phase() <= last).cloned().collect();
        let name = self.forge.name();
        if planned.is_empty() || !read_again {
            return TrackOutcome::of(name, &planned, |_| true, self.failed);
        }
        match self.left(last) {
            Ok(left) => {
                let compared = self.compared;
                let is_done = |a: &ForgeAction| if *a == ForgeAction::Compare { compared } else { !left.contains(a) };
                TrackOutcome::of(name, &planned, is_done, self.failed)
            }
            Err(error) => TrackOutcome::unread(name, &planned, self.failed, &error),
        }
    }
}

impl TrackOutcome {
    fn of<A: ToString>(name: String, planned: &[A], is_done: impl Fn(&A) -> bool, failed: Option<String>) -> Self {
        let (done, left): (Vec<&A>, Vec<&A>) = planned.iter().partition(|action| is_done(action));
        let words = |actions: Vec<&A>| actions.into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let (actions, left) = (words(done), words(left));
        let lost = || (!left.is_empty()).then(|| "what was done is not there when it is read again".to_owned());
        Self { name, stopped: failed.or_else(lost), actions, left }
    }

    /// Nothing is claimed of a place that cannot be read again.
    fn unread<A: ToString>(name: String, planned: &[A], failed: Option<String>, error: &impl ToString) -> Self {
        let unread = format!("what is there now is not known: {}", error.to_string());
        let stopped = Some(failed.map_or_else(|| unread.clone(), |failed| format!("{failed}; {unread}")));
        Self { name, actions: Vec::new(), left: planned.iter().map(ToString::to_string).collect(), stopped }
    }
}

/// The images' track of one registry.
pub(super) struct ImageTrack<'a> {
    registry: &'a dyn Registry,
    actions: Vec<ImageAction>,
    attested: Option<&'a Attested>,
    failed: Option<registry::Error>,
    _lock: Option<Lock>,
}

impl<'a> ImageTrack<'a> {
    /// Subtracts. A registry that cannot be read delays the image alone, like one that cannot be written.
    pub(super) fn plan(
        registry: &'a dyn Registry,
        parts: &Parts,
        index: &ImageIndex,
        work: &'a Work,
        waiting: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        match Self::difference(registry, parts, index, work, waiting) {
            Err(Error::Registry(error)) => {
                let (actions, failed) = (Vec::new(), Some(error));
                Ok(Self { registry, actions, attested: None, failed, _lock: None })
            }
            other => other,
        }
    }

    fn difference(
        registry: &'a dyn Registry,
        parts: &Parts,
        index: &ImageIndex,
        work: &'a Work,
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
        Ok(Self { registry, actions, attested: work.attested.as_ref(), failed: None, _lock: lock })
    }

    fn execute(&mut self, phase: Phase, progress: &Progress) {
        if self.failed.is_some() {
            return;
        }
        let due: Vec<&ImageAction> = self.actions.iter().filter(|a| a.phase() == phase).collect();
        let blobs: Vec<&Object> = due.iter().filter_map(|a| blob(a)).collect();
        let mut rest = due.iter().filter(|a| blob(a).is_none());
        // What a manifest names has to be there before it; blobs name nothing.
        let pushed = self.push_blobs(&blobs, progress);
        let done = pushed.and_then(|()| rest.try_for_each(|action| self.act(action, progress)));
        // All of them at once: a list that is written once has them all, or none.
        let attached: Vec<&Object> = due.iter().filter_map(|a| attachment(a)).collect();
        let done = done.and_then(|()| if attached.is_empty() { Ok(()) } else { self.registry.attach(&attached) });
        self.failed = done.err();
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
            // Together, when all of these are done.
            ImageAction::Attach(_) => Ok(()),
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

    /// Which of the planned actions are not done, as the registry has it now.
    fn left(&self, planned: &[ImageAction]) -> Result<Vec<ImageAction>, registry::Error> {
        for looks in 1.. {
            let attached = match self.attested.filter(|_| planned.iter().any(|a| attachment(a).is_some())) {
                Some(attested) => attested.attached(self.registry)?,
                None => Vec::new(),
            };
            let mut left = Vec::new();
            for action in planned {
                let is_done = match action {
                    ImageAction::Push(object) => self.registry.has(object)?,
                    ImageAction::Attach(Attachment { manifest, .. }) => attached.contains(&manifest.digest),
                    ImageAction::Tag { tag, digest } => self.registry.resolve(tag)? == Some(*digest),
                };
                left.extend((!is_done).then(|| action.clone()));
            }
            if left.is_empty() || self.failed.is_some() || !self.registry.wait_for_visibility(looks) {
                return Ok(left);
            }
        }
        Ok(Vec::new())
    }

    /// Returns the result of the run. With `read_again` the registry is asked what is there; without, nothing was tried.
    pub(super) fn outcome(self, last: Phase, read_again: bool) -> TrackOutcome {
        let (planned, later): (Vec<_>, Vec<_>) = self.actions.iter().cloned().partition(|a| a.phase() <= last);
        let name = self.registry.name();
        let failed = self.failed.as_ref().map(ToString::to_string);
        if planned.is_empty() || !read_again {
            return TrackOutcome::of(name, &planned, |_| true, failed).waiting(&later, last);
        }
        match self.left(&planned) {
            Ok(left) => TrackOutcome::of(name, &planned, |a| !left.contains(a), failed).waiting(&later, last),
            Err(error) => TrackOutcome::unread(name, &planned, failed, &error),
        }
    }
}

impl TrackOutcome {
    /// Images that come before their release wait for it.
    fn waiting(mut self, later: &[ImageAction], last: Phase) -> Self {
        let is_waiting = !later.is_empty() && last == Phase::Stage;
        let reason = || "the version tag waits until the release is public".to_owned();
        self.stopped = self.stopped.or_else(|| is_waiting.then(reason));
        self
    }
}

fn attachment(action: &ImageAction) -> Option<&Object> {
    if let ImageAction::Attach(attachment) = action { Some(&attachment.manifest) } else { None }
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
