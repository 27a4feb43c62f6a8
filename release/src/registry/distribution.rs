//! A real registry `docker://HOST/REPOSITORY`: the OCI distribution specification 1.1.
//!
//! Written on [`crate::http`] and not on a client crate: those that there are change what is sent (a chunk per piece of a
//! stream, a fresh JSON of a manifest) and do not wait when asked to.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::{Error, Kind, Object, Purpose, Registry};
use crate::atomic::At as _;
use crate::digest::Digest;
use crate::http::{Body, Client, Method, ProgressOnce, Repeat, Request, Response};
use crate::lock::Lock;
use crate::oci::{Descriptor, media};
use crate::progress::Progress;

mod challenge;
mod credentials;
mod documents;
mod reference;
mod referrers;
mod session;

pub use credentials::{Error as CredentialsError, Variables};
pub use reference::{NotAReference, Reference};
use session::{Access, Session};

/// Without all of these a registry may answer 404 for an index that it has, or with another document in its place.
const ACCEPT: [&str; 4] = [
    media::INDEX,
    media::MANIFEST,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
/// The largest manifest that registries take, by the specification.
const DOCUMENT: u64 = 4 << 20;
/// So many upload sessions are opened for one blob.
const SESSIONS: u32 = 4;
/// So often is something looked for that was written and is not seen yet.
const VISIBILITY_ATTEMPTS: u32 = 4;
/// Tags per page.
const PAGE: &str = "100";
/// A list has so many pages at most.
const PAGES: usize = 1000;
/// The status of a registry for a missing thing.
const MISSING: [u16; 1] = [404];

/// One repository of a registry, by the OCI distribution API.
#[derive(Debug)]
pub struct Distribution {
    session: Session,
}

/// `GET /v2/<name>/tags/list`
#[derive(Deserialize)]
struct Tags {
    /// It has to be there; `null` where there is no tag.
    #[serde(deserialize_with = "Option::deserialize")]
    tags: Option<Vec<String>>,
}

impl Distribution {
    /// Reaches a repository with the credentials of this process's environment; nothing is asked yet.
    pub fn open(reference: Reference, progress: &Progress) -> Result<Self, Error> {
        let client = Client::new()?.with_progress(progress);
        Ok(Self::new(reference, client, Box::new(|name| std::env::var(name).ok())))
    }

    /// The same with a client and an environment of the caller's.
    pub fn new(reference: Reference, client: Client, variables: Box<Variables>) -> Self {
        Self { session: Session::new(reference, client, variables) }
    }

    /// Reaches a repository as a stranger does: without credentials, whatever this machine has.
    pub fn anonymous(reference: Reference, progress: &Progress) -> Result<Self, Error> {
        let client = Client::new()?.with_progress(progress);
        Ok(Self::new(reference, client, Box::new(|_| None)))
    }

    /// The same, opened for something else than to look.
    #[must_use]
    pub fn for_purpose(self, purpose: Purpose) -> Self {
        Self { session: self.session.for_purpose(purpose) }
    }

    fn url(&self, rest: &str) -> String {
        let reference = self.session.reference();
        format!("{}{}/{rest}", reference.api(), reference.path())
    }

    fn broken(&self, reason: impl Into<String>) -> Error {
        Error::Broken { path: self.name(), reason: reason.into() }
    }

    /// A request that changes nothing; `None` for one of the statuses in `missing`.
    fn read<T>(
        &self,
        method: &Method,
        url: &str,
        missing: &[u16],
        finish: impl Fn(Response<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let make = || {
            let request = Request::new(method.clone(), url).repeat(Repeat::Safe).accept_status(missing);
            request.header("Accept", ACCEPT.join(", "))
        };
        let found = self.session.call(Access::Pull, make, |response| {
            if missing.contains(&response.status()) { Ok(None) } else { finish(response).map(Some) }
        });
        match found {
            // Of a repository that is yet to be made, Quay and Artifactory do not say that it is missing. A refusal that is
            // meant is met again by the first upload.
            Err(Error::Denied { .. }) if self.session.may_be_missing() => Ok(None),
            other => other,
        }
    }

    /// All pages of a list; `None` where the first one is not there, or `page` finds that it is no list. A list that breaks off
    /// later is an error: what is missing from it must not be taken for what is not there.
    fn pages<T>(
        &self,
        first: String,
        missing: &[u16],
        page: impl Fn(Response<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let mut found = Vec::new();
        let mut next = Some(first);
        let mut seen = BTreeSet::new();
        while let Some(url) = next.take() {
            if !seen.insert(url.clone()) || seen.len() > PAGES {
                return Err(self.broken("returned a list without an end: its pages repeat, or are too many"));
            }
            let answer = self.read(&Method::GET, &url, missing, |response| {
                let more = response.next_link().map(|link| self.following(&url, &link)).transpose()?;
                Ok((page(response)?, more))
            })?;
            match answer {
                Some((Some(page), more)) => {
                    found.push(page);
                    next = more;
                }
                _ if found.is_empty() => return Ok(None),
                _ => {
                    return Err(
                        self.broken(format!("returned an incomplete list: its next page, {url}, does not exist"))
                    );
                }
            }
        }
        Ok(Some(found))
    }

    /// The address of the next page. A registry behind a proxy may name itself by another host or path: its place in the list
    /// is then looked up at the address that gave the page before.
    fn following(&self, asked: &str, link: &str) -> Result<String, Error> {
        let wrong = |reason: &str| self.broken(format!("has a list whose next page is at {link:?}: {reason}"));
        let mut here = Url::parse(asked).map_err(|e| self.broken(e.to_string()))?;
        let next = here.join(link).map_err(|e| wrong(&e.to_string()))?;
        if next.origin() == here.origin() && next.path() == here.path() {
            return Ok(next.into());
        }
        let of = |url: &Url, name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, v)| v.into_owned());
        let last = of(&next, "last").ok_or_else(|| wrong("that is another address, and has no parameter `last`"))?;
        let size = of(&next, "n").or_else(|| of(&here, "n"));
        here.query_pairs_mut().clear().extend_pairs(size.map(|n| ("n", n))).append_pair("last", &last);
        Ok(here.into())
    }

    /// A request that changes something; the answer's headers are all there is to read.
    fn write<'m, T>(
        &self,
        make: impl Fn() -> Request<'m>,
        finish: impl Fn(&Response<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = self.session.call(Access::Push, make, |response| finish(&response))?;
        self.session.has_written();
        Ok(done)
    }

    /// Whether a tag leads to a digest, looked for until it does: a registry has more than one machine.
    fn leads(&self, tag: &str, digest: Digest) -> Result<(), Error> {
        for look in 1.. {
            let found = self.resolve(tag)?;
            if found == Some(digest) {
                break;
            }
            if !self.wait_for_visibility(look) {
                let found = found.map_or_else(|| "is not there".to_owned(), |found| format!("leads to {found}"));
                return Err(self.broken(format!("took the tag {tag} for {digest}, and read again it {found}")));
            }
        }
        Ok(())
    }

    /// Uploads a blob. What becomes of a session that broke off cannot be trusted (distribution 2.8 forgets it), so after a
    /// failure the registry is asked whether the blob is there, and if not, everything begins again.
    fn push_blob(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        let once = ProgressOnce::new(on_progress);
        for session in 1.. {
            let error = match self.upload(object, &once) {
                Err(Error::Http(error))
                    if session < SESSIONS && (error.is_ambiguous() || error.status() == Some(404)) =>
                {
                    error
                }
                other => return other,
            };
            if self.has(object)? {
                return Ok(());
            }
            if error.status().is_some() {
                self.session.pause(Duration::from_secs(1 << session));
            }
        }
        Ok(())
    }

    /// Whether our credentials may push: opens an upload and gives it up.
    pub fn try_push(&self) -> Result<(), Error> {
        let location = self.begin()?;
        // To end a session may take the right to delete, which a token for pushing has not, or not be known at all: a
        // registry drops an idle session by itself.
        let give_up = || {
            let request = Request::new(Method::DELETE, location.as_str()).repeat(Repeat::Safe);
            request.accept_status(&[401, 403, 404, 405])
        };
        self.write(give_up, |_| Ok(()))
    }

    /// Opens an upload: where its bytes go.
    fn begin(&self) -> Result<Url, Error> {
        let uploads = self.url("blobs/uploads/");
        // The registry drops idle sessions, so one too many does no harm.
        let begin = || Request::new(Method::POST, &uploads).repeat(Repeat::Safe);
        self.write(begin, |response| {
            let location = response
                .header("location")
                .ok_or_else(|| self.broken("started an upload without a Location header"))?;
            let base = Url::parse(response.url()).map_err(|e| self.broken(e.to_string()))?;
            let location = base.join(location).map_err(|e| self.broken(format!("Location {location:?}: {e}")))?;
            if location.origin() == self.session.reference().api().origin() {
                return Ok(location);
            }
            Err(self
                .broken(format!("redirects uploads to another server, {}", location.origin().ascii_serialization())))
        })
    }

    /// One session: POST, then PUT of the whole. (A PUT without a POST is in the specification, but not in all registries.)
    fn upload(&self, object: &Object, on_progress: &ProgressOnce<'_>) -> Result<(), Error> {
        let mut location = self.begin()?;
        location.query_pairs_mut().append_pair("digest", &object.digest.to_string());
        let content_type = "application/octet-stream";
        let finish = || {
            let body = Body::File { path: &object.from, size: object.size, content_type, on_progress };
            Request::new(Method::PUT, location.as_str()).body(body)
        };
        self.write(finish, |response| self.agrees(response, object.digest))
    }

    /// Stores a document under a digest or a tag, in exactly these bytes; twice is the same as once. With `replacing`, only
    /// in the place of the document that the registry marks so. Gives the subject that the registry says it took note of.
    fn put(&self, name: &str, digest: Digest, bytes: &[u8], replacing: Option<&str>) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Typed {
            media_type: String,
        }
        let typed: Typed = serde_json::from_slice(bytes).map_err(|e| self.broken(format!("manifest {digest}: {e}")))?;
        let url = self.url(&format!("manifests/{name}"));
        let make = || {
            let body = Body::Bytes(bytes.to_vec(), &typed.media_type);
            let request = Request::new(Method::PUT, &url).body(body).repeat(Repeat::Safe);
            replacing.into_iter().fold(request, |request, mark| request.header("If-Match", mark))
        };
        self.write(make, |response| {
            self.agrees(response, digest)?;
            Ok(response.header("oci-subject").map(str::to_owned))
        })
    }

    /// If a registry names the digest that it stored, this must be the digest of the request.
    fn agrees(&self, response: &Response<'_>, sent: Digest) -> Result<(), Error> {
        match response.header("docker-content-digest") {
            Some(stored) if stored.starts_with("sha256:") && stored != sent.to_string() => {
                Err(self.broken(format!("was sent {sent} and says it stored {stored}")))
            }
            _ => Ok(()),
        }
    }
}

impl Registry for Distribution {
    fn name(&self) -> String {
        self.session.reference().to_string()
    }

    /// The protocol has no locks. It needs none for what has a digest: two who push the same release push the same bytes.
    /// A version's tag is read once more before it is set, and publishing and promoting are one at a time in the workflow.
    fn lock(&self, _waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error> {
        Ok(None)
    }

    fn has(&self, object: &Object) -> Result<bool, Error> {
        let kind = if object.kind == Kind::Blob { "blobs" } else { "manifests" };
        let url = self.url(&format!("{kind}/{}", object.digest));
        let size = self.read(&Method::HEAD, &url, &MISSING, |response| {
            let size = response.header("content-length").and_then(|size| size.parse::<u64>().ok());
            response.without_body()?;
            Ok(size)
        })?;
        // Something of another size is something else. Not every server says a size.
        Ok(size.is_some_and(|size| size.is_none_or(|size| size == 0 || size == object.size)))
    }

    fn push(&self, object: &Object, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        if object.kind == Kind::Blob {
            return self.push_blob(object, on_progress);
        }
        let bytes = std::fs::read(&object.from).at("read", &object.from)?;
        self.put(&object.digest.to_string(), object.digest, &bytes, None)?;
        on_progress(object.size);
        Ok(())
    }

    /// None where the repository does not exist yet.
    fn tags(&self) -> Result<Vec<String>, Error> {
        let first = self.url(&format!("tags/list?n={PAGE}"));
        let pages = self.pages(first, &MISSING, |response| Ok(Some(response.json::<Tags>()?)))?;
        Ok(pages.into_iter().flatten().flat_map(|page| page.tags.unwrap_or_default()).collect())
    }

    fn resolve(&self, tag: &str) -> Result<Option<Digest>, Error> {
        let digest = |response: Response<'_>| Ok(response.header("docker-content-digest").and_then(|d| d.parse().ok()));
        match self.read(&Method::HEAD, &self.url(&format!("manifests/{tag}")), &MISSING, digest)? {
            // The header may be left out, or be of another algorithm.
            Some(None) => self.digest_of_document(tag),
            Some(found) => Ok(found),
            None => Ok(None),
        }
    }

    fn tag(&self, tag: &str, digest: Digest) -> Result<(), Error> {
        let bytes = self.manifest(digest)?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(self.broken(format!("has bytes of {found} as {digest}")));
        }
        match self.put(tag, digest, &bytes, None) {
            // The registry may have done it all the same.
            Err(Error::Http(error)) if error.is_ambiguous() => match self.resolve(tag) {
                Ok(Some(found)) if found == digest => Ok(()),
                _ => Err(error.into()),
            },
            other => other.and_then(|_subject| self.leads(tag, digest)),
        }
    }

    fn manifest(&self, digest: Digest) -> Result<Vec<u8>, Error> {
        let missing = || Error::Missing { registry: self.name(), what: format!("manifest {digest}") };
        self.document(&digest.to_string())?.ok_or_else(missing)
    }

    fn download(&self, blob: &Descriptor, to: &Path) -> Result<(), Error> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let saved =
            self.read(&Method::GET, &url, &MISSING, |response| Ok(response.save(to, blob.size).map(|_found| ())?))?;
        saved.ok_or_else(|| Error::Missing { registry: self.name(), what: format!("blob {}", blob.digest) })
    }

    fn referrers(&self, subject: Digest) -> Result<Vec<Descriptor>, Error> {
        self.listed(subject)
    }

    fn attach(&self, manifests: &[&Object]) -> Result<(), Error> {
        self.attach_listed(manifests)
    }

    fn wait_for_visibility(&self, attempt: u32) -> bool {
        if attempt < VISIBILITY_ATTEMPTS {
            self.session.pause(Duration::from_secs(1 << attempt.min(5)));
        }
        attempt < VISIBILITY_ATTEMPTS
    }
}
