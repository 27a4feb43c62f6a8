//! Forges, where releases are published: the trait, and its implementations for GitHub and for a folder.
//!
//! A forge only executes actions. [`crate::publish::diff`] decides them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::atomic::PathError;
use crate::digest::Digest;
use crate::http;
use crate::lock::Lock;
use crate::progress::Progress;
use crate::registry::Purpose;

mod directory;
pub mod github;

pub use directory::Directory;
pub use github::Github;

/// The way out of a burned version. A test follows it, and the page, to the end.
pub const NEXT_VERSION: &str =
    "bump the version and cut the next release: docs/release/when-it-fails.md#burned-version has the commands";

/// A forge by its name on the command line: `dir:PATH` or `github:OWNER/REPOSITORY`. Nothing is asked or made yet.
pub fn open(name: &str, purpose: Purpose, progress: &Progress) -> Result<Box<dyn Forge>, Error> {
    match name.split_once(':') {
        Some(("dir", path)) if !path.is_empty() => Ok(Box::new(Directory::new(path))),
        Some(("github", repository)) => {
            let github = Github::open(repository.parse()?, progress)?;
            Ok(Box::new(if purpose == Purpose::Look { github.for_looking() } else { github }))
        }
        _ => Err(Error::Unknown(name.to_owned())),
    }
}

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
    /// Whether the forge keeps anybody from changing it; `None` where it says nothing of that.
    pub immutable: Option<bool>,
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
        /// Of its bytes; `None` where the forge does not say it, and the forge is only looked at.
        digest: Option<Digest>,
    },
    /// An upload that broke off; it blocks its name until it is deleted.
    Starter,
}

/// The commit of a Git tag, as the forge has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tagged {
    /// The forge knows nothing of Git.
    Unknown,
    /// There is no such tag.
    Missing,
    /// At a commit, by its full id.
    At(String),
}

/// The tag, mark and notes of a draft to create. [`Forge::create_draft`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its Git tag.
    pub tag: String,
    /// Marked as a pre-release.
    pub prerelease: bool,
    /// Markdown.
    pub notes: String,
}

/// A kind of statement that a forge keeps beside its releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The forge's own about an immutable release.
    Release,
    /// Of a job that built the release once more.
    Rebuild,
}

/// The statements of one kind about one digest that a forge keeps, as far as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statements {
    /// Each a bundle on one line.
    pub bundles: Vec<String>,
    /// How many bundles the forge has and does not give, because they are too large for its API.
    pub too_large: usize,
    /// The forge has more of them: a hundred are read, those that are too large included.
    pub more: bool,
}

impl Statements {
    /// The reason why the bundles are not all that the forge keeps; `None` where they are.
    pub fn unread(&self) -> Option<String> {
        let large = match self.too_large {
            0 => None,
            1 => Some("one is too large for the API; `gh attestation download` gets it".to_owned()),
            n => Some(format!("{n} are too large for the API; `gh attestation download` gets them")),
        };
        let read = self.bundles.len() + self.too_large;
        let more = self.more.then(|| format!("there are more than the {read} that were read"));
        large.into_iter().chain(more).reduce(|all, next| format!("{all}, and {next}"))
    }
}

/// A file to attach.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The asset's name.
    pub name: &'a str,
    /// The file with its bytes.
    pub path: &'a Path,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A place where releases are published: GitHub, or a folder. A command opens it and lends it to the stages. Each call acts
/// at once and completely, or fails.
pub trait Forge {
    /// Returns its name for people: `dir:dist/forge`.
    fn name(&self) -> String;
    /// Keeps other publishers out until the lock is dropped, where that is possible. `waiting` gets the name of another holder.
    fn lock(&self, waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error>;
    /// Returns the commit of the Git tag.
    fn tagged(&self, tag: &str) -> Result<Tagged, Error>;
    /// Every release of that tag, drafts included.
    fn releases(&self, tag: &str) -> Result<Vec<Release>, Error>;
    /// The tags of all public releases.
    fn published(&self) -> Result<Vec<String>, Error>;
    /// The tag of the release that is `latest`.
    fn latest(&self) -> Result<Option<String>, Error>;
    /// Whether the forge picks a `latest` itself until a release is made `latest`.
    fn picks_latest(&self) -> bool;
    /// Makes a draft and gives its id.
    fn create_draft(&self, draft: &Draft) -> Result<String, Error>;
    /// Sets what a draft says.
    fn update_draft(&self, id: &str, draft: &Draft) -> Result<(), Error>;
    /// Attaches a file to a draft; `on_progress` gets the number of bytes after each piece.
    fn upload(&self, id: &str, upload: Upload<'_>, on_progress: &dyn Fn(u64)) -> Result<(), Error>;
    /// Removes a file from a draft.
    fn delete_asset(&self, id: &str, name: &str) -> Result<(), Error>;
    /// Waits before the next look for something that was written and is not visible yet; `attempt` counts from 1. Returns `false`
    /// where another look shows nothing new.
    fn wait_for_visibility(&self, attempt: u32) -> bool;
    /// Makes a draft public, without `latest`.
    fn publish(&self, id: &str) -> Result<(), Error>;
    /// Makes a public release `latest`.
    fn set_latest(&self, id: &str) -> Result<(), Error>;
    /// The signed statements of one kind that the forge keeps about bytes of that digest; `None` where it keeps none of any kind.
    fn statements(&self, about: Digest, kind: Kept) -> Result<Option<Statements>, Error>;
    /// The Git object that the tag's ref points at: a commit, or the object of an annotated tag.
    fn tag_object(&self, tag: &str) -> Result<Option<String>, Error>;
    /// Copies an asset's bytes to a new file, those of a public release as anybody gets them.
    fn download(&self, release: &Release, name: &str, to: &Path) -> Result<(), Error>;
}

/// An error of a forge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the directory forge.
    #[error(transparent)]
    File(#[from] PathError),
    /// Not the name of a forge.
    #[error("{0:?} is not a forge; write github:OWNER/REPOSITORY, or dir:PATH for a folder")]
    Unknown(String),
    /// Not the name of a repository.
    #[error(transparent)]
    Repository(#[from] github::NotARepository),
    /// The forge could not be reached, or did not do what was asked.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The forge requires other credentials, or any.
    #[error("{forge} does not let us {doing}: {said}; {advice}")]
    Denied {
        /// The forge.
        forge: String,
        /// The operation, as a verb.
        doing: &'static str,
        /// The message of the server.
        said: String,
        /// The next step.
        advice: String,
    },
    /// A name that was used up, or a public release that was to be changed: nothing helps but another version.
    #[error("{forge} never again lets anybody {doing} under this tag: {said}")]
    Spoiled {
        /// The forge.
        forge: String,
        /// The operation, as a verb.
        doing: &'static str,
        /// The message of the server.
        said: String,
    },
    /// The forge gave a file another name.
    #[error("{forge} stored {sent} as {found}")]
    Renamed {
        /// The forge.
        forge: String,
        /// The asset's name.
        sent: String,
        /// The name that the forge gave it.
        found: String,
    },
    /// The forge has no such thing.
    #[error("{forge} has no {what}")]
    Missing {
        /// The forge.
        forge: String,
        /// The thing that was requested.
        what: String,
    },
    /// A description that is not of this program's form.
    #[error("{path}: {reason}")]
    Broken {
        /// The file.
        path: String,
        /// The problem.
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
        /// The thing that exists already.
        what: String,
    },
    /// A name that could leave the folder or that a forge would rename.
    #[error(
        "{name:?} is not an asset or tag name: only A-Z a-z 0-9 . _ + - are allowed, and it may not begin with a dot"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A local file is not what it was said to be.
    #[error("{}: has digest {found}, expected {expected}; build the part again", path.display())]
    Changed {
        /// The file.
        path: std::path::PathBuf,
        /// The digest that the part states.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
}

impl Error {
    /// The way out, where the text does not say it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::Spoiled { .. } => Some(format!("the name is spent: {NEXT_VERSION}")),
            Self::Renamed { .. } => Some("name files with A-Z a-z 0-9 . _ - alone".to_owned()),
            _ => None,
        }
    }

    /// Whether the caller gave an invalid name, so that nothing was tried, or a retry can never help.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Repository(_) | Self::Name { .. } | Self::Spoiled { .. })
    }
}
