//! Which versions are public, and what `latest` is: read in every place before anything is written in one.
//!
//! A version is public where the forge has a release of it, or a registry an index of ours under its tag. A Git tag alone
//! makes no version: it may be a mistake, or spent.

use semver::Version;

use crate::digest::Digest;
use crate::forge::{self, Forge};
use crate::oci::{self, annotation};
use crate::public;
use crate::registry::{self, Registry};
use crate::table::Table;

/// The image tag that follows the newest stable version.
pub const LATEST: &str = "latest";

/// So many tags that look like versions and are none of ours are looked at in a registry, each by a request or two.
const FOREIGN: usize = 100;

/// A forge or registry that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The forge.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Tags of something else hide which version of ours is the newest.
    #[error(
        "{registry} has more than {FOREIGN} tags that look like newer versions and are no images of this project, such as {tag}; \
         `ignore_tags` in sayna-release.toml leaves them out"
    )]
    Foreign {
        /// The registry.
        registry: String,
        /// One of the tags.
        tag: String,
    },
}

/// The `latest` of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Latest {
    /// The place has none.
    Nothing,
    /// A version that is public there.
    Version(Version),
    /// Something that is no public version of ours: its tag or digest.
    Foreign(String),
}

impl Latest {
    /// The version, where it is one.
    pub const fn version(&self) -> Option<&Version> {
        if let Self::Version(version) = self { Some(version) } else { None }
    }
}

impl std::fmt::Display for Latest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Version(version) => version.fmt(f),
            Self::Foreign(found) => write!(f, "{found:?}, which is no public version of this project"),
        }
    }
}

/// The public versions and the `latest` of every destination. Read completely before `latest` is decided.
#[derive(Debug)]
pub struct Known {
    /// The stable versions that are public, sorted; of a registry those that are above the forge's, down to the first.
    pub public: Vec<Version>,
    /// The `latest` of the forge.
    pub forge: Latest,
    /// The `latest` of each registry, in their order.
    pub registries: Vec<Latest>,
    /// Stable versions that Git alone has.
    pub in_git_alone: Vec<Version>,
}

impl Known {
    /// Reads forge and registries; `in_git` are the stable versions of Git's tags.
    pub fn read(
        forge: &dyn Forge,
        registries: &[&dyn Registry],
        table: &Table,
        in_git: &[Version],
    ) -> Result<Self, Error> {
        let published = forge.published()?;
        let mut public = public::stable(&published, &table.release);
        for registry in registries {
            let newest = public.iter().max().cloned();
            public.extend(Indexes { registry: *registry, table }.newest_above(newest.as_ref())?);
        }
        public.sort();
        public.dedup();
        let in_git_alone = in_git.iter().filter(|version| !public.contains(version)).cloned().collect();
        let latest = |registry: &&dyn Registry| Indexes { registry: *registry, table }.latest();
        Ok(Self {
            forge: forge_latest(forge, &published, table)?,
            registries: registries.iter().map(latest).collect::<Result<_, _>>()?,
            public,
            in_git_alone,
        })
    }

    /// The newest stable version that is public.
    pub fn newest(&self) -> Option<&Version> {
        self.public.last()
    }

    /// The versions above this one that Git alone has, in a sentence.
    pub fn not_counted(&self, version: &Version) -> Option<String> {
        public::not_counted(&self.in_git_alone.iter().filter(|other| *other > version).collect::<Vec<_>>())
    }
}

fn forge_latest(forge: &dyn Forge, published: &[String], table: &Table) -> Result<Latest, Error> {
    let Some(tag) = forge.latest()? else { return Ok(Latest::Nothing) };
    let public = published.contains(&tag);
    let version = table.release.version_of_tag(&tag).filter(|_| public);
    Ok(version.map_or(Latest::Foreign(tag), Latest::Version))
}

/// The indexes of one project in a registry, which others may write too.
struct Indexes<'a> {
    registry: &'a dyn Registry,
    table: &'a Table,
}

impl Indexes<'_> {
    /// The newest stable version above `floor` whose tag is an index of ours.
    fn newest_above(&self, floor: Option<&Version>) -> Result<Option<Version>, Error> {
        let tags = self.registry.tags()?;
        let mut versions: Vec<Version> =
            tags.iter().filter_map(|tag| self.table.release.version_of_image_tag(tag)).collect();
        versions.retain(|version| version.pre.is_empty() && floor.is_none_or(|floor| version > floor));
        versions.sort();
        for (tried, version) in versions.into_iter().rev().enumerate() {
            if tried == FOREIGN {
                let registry = self.registry.name();
                return Err(Error::Foreign { registry, tag: version.to_string() });
            }
            if self.version_at(&version.to_string())?.as_ref() == Some(&version) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    fn latest(&self) -> Result<Latest, Error> {
        let Some(digest) = self.registry.resolve(LATEST)? else { return Ok(Latest::Nothing) };
        let version = match self.version_of(digest)? {
            // What an index says of itself is easily copied: the version's own tag has to be it.
            Some(version) if self.registry.resolve(&version.to_string())? == Some(digest) => Some(version),
            _ => None,
        };
        Ok(version.map_or_else(|| Latest::Foreign(digest.to_string()), Latest::Version))
    }

    fn version_at(&self, tag: &str) -> Result<Option<Version>, Error> {
        self.registry.resolve(tag)?.map_or(Ok(None), |digest| self.version_of(digest))
    }

    /// The version that an index of ours says it is of; `None` for all else.
    fn version_of(&self, digest: Digest) -> Result<Option<Version>, Error> {
        let bytes = match self.registry.manifest(digest) {
            // One that has its digest by another algorithm than ours.
            Err(registry::Error::Missing { .. }) => return Ok(None),
            other => other?,
        };
        let index: Option<oci::Index> = serde_json::from_slice(&bytes).ok().filter(|_| Digest::of(&bytes) == digest);
        Ok(index.and_then(|index| {
            let says = |name: &str| index.annotations.get(name).map(String::as_str);
            let source = format!("https://github.com/{}", self.table.forge.github.get_ref());
            let ours = says(annotation::SOURCE).is_some_and(|found| found.eq_ignore_ascii_case(&source));
            self.table.release.version_of_image_tag(says(annotation::VERSION)?).filter(|_| ours)
        }))
    }
}
