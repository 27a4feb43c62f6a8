//! Watch: looks at the newest public release again, as a stranger does, and keeps one issue of what it finds.
//!
//! seen(verify, SBOMs, advisories) gives the wanted issue; wanted − open issues = actions ([`diff`]). A second run with the
//! same finding writes nothing. What could not be seen is no finding, and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;
use serde_json::Value;

use crate::atomic::PathError;
use crate::attest::{self, Bundle, Predicate, Trust};
use crate::bounded;
use crate::forge::github::NewIssue;
use crate::forge::{self, Forge, Github};
use crate::http::{self, Client};
use crate::name::{self, Tag};
use crate::table::Release;
use crate::verify::{self, Request, Row, Verdict};

pub mod advisories;
mod diff;
mod sboms;
mod text;
mod vex;

pub use advisories::Advisory;
pub use diff::{Action, Seen, Wanted, diff};
pub use sboms::Components;
pub use vex::Vex;

/// The label of each issue of the watch. Strangers cannot set labels.
pub const LABEL: &str = "release-watch";
/// The account that a workflow's own token acts as.
pub const AUTHOR: &str = "github-actions[bot]";

/// The reason why nothing is known of the release, or why the issue was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The forge could not be read or written.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// A local file.
    #[error(transparent)]
    File(#[from] PathError),
    /// The roots, or a bundle of a release that passed.
    #[error(transparent)]
    Attest(#[from] attest::Error),
    /// Rows that could not be seen.
    #[error("{tag}: not seen: {}; the issue stays as it is", rows.join("; "))]
    Unseen {
        /// The release.
        tag: String,
        /// Title and reason of each.
        rows: Vec<String>,
    },
    /// A document that is no SBOM.
    #[error("{document}: not an SBOM: {reason}")]
    Sbom {
        /// The document.
        document: String,
        /// The problem.
        reason: String,
    },
    /// A release without any component would always be without findings.
    #[error("{tag}: its SBOMs name no component")]
    Empty {
        /// The release.
        tag: String,
    },
    /// The advisory service could not be asked.
    #[error("the advisory service did not answer: {0}")]
    Advisories(#[from] http::Error),
    /// Its answer is not of its form.
    #[error("{service} {reason}")]
    Service {
        /// The service.
        service: String,
        /// The problem.
        reason: String,
    },
    /// Not a VEX document.
    #[error("{}: not an OpenVEX document: {reason}", path.display())]
    Vex {
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },
    /// An issue with marker and label that another account opened.
    #[error("issue #{number} has the marker and the label of the watch, and is of {author:?}, expected {expected:?}")]
    Foreign {
        /// The issue.
        number: u64,
        /// Its author.
        author: String,
        /// The account that the watch acts as.
        expected: String,
    },
    /// The token may open issues and not label them.
    #[error(
        "issue #{number} was opened by {author:?} with the labels {labels:?}, expected {expected:?} with {LABEL:?}"
    )]
    Opened {
        /// The issue, closed again.
        number: u64,
        /// Its author.
        author: String,
        /// Its labels.
        labels: Vec<String>,
        /// The account that the watch acts as.
        expected: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Forge(error) => error.hint(),
            Self::Advisories(error) => error.hint(),
            Self::Attest(error) => error.hint(),
            Self::File(_) => None,
            Self::Foreign { author, .. } => Some(format!(
                "pass --author {author:?} where that is this token's account; else remove the label from the issue"
            )),
            Self::Opened { .. } => Some(
                "use a token with issues: write, and --author with its account: docs/release/when-it-fails.md#watch"
                    .to_owned(),
            ),
            _ => Some("docs/release/when-it-fails.md#watch".to_owned()),
        }
    }
}

/// A row of `verify` that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRow {
    /// Stable name for machines.
    pub id: &'static str,
    /// For people.
    pub title: &'static str,
    /// The problem.
    pub evidence: String,
}

/// Everything that was seen of one release.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The release's tag.
    pub tag: String,
    /// Rows that do not hold.
    pub rows: Vec<FailedRow>,
    /// Advisories that count.
    pub advisories: Vec<Advisory>,
    /// Ids of advisories that a VEX statement excuses.
    pub excused: Vec<String>,
    /// The SBOMs that were read.
    pub sboms: BTreeSet<String>,
    /// Components that the service was asked about.
    pub components: usize,
    /// Components that the service does not know: system libraries, native inputs, crates from Git.
    pub not_covered: BTreeSet<String>,
}

impl Finding {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.rows.is_empty() && self.advisories.is_empty()
    }
}

/// The result of a run of `watch`.
#[derive(Debug, Serialize)]
pub struct Watched {
    /// The forge's name.
    pub forge: String,
    /// What was found; `null` where nothing is public.
    pub finding: Option<Finding>,
    /// What was done to the issue, or with `--dry-run` would be.
    pub actions: Vec<Action>,
    /// Nothing was changed.
    pub dry_run: bool,
}

/// The newest public version of a forge: the newest stable one, and without any the newest pre-release.
pub fn newest(forge: &dyn Forge, release: &Release) -> Result<Option<String>, forge::Error> {
    let tags = forge.published()?;
    let versions = || tags.iter().filter_map(|tag| release.version_of_tag(tag));
    let stable: Option<Version> = versions().filter(|version| version.pre.is_empty()).max();
    Ok(stable.or_else(|| versions().max()).map(|version| Tag::of(&version).to_string()))
}

/// The advisory service, and what is said of its advisories.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    /// For its API.
    pub client: &'a Client,
    /// Its address.
    pub url: &'a str,
    /// Statements that excuse advisories.
    pub vex: Option<&'a Vex>,
}

/// Verifies a release and asks for advisories on its components. `folder` is for downloads and belongs to the caller.
pub fn look(request: Request<'_>, service: Service<'_>, folder: &Path) -> Result<Finding, Error> {
    let report = verify::run(request, folder);
    let tag = report.tag.clone();
    let unseen = |row: &&Row| row.verdict == Verdict::NotSeen;
    let rows: Vec<String> =
        report.rows.iter().filter(unseen).map(|row| format!("{} ({})", row.title, row.evidence)).collect();
    if !rows.is_empty() {
        return Err(Error::Unseen { tag, rows });
    }
    // The folder has another name in each run.
    let place = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
    let failed = |row: &&Row| row.verdict == Verdict::Failed;
    let row = |row: &Row| FailedRow { id: row.id, title: row.title, evidence: row.evidence.replace(&place, "") };
    let rows: Vec<FailedRow> = report.rows.iter().filter(failed).map(row).collect();
    let components = components(&request, rows.is_empty(), &folder.join("assets"))?;
    if rows.is_empty() && components.known.is_empty() && components.not_covered.is_empty() {
        return Err(Error::Empty { tag });
    }
    let found = advisories::of(&components, service.client, service.url)?;
    let counts = |advisory: &Advisory| !service.vex.is_some_and(|vex| vex.excuses(advisory));
    let (advisories, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(counts);
    let excused = rest.into_iter().map(|advisory| advisory.id).collect();
    let Components { known, not_covered, documents } = components;
    Ok(Finding { tag, rows, advisories, excused, sboms: documents, components: known.len(), not_covered })
}

/// The components of every SBOM that `verify` has downloaded, and of those inside of attestations, where the image's is. Of a
/// release that did not pass, documents that cannot be read are left out: its rows say so.
fn components(request: &Request<'_>, passed: bool, assets: &Path) -> Result<Components, Error> {
    let mut found = Components::default();
    let mut names: Vec<PathBuf> = match std::fs::read_dir(assets) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        // Nothing was downloaded of it.
        Err(_) => Vec::new(),
    };
    names.sort();
    for path in names {
        let Some(document) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        let added = if document.ends_with(name::SBOM) {
            sbom(&path, &document).map(|sbom| found.add(&document, &sbom))
        } else if document.ends_with(name::BUNDLES) {
            attested(request, &path, &mut found)
        } else {
            continue;
        };
        match added {
            Err(error) if passed => return Err(error),
            _ => {}
        }
    }
    Ok(found)
}

fn sbom(path: &Path, document: &str) -> Result<Value, Error> {
    let bytes = bounded::read(path, bounded::DOCUMENT)?;
    let broken = |e: serde_json::Error| Error::Sbom { document: document.to_owned(), reason: e.to_string() };
    serde_json::from_slice(&bytes).map_err(broken)
}

/// The SBOMs that are signed statements, under the names of what they are about.
fn attested(request: &Request<'_>, path: &Path, found: &mut Components) -> Result<(), Error> {
    let trust = Trust::new(request.trusted_root)?;
    for bundle in Bundle::read(path)? {
        let attestation = trust.open(&bundle)?;
        if attestation.predicate_type == Predicate::Sbom.uri() {
            let subjects: Vec<&str> = attestation.subjects.iter().map(|subject| subject.name.as_str()).collect();
            found.add(&format!("SBOM of {}", subjects.join(", ")), &attestation.predicate);
        }
    }
    Ok(())
}

/// The issues of the repository, by the account that the watch acts as.
#[derive(Debug, Clone, Copy)]
pub struct Issues<'a> {
    /// The repository.
    pub github: &'a Github,
    /// That account's login.
    pub author: &'a str,
}

impl Issues<'_> {
    /// Compares the finding with the open issues.
    pub fn plan(&self, finding: &Finding) -> Result<Vec<Action>, Error> {
        let wanted = (!finding.is_clean()).then(|| text::issue(finding));
        let issues = self.own()?;
        // Comments matter for what is closed.
        let closes = wanted.is_none() || issues.len() > 1;
        let mut seen = Vec::new();
        for issue in issues {
            let comments = if closes { self.github.comments(issue.number)? } else { Vec::new() };
            let own = comments.into_iter().filter(|comment| comment.author == self.author);
            seen.push(Seen { issue, comments: own.map(|comment| comment.body).collect() });
        }
        Ok(diff(wanted.as_ref(), &seen, &text::settled(&finding.tag)))
    }

    /// The open issues with label and marker. One of another account is an error: this program would open its own again each
    /// time.
    fn own(&self) -> Result<Vec<forge::github::Issue>, Error> {
        let marked = |issue: &forge::github::Issue| issue.body.lines().next() == Some(text::MARKER);
        let labelled = |issue: &forge::github::Issue| issue.labels.iter().any(|label| label == LABEL);
        let mut issues = self.github.issues(LABEL)?;
        issues.retain(|issue| marked(issue) && labelled(issue));
        match issues.iter().find(|issue| issue.author != self.author) {
            Some(issue) => Err(Error::Foreign {
                number: issue.number,
                author: issue.author.clone(),
                expected: self.author.to_owned(),
            }),
            None => Ok(issues),
        }
    }

    /// Executes one action.
    pub fn act(&self, action: &Action) -> Result<(), Error> {
        match action {
            Action::Open(wanted) => self.open(wanted)?,
            Action::Edit { number, wanted } => self.github.edit_issue(*number, &wanted.title, &wanted.body)?,
            Action::Comment { number, body } => self.github.comment(*number, body)?,
            Action::Close { number, why } => self.github.close_issue(*number, *why)?,
        }
        Ok(())
    }

    fn open(&self, wanted: &Wanted) -> Result<(), Error> {
        let new = NewIssue { title: wanted.title.clone(), body: wanted.body.clone(), label: LABEL.to_owned() };
        let is_it =
            |issue: &forge::github::Issue| issue.author == self.author && issue.body.trim() == wanted.body.trim();
        let made = self.github.open_issue(&new, is_it)?;
        if made.author == self.author && made.labels.iter().any(|label| label == LABEL) {
            return Ok(());
        }
        // The next run would not find it, and open another one.
        self.github.close_issue(made.number, forge::github::Closing::NotPlanned)?;
        let expected = self.author.to_owned();
        Err(Error::Opened { number: made.number, author: made.author, labels: made.labels, expected })
    }
}
