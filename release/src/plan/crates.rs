//! Checks the crates that each target would link, where they were downloaded: that they resolve, that each licence is allowed and
//! has a text, and that the releases' compiler is new enough for them. No network is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::problem::Problem;
use super::{Plan, PlannedTarget};
use crate::cargo::Cause;
use crate::graph::{self, Graph};
use crate::licences;

/// Whether crates that are not here may be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// `plan` asks none.
    Never,
    /// `doctor` may.
    Allowed,
}

/// The problems of the crates that the plan's targets link, and the reason where they could not be read.
#[derive(Debug, Default)]
pub struct Linked {
    /// Each stops a release.
    pub problems: Vec<Problem>,
    /// The reason why crates could not be read, which stops nothing here.
    pub unseen: Option<String>,
}

/// Looks at what every target of the plan would link.
pub fn linked(root: &Path, plan: &Plan, network: Network) -> Linked {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut hints = BTreeMap::new();
    let mut unseen = None;
    for target in &plan.targets {
        match look(root, plan, target, network) {
            Ok(()) => {}
            Err(Fault::Unseen(reason)) => unseen = Some(reason),
            Err(Fault::Wrong(message, hint)) => {
                hints.insert(message.clone(), hint);
                found.entry(message).or_default().push(target.triple.to_string());
            }
        }
    }
    let problem = |(message, triples): (String, Vec<String>)| {
        let triples: BTreeSet<String> = triples.into_iter().collect();
        let of = triples.into_iter().collect::<Vec<_>>().join(", ");
        let hint = hints.get(&message).cloned().flatten();
        Problem { hint, ..Problem::new("crates", format!("{message} (linked for {of})")) }
    };
    Linked { problems: found.into_iter().map(problem).collect(), unseen }
}

enum Fault {
    Wrong(String, Option<String>),
    Unseen(String),
}

fn look(root: &Path, plan: &Plan, target: &PlannedTarget, network: Network) -> Result<(), Fault> {
    let graph = match network {
        Network::Never => Graph::resolve_here(root, &target.product, &target.triple, &target.features),
        Network::Allowed => Graph::resolve(root, &target.product, &target.triple, &target.features),
    };
    let graph = graph.map_err(|error| told(&error, target, network))?;
    let old = graph.asking_for_newer_than(&plan.toolchain);
    if let Some((id, least)) = old.first() {
        let message = format!("{id} asks for rustc {least}, and releases are built with {}", plan.toolchain);
        let hint = format!("set release.toolchain to {least} or newer, or take an older version of {}", id.name);
        return Err(Fault::Wrong(message, Some(hint)));
    }
    // deny.toml itself has a finding of its own, and nothing is resolved with that.
    let text = licences::third_party(root, &graph, &[]);
    text.map(|_text| ()).map_err(|error| Fault::Wrong(error.to_string(), error.hint()))
}

fn told(error: &graph::Error, target: &PlannedTarget, network: Network) -> Fault {
    if let graph::Error::Cargo { words, .. } = error
        && network == Network::Never
        && words.cause == Some(Cause::Offline)
    {
        return Fault::Unseen("not all crates were downloaded".to_owned());
    }
    let of = format!(" for {}", target.triple);
    Fault::Wrong(error.to_string().replace(&of, ""), error.hint())
}
