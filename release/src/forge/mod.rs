//! Where releases are published: a trait in the words of a release, and its implementations.
//!
//! A forge only does what it is told. What to do is decided by [`crate::publish::diff`].

use std::collections::BTreeMap;
use std::path::Path;

use crate::atomic::PathError;
use crate::digest::Digest;
use crate::lock::Lock;

mod directory;

pub use directory::Directory;

/// A release as the forge has it, draft or public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The forge's own name of it; what the other calls take.
    pub id: String,
    /// Its Git tag.
    pub tag: String,
    /// Hidden from the public.
    pub draft: bool,
    /// Marked as a pre-release.
    pub prerelease: bool,
    /// Markdown.
    pub notes: String,
    /// By name.
    pub assets: BTreeMap<String, Asset>,
}

/// An attached file as the forge has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    /// Whole.
    Uploaded {
        /// In bytes.
        size: u64,
        /// Of its bytes.
        digest: Digest,
    },
    /// An upload that broke off; it blocks its name until it is deleted.
    Starter,
}

/// What a new draft says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its Git tag.
    pub tag: String,
    /// Marked as a pre-release.
    pub prerelease: bool,
    /// Markdown.
    pub notes: String,
}

/// A file to attach.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The asset's name.
    pub name: &'a str,
    /// Where its bytes lie.
    pub path: &'a Path,
    /// What they must be.
    pub digest: Digest,
}

/// A place where releases are published. Calls act at once and completely, or fail.
pub trait Forge {
    /// How people name it: `dir:dist/forge`.
    fn name(&self) -> String;
    /// Keeps other publishers out until the lock is dropped; `waiting` is told who holds it meanwhile.
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Lock, Error>;
    /// Every release of that tag, drafts included.
    fn releases(&self, tag: &str) -> Result<Vec<Release>, Error>;
    /// The tags of all public releases.
    fn published(&self) -> Result<Vec<String>, Error>;
    /// The tag of the release that is `latest`.
    fn latest(&self) -> Result<Option<String>, Error>;
    /// Makes a draft and gives its id.
    fn create_draft(&self, draft: &Draft) -> Result<String, Error>;
    /// Sets what a draft says.
    fn update_draft(&self, id: &str, draft: &Draft) -> Result<(), Error>;
    /// Attaches a file to a draft; `moved` is told of bytes as they go.
    fn upload(&self, id: &str, upload: Upload<'_>, moved: &dyn Fn(u64)) -> Result<(), Error>;
    /// Removes a file from a draft.
    fn delete_asset(&self, id: &str, name: &str) -> Result<(), Error>;
    /// Makes a draft public, without `latest`.
    fn publish(&self, id: &str) -> Result<(), Error>;
    /// Makes a public release `latest`.
    fn set_latest(&self, id: &str) -> Result<(), Error>;
    /// Copies a public or draft asset's bytes to a new file.
    fn download(&self, id: &str, name: &str, to: &Path) -> Result<(), Error>;
}

/// What a forge could not do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the directory forge.
    #[error(transparent)]
    File(#[from] PathError),
    /// The forge has no such thing.
    #[error("{forge} has no {what}")]
    Missing {
        /// The forge.
        forge: String,
        /// What was asked for.
        what: String,
    },
    /// A description that is not of this program's form.
    #[error("{path}: {reason}")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A change to something public.
    #[error("{forge}: release {tag} is public and does not change")]
    Immutable {
        /// The forge.
        forge: String,
        /// The release's tag.
        tag: String,
    },
    /// A name that already stands.
    #[error("{forge} already has {what}")]
    Exists {
        /// The forge.
        forge: String,
        /// What stands in the way.
        what: String,
    },
    /// A name that could leave the folder or that a forge would rename.
    #[error("{name:?} is no asset or tag name: only A-Z a-z 0-9 . _ + - are allowed, and it may not begin with a dot")]
    Name {
        /// The name.
        name: String,
    },
    /// A local file is not what it was said to be.
    #[error("{}: has digest {found}, expected {expected}; build the part again", path.display())]
    Changed {
        /// The file.
        path: std::path::PathBuf,
        /// What the part says.
        expected: Digest,
        /// What its bytes are.
        found: Digest,
    },
}
