//! Registries, where images are published: the trait, in the terms of the OCI distribution specification 1.1, and its
//! implementations.
//!
//! A registry only executes actions. [`crate::publish::diff`] decides them.

use std::path::{Path, PathBuf};

use crate::atomic::PathError;
use crate::digest::Digest;
use crate::http;
use crate::lock::Lock;
use crate::oci::Descriptor;
use crate::progress::Progress;

mod distribution;
mod layout;

pub use distribution::{CredentialsError, Distribution, NotAReference, Reference, Variables};
pub use layout::Layout;

/// The purpose for which a registry is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To see what everybody sees: where credentials are of no use, it is looked at without any.
    Look,
    /// To say what would be pushed.
    DryRun,
    /// To push, perhaps into a repository that does not exist yet.
    Publish,
    /// To move `latest` in a repository that exists: a read that is refused is an error.
    Promote,
}

/// A registry by its name on the command line: `oci:PATH` or `docker://HOST/REPOSITORY`. Nothing is asked or made yet.
pub fn open(name: &str, purpose: Purpose, progress: &Progress) -> Result<Box<dyn Registry>, Error> {
    match name.strip_prefix("oci:") {
        Some(path) => Ok(Box::new(Layout::new(path))),
        None if name.starts_with("docker://") => {
            Ok(Box::new(Distribution::open(name.parse()?, progress)?.for_purpose(purpose)))
        }
        None => Err(Error::Unknown(name.to_owned())),
    }
}

/// Something that is pushed by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// The kind of upload.
    pub kind: Kind,
    /// The file with its bytes.
    pub from: PathBuf,
}

/// The two kinds of objects of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A layer or a configuration.
    Blob,
    /// An image manifest or an index; what it names must be there before it.
    Manifest,
}

/// One repository in a registry, or an OCI layout on disk. A command opens it and lends it to the stages. Each call acts at
/// once and completely, or fails; several threads may push at the same time.
pub trait Registry: Sync {
    /// Returns its name for people: `oci:dist/registry`.
    fn name(&self) -> String;
    /// Keeps other publishers out until the lock is dropped, where that is possible. `waiting` gets the name of another holder.
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error>;
    /// Whether it holds the object.
    fn has(&self, object: &Object) -> Result<bool, Error>;
    /// Stores an object by its digest; `on_progress` gets the number of bytes after each piece.
    fn push(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), Error>;
    /// All tags.
    fn tags(&self) -> Result<Vec<String>, Error>;
    /// Returns the digest that a tag points at.
    fn resolve(&self, tag: &str) -> Result<Option<Digest>, Error>;
    /// Points a tag at a manifest or index that is there.
    fn tag(&self, tag: &str, digest: Digest) -> Result<(), Error>;
    /// The bytes of a manifest or index; whether they have that digest is the caller's to check.
    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, Error>;
    /// Copies a blob's bytes, of which there are as many as its descriptor says, to a new file; whether they have its digest is
    /// the caller's to check.
    fn download(&self, blob: &Descriptor, to: &Path) -> Result<(), Error>;
    /// Lists the attachments of a manifest or index, by any author (distribution specification, "Listing Referrers").
    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error>;
    /// Stores manifests that have a subject, whose blobs are there, and sees to it that all of them are listed as the
    /// subject's.
    fn attach(&self, manifests: &[&Object]) -> Result<(), Error>;
    /// Waits before the next look for something that was written and is not visible yet; `attempt` counts from 1. Returns `false`
    /// where another look shows nothing new.
    fn wait_for_visibility(&self, attempt: u32) -> bool;
}

/// An error of a registry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the layout.
    #[error(transparent)]
    File(#[from] PathError),
    /// The registry could not be reached, or did not do what was asked.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The registry requires other credentials, or any.
    #[error("{registry}: {error}; {advice}")]
    Denied {
        /// The registry.
        registry: String,
        /// The message of the server.
        error: String,
        /// The next step.
        advice: String,
    },
    /// There are credentials, but they cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Not the name of a repository.
    #[error(transparent)]
    Name(#[from] NotAReference),
    /// Not the name of a registry.
    #[error("{0:?} is not a registry; write docker://HOST/REPOSITORY, or oci:PATH for an image layout")]
    Unknown(String),
    /// Another process has set the tag in the meantime.
    #[error("{registry}: the tag {tag} has meanwhile been set to {found}")]
    Taken {
        /// The registry.
        registry: String,
        /// The tag.
        tag: String,
        /// The digest that it points at.
        found: Digest,
    },
    /// The registry has no such thing.
    #[error("{registry} has no {what}")]
    Missing {
        /// The registry.
        registry: String,
        /// The thing that was requested.
        what: String,
    },
    /// A document that is not of the specification's form.
    #[error("{path}: {reason}")]
    Broken {
        /// The file or registry.
        path: String,
        /// The problem.
        reason: String,
    },
    /// A local file is not what it was said to be.
    #[error("{}: has digest {found}, expected {expected}; build the image part again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The digest that the part states.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
}

impl Error {
    /// The way out, where the text does not say it.
    pub fn hint(&self) -> Option<String> {
        if let Self::Http(error) = self { error.hint() } else { None }
    }

    /// Whether the caller gave an invalid name, so that nothing was tried.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Unknown(_))
    }
}
