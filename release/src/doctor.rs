//! Doctor: what would stop a release and can be seen before its tag is pushed, each with its remedy.
//!
//! It changes nothing: where only trying shows whether something is allowed, what is tried is undone at once.

use serde::Serialize;

use crate::forge::{self, Github};
use crate::http::Client;
use crate::plan::PlanReport;
use crate::progress::Progress;
use crate::table::Table;

mod hub;
mod outside;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing stands in the way here.
    Ok,
    /// A release would stop here.
    Failed,
    /// It cannot be seen from here, or not by this token.
    NotSeen,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Stable name for machines.
    pub id: &'static str,
    /// The claim, for people.
    pub title: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// The evidence.
    pub evidence: String,
    /// The next step, where there is one.
    pub remedy: Option<String>,
}

/// The checks of one run of `doctor`, in order.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The tag that would be released.
    pub tag: String,
    /// In order.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing was found that would stop a release.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|c| c.verdict != Verdict::Failed)
    }
}

/// The result of one check.
struct Finding {
    verdict: Verdict,
    evidence: String,
    remedy: Option<String>,
}

fn fine(evidence: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Ok, evidence: evidence.into(), remedy: None }
}

fn failed(evidence: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Failed, evidence: evidence.into(), remedy: Some(remedy.into()) }
}

fn unseen(evidence: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::NotSeen, evidence: evidence.into(), remedy: None }
}

impl Finding {
    fn of(self, id: &'static str, title: &'static str) -> Check {
        Check { id, title, verdict: self.verdict, evidence: self.evidence, remedy: self.remedy }
    }
}

/// The value of an environment variable; a closure, so that tests need not change their own environment.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Looks at everything.
pub fn run(
    made: &PlanReport,
    table: &Table,
    variables: &Variables<'_>,
    progress: &Progress,
) -> Result<Report, forge::Error> {
    let task = progress.spinner("looking");
    let client = || Ok::<_, forge::Error>(Client::new()?.with_progress(progress));
    let github = Github::new(table.forge.github.get_ref().parse()?, client()?, variables)?;
    let mut checks = vec![plan(made).of("plan", "the checkout can be released, once it is tagged")];
    let settings = github.settings();
    // A workflow's job has the rights that it needs itself: that another one may write is not seen in this one.
    let in_workflow = variables("GITHUB_ACTIONS").is_some_and(|v| v == "true");
    task.note("asking the forge");
    checks.push(hub::token(&github, &settings, in_workflow).of("token", "the token may publish"));
    checks.push(hub::tag(&github, made).of("tag", "the tag's name is free, or at this commit"));
    checks.push(hub::immutable(&settings).of("immutable", "published releases do not change"));
    for repository in table.image.iter().flat_map(|i| &i.repositories) {
        task.note(&format!("asking {}", repository.get_ref()));
        let found = outside::registry(repository.get_ref(), &made.plan.version, progress);
        checks.push(found.of("registry", "the registry takes our images"));
    }
    checks.push(outside::runners(table).of("runners", "GitHub has the runners"));
    let client = client()?;
    if let Some(name) = &table.release.cachix {
        task.note("asking the cache");
        checks.push(outside::cachix(&client, name, variables).of("cachix", "the Nix cache is there"));
    }
    task.note("asking for the pins");
    checks.push(outside::pins(&client, made, variables).of("pins", "pinned downloads can be fetched"));
    Ok(Report { tag: made.plan.tag.clone(), checks })
}

/// Problems that only the tag solves do not count before there is one.
fn plan(made: &PlanReport) -> Finding {
    let counted: Vec<_> = made.problems.iter().filter(|p| !matches!(p.kind, "head-untagged" | "tag-missing")).collect();
    match counted.as_slice() {
        [] => fine(format!("{}: {} targets", made.plan.tag, made.plan.targets.len())),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            failed(format!("{}{more}", first.message), "`sayna-release plan` shows all of them, and what to do")
        }
    }
}
