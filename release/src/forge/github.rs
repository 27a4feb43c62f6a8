//! The forge `github:OWNER/REPOSITORY`: GitHub's REST API for releases.
//!
//! Written on [`crate::http`]: client crates repeat what must not happen twice, and read whole files into memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Asset, Draft, Error, Forge, Kept, Release, Statements, Tagged, Upload};
use crate::digest::Digest;
use crate::http::{self, Body, Client, Method, Repeat, Request, Response};
use crate::lock::Lock;
use crate::progress::Progress;

mod api;
mod assets;
mod attestations;
mod issues;
mod once;
mod refusal;
mod repository;
mod settings;
mod token;

pub use issues::{Closing, Comment, Issue, NewIssue};
pub use repository::{NotARepository, Repository};
pub use settings::Settings;
pub use token::{Token, Variables};

/// Of a hundred entries each; no list is longer.
const PAGES: usize = 200;
/// The version of the API that the types in `api` are of.
const API_VERSION: &str = "2022-11-28";
const JSON: &str = "application/vnd.github+json";
/// GitHub asks for this much time between requests that change something.
const BETWEEN_CHANGES: Duration = Duration::from_secs(1);
/// So often is something looked for that may be there and not visible yet.
const VISIBILITY_ATTEMPTS: u32 = 4;
/// So often is something made that was looked for and is not there.
const TRIES: u32 = 4;

/// A repository on GitHub, by the releases API. It caches answers while nothing is written.
#[derive(Debug)]
pub struct Github {
    client: Client,
    api: Url,
    repository: Repository,
    token: Option<Token>,
    /// The upload URL of each release that was read.
    uploads: RefCell<BTreeMap<u64, Url>>,
    changed: Cell<Option<SystemTime>>,
    /// `None` where something is to be changed.
    looking: Option<Looking>,
    /// The assets of each release as they were listed last.
    assets: RefCell<BTreeMap<u64, Vec<api::Asset>>>,
}

/// Answers that are cached while nothing is changed. Without a token GitHub allows sixty requests an hour.
#[derive(Debug, Default)]
struct Looking {
    /// The releases.
    listed: RefCell<Option<Vec<api::Release>>>,
    /// The token is of no use; what everybody sees is seen without it.
    anonymous: Cell<bool>,
    /// The token has shown something of the repository: what it does not show is not there.
    sees: Cell<bool>,
}

impl Github {
    /// Reaches a repository with what this process's environment says of API and token; nothing is asked yet.
    pub fn open(repository: Repository, progress: &Progress) -> Result<Self, Error> {
        let client = Client::new()?.with_progress(progress);
        Self::new(repository, client, &|name| std::env::var(name).ok())
    }

    /// The same with a client and an environment of the caller's.
    pub fn new(repository: Repository, client: Client, variables: &Variables<'_>) -> Result<Self, Error> {
        let api = repository::api(variables)?;
        let token = Token::find(&api, variables);
        let (uploads, changed, assets) = (RefCell::default(), Cell::default(), RefCell::default());
        Ok(Self { client, api, repository, token, uploads, changed, looking: None, assets })
    }

    /// For commands that change nothing: each list is read once, and where the token is of no use, public releases are read
    /// without it. (A publisher must not take the public releases for all releases: drafts are hidden.)
    #[must_use]
    pub fn for_looking(self) -> Self {
        Self { looking: Some(Looking::default()), ..self }
    }

    /// Asks once and does not wait: for what is of use, and can be done without.
    #[must_use]
    pub fn without_patience(self) -> Self {
        Self { client: self.client.with_attempts(1), ..self }
    }

    /// The repository.
    pub const fn repository(&self) -> &Repository {
        &self.repository
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/repos/{}{rest}", self.api.as_str().trim_end_matches('/'), self.repository)
    }

    fn request(&self, method: Method, url: &str) -> Request<'_> {
        let request = Request::new(method, url).header("Accept", JSON).header("X-GitHub-Api-Version", API_VERSION);
        match &self.token {
            Some(token) if !self.is_anonymous() => request.bearer(&token.secret),
            _ => request,
        }
    }

    fn is_anonymous(&self) -> bool {
        self.token.is_none() || self.looking.as_ref().is_some_and(|looking| looking.anonymous.get())
    }

    /// Reads; where the token is of no use and nothing is to be changed, once more without it.
    fn look<T>(&self, read: impl Fn() -> Result<Option<T>, http::Error>) -> Result<Option<T>, http::Error> {
        let first = read();
        let Some(looking) = self.looking.as_ref().filter(|_| !self.is_anonymous()) else { return first };
        match first {
            Err(error) if matches!(error.status(), Some(401 | 403)) && !error.is_limit() => {
                looking.anonymous.set(true);
                read().map_err(|_anonymous| error)
            }
            // To a token that may not see a repository GitHub says that there is none, a public one included.
            Ok(None) if !looking.sees.get() => {
                looking.anonymous.set(true);
                let found = read();
                looking.anonymous.set(matches!(found, Ok(Some(_))));
                if looking.anonymous.get() { found } else { Ok(None) }
            }
            other => {
                looking.sees.set(looking.sees.get() || other.is_ok());
                other
            }
        }
    }

    /// A document, and where the next page of it is; `None` for 404.
    fn page<T: DeserializeOwned>(&self, doing: &'static str, url: &str) -> Result<Option<(T, Option<String>)>, Error> {
        let answer = self.look(|| {
            let request = self.request(Method::GET, url).repeat(Repeat::Safe).accept_status(&[404]);
            let response = self.client.send(&request)?;
            if response.status() == 404 {
                return Ok(None);
            }
            let next = response.next_page()?;
            Ok(Some((response.json()?, next)))
        });
        answer.map_err(|error| self.refused(doing, error))
    }

    /// A document; `None` for 404.
    fn read<T: DeserializeOwned>(&self, doing: &'static str, url: &str) -> Result<Option<T>, Error> {
        Ok(self.page(doing, url)?.map(|(document, _)| document))
    }

    /// All pages of a list; `None` where there is no list.
    fn pages<T: DeserializeOwned>(&self, doing: &'static str, url: &str) -> Result<Option<Vec<T>>, Error> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mark = if url.contains('?') { '&' } else { '?' };
        let mut next = Some(format!("{url}{mark}per_page=100"));
        while let Some(url) = next {
            let Some((page, more)) = self.page::<Vec<T>>(doing, &url)? else {
                let reason = || format!("cannot {doing}: the list is incomplete: its next page {url} does not exist");
                // A release that is missing from a list may still exist.
                return if seen.is_empty() {
                    Ok(None)
                } else {
                    Err(Error::Broken { path: self.name(), reason: reason() })
                };
            };
            found.extend(page);
            if !seen.insert(url) {
                return Err(Error::Broken { path: self.name(), reason: format!("cannot {doing}: a page leads back") });
            }
            if seen.len() > PAGES {
                let reason = format!("cannot {doing}: there are more than {PAGES} pages");
                return Err(Error::Broken { path: self.name(), reason });
            }
            next = more;
        }
        Ok(Some(found))
    }

    /// A request that changes something, no sooner than GitHub wants it after the one before.
    fn change<'r>(&'r self, request: &'r Request<'r>) -> Result<Response<'r>, http::Error> {
        let clock = self.client.clock();
        if let Some(before) = self.changed.get() {
            let since = clock.now().duration_since(before).unwrap_or_default();
            clock.sleep(BETWEEN_CHANGES.saturating_sub(since));
        }
        let answer = self.client.send(request);
        self.changed.set(Some(clock.now()));
        answer
    }

    fn body(document: &serde_json::Value) -> Body<'static> {
        Body::Bytes(document.to_string().into_bytes(), "application/json")
    }

    /// Sets fields of a release; the same once more changes nothing more.
    fn patch(&self, doing: &'static str, id: u64, fields: &serde_json::Value) -> Result<api::Release, Error> {
        let url = self.url(&format!("/releases/{id}"));
        let request = self.request(Method::PATCH, &url).body(Self::body(fields)).repeat(Repeat::Safe);
        self.change(&request).and_then(Response::json).map_err(|error| self.refused(doing, error))
    }

    /// All releases, drafts among them where the token may see those.
    fn listed(&self) -> Result<Vec<api::Release>, Error> {
        let seen = self.looking.as_ref().and_then(|looking| looking.listed.borrow().clone());
        if let Some(seen) = seen {
            return Ok(seen);
        }
        let all = self.pages::<api::Release>("list the releases", &self.url("/releases"))?;
        let all = all.ok_or_else(|| self.missing_repository())?;
        for release in &all {
            self.remember_upload_url(release)?;
        }
        if let Some(looking) = &self.looking {
            looking.listed.replace(Some(all.clone()));
        }
        Ok(all)
    }

    fn missing_repository(&self) -> Error {
        let what = format!("repository that {} may see", self.token.as_ref().map_or("everybody", |_| "this token"));
        Error::Missing { forge: self.name(), what }
    }

    /// Remembers where a release takes its assets: a server of GitHub's, as the token goes there.
    fn remember_upload_url(&self, release: &api::Release) -> Result<(), Error> {
        let template = release.upload_url.split('{').next().unwrap_or_default();
        let broken = |reason| Error::Broken { path: format!("{}: upload_url {template:?}", self.name()), reason };
        let url = Url::parse(template).map_err(|e| broken(e.to_string()))?;
        if !repository::is_own(&self.api, &url) {
            return Err(broken("leads to another server".to_owned()));
        }
        self.uploads.borrow_mut().insert(release.id, url);
        Ok(())
    }

    fn describe(&self, release: api::Release) -> Result<Release, Error> {
        Ok(Release {
            id: release.id.to_string(),
            assets: self.assets_of(&release)?,
            tag: release.tag_name,
            draft: release.draft,
            prerelease: release.prerelease,
            immutable: release.immutable,
            notes: api::notes(release.body.as_deref()),
        })
    }

    fn pause(&self, look: u32) {
        self.client.clock().sleep(Duration::from_secs(1 << look.min(5)));
    }
}

/// Ids are GitHub's numbers.
fn number(id: &str) -> Result<u64, Error> {
    id.parse().map_err(|_no_number| Error::Name { name: id.to_owned() })
}

impl Forge for Github {
    fn name(&self) -> String {
        format!("github:{}", self.repository)
    }

    /// GitHub has no locks. What may happen once is looked for before and after it is done, a second draft of a tag is found
    /// before anything is public, and the workflow publishes one release at a time.
    fn lock(&self, _waiting: &dyn Fn(&str)) -> Result<Option<Lock>, Error> {
        Ok(None)
    }

    fn tagged(&self, tag: &str) -> Result<Tagged, Error> {
        let doing = "read the tag";
        let url = self.url(&format!("/git/ref/tags/{tag}"));
        let Some(found) = self.read::<api::Reference>(doing, &url)? else { return Ok(Tagged::Missing) };
        let mut object = found.object;
        // An annotated tag is an object of its own, and may be of another one.
        for _ in 0..VISIBILITY_ATTEMPTS {
            if object.kind != "tag" {
                break;
            }
            let url = self.url(&format!("/git/tags/{}", object.sha));
            let found = self.read::<api::AnnotatedTag>(doing, &url)?;
            object = found.ok_or_else(|| Error::Missing { forge: self.name(), what: format!("tag {tag}") })?.object;
        }
        Ok(Tagged::At(object.sha))
    }

    fn statements(&self, about: Digest, kind: Kept) -> Result<Option<Statements>, Error> {
        self.kept(about, kind).map(Some)
    }

    fn tag_object(&self, tag: &str) -> Result<Option<String>, Error> {
        let found = self.read::<api::Reference>("read the tag", &self.url(&format!("/git/ref/tags/{tag}")))?;
        Ok(found.map(|found| found.object.sha))
    }

    fn releases(&self, tag: &str) -> Result<Vec<Release>, Error> {
        self.listed()?.into_iter().filter(|r| r.tag_name == tag).map(|r| self.describe(r)).collect()
    }

    fn published(&self) -> Result<Vec<String>, Error> {
        Ok(self.listed()?.into_iter().filter(|r| !r.draft).map(|r| r.tag_name).collect())
    }

    fn latest(&self) -> Result<Option<String>, Error> {
        let latest = self.read::<api::Release>("read the latest release", &self.url("/releases/latest"))?;
        Ok(latest.map(|release| release.tag_name))
    }

    fn picks_latest(&self) -> bool {
        true
    }

    fn create_draft(&self, draft: &Draft) -> Result<String, Error> {
        let doing = "create a draft";
        let fields = json!({
            "tag_name": draft.tag, "name": draft.tag, "body": draft.notes, "draft": true,
            "prerelease": draft.prerelease, "make_latest": "false",
        });
        // Two drafts of one tag are worse than none.
        let look = || Ok(self.listed()?.into_iter().find(|release| release.tag_name == draft.tag));
        let read = |response: Response<'_>| response.json::<api::Release>();
        let made = self.once(doing, &self.url("/releases"), &fields, read, look)?;
        self.remember_upload_url(&made).map(|()| made.id.to_string())
    }

    /// `draft` is not among the fields: it would take a release back that went public meanwhile.
    fn update_draft(&self, id: &str, draft: &Draft) -> Result<(), Error> {
        let fields = json!({"name": draft.tag, "body": draft.notes, "prerelease": draft.prerelease});
        self.patch("correct the draft", number(id)?, &fields).map(drop)
    }

    fn upload(&self, id: &str, upload: Upload<'_>, on_progress: &dyn Fn(u64)) -> Result<(), Error> {
        self.upload_asset(number(id)?, upload, on_progress)
    }

    fn delete_asset(&self, id: &str, name: &str) -> Result<(), Error> {
        self.assets(number(id)?)?.into_iter().filter(|a| a.name == name).try_for_each(|a| self.remove(a.id))
    }

    fn wait_for_visibility(&self, attempt: u32) -> bool {
        if attempt < VISIBILITY_ATTEMPTS {
            self.pause(attempt);
        }
        attempt < VISIBILITY_ATTEMPTS
    }

    fn publish(&self, id: &str) -> Result<(), Error> {
        let fields = json!({"draft": false, "make_latest": "false"});
        let release = self.patch("make the release public", number(id)?, &fields)?;
        let what = || format!("public release {} after it was published", release.tag_name);
        if release.draft { Err(Error::Missing { forge: self.name(), what: what() }) } else { Ok(()) }
    }

    fn set_latest(&self, id: &str) -> Result<(), Error> {
        self.patch("make the release latest", number(id)?, &json!({"make_latest": "true"})).map(drop)
    }

    fn download(&self, release: &Release, name: &str, to: &Path) -> Result<(), Error> {
        self.download_asset(release, name, to)
    }
}
