//! Words of the table that may not be empty, lists that may not, and what may stand in them only once.

use std::collections::BTreeSet;
use std::ops::Range;

use super::contents::Contents;
use super::problem::Problem;
use crate::registry::Reference;
use crate::table::{Build, Image, Native, Program, Spanned, Supply, Table, Target};
use crate::triple::Os;

/// A word of the table, where it stands, and what it is the same as.
struct Word<'a> {
    text: &'a str,
    span: Option<Range<usize>>,
    key: String,
}

impl<'a> Word<'a> {
    fn new(text: &'a str, span: Option<Range<usize>>) -> Self {
        Self { text, span, key: text.to_owned() }
    }

    fn of(spanned: &'a Spanned<String>) -> Self {
        Self::new(spanned.get_ref(), Some(spanned.span()))
    }
}

impl Contents<'_> {
    /// Everything that is empty, or there twice.
    pub(super) fn lists(&self) -> Vec<Problem> {
        let table = &self.source.table;
        let mut problems: Vec<Problem> = table.targets.iter().flat_map(target).collect();
        problems.extend(table.release.cachix.iter().filter_map(|name| empty("release.cachix", name, None)));
        problems.extend(build(&table.build));
        problems.extend(table.image.iter().flat_map(repositories));
        problems.extend(table.native.iter().flat_map(native));
        let named = |of: fn(&Native) -> Option<&str>| {
            let words = table.native.iter().filter_map(move |native| Some((of(native)?, native.name.span())));
            words.map(|(text, span)| Word::new(text, Some(span))).collect()
        };
        problems.extend(words("the names of [[native]]", named(|native| Some(native.name.get_ref().as_str()))));
        problems.extend(words("`env` of [[native]]", named(|native| native.env.as_deref())));
        problems.extend(programs(table));
        let models = table.models.iter().map(|model| Word::new(&model.name, None)).collect();
        problems.extend(words("the names in models.json", models));
        problems
    }
}

/// Packages, and first words of file names; where case does not count, files of two programs would be one.
fn programs(table: &Table) -> Vec<Problem> {
    let spans = std::iter::once(table.release.name.span()).chain(table.products.iter().map(|p| p.name.span()));
    let all: Vec<(Program<'_>, Range<usize>)> = table.programs().zip(spans).collect();
    let word = |text, span: &Range<usize>| Word { key: str::to_lowercase(text), ..Word::new(text, Some(span.clone())) };
    let names = words("the programs", all.iter().map(|(program, span)| word(program.name(), span)).collect());
    if !names.is_empty() {
        return names;
    }
    words("`asset` of the programs", all.iter().map(|(program, span)| word(program.asset(), span)).collect())
}

fn target(target: &Target) -> Vec<Problem> {
    let (triple, span) = (target.triple.get_ref(), target.triple.span());
    let mut problems = Vec::new();
    if target.libs.is_empty() {
        let message = format!("`libs` of {triple} is empty, and every program loads a library of its system");
        let hint = "list those that it may load; `sayna-release audit` names what a program asks for";
        problems.push(Problem::new("list-empty", message).hint(hint).at(span.clone()));
    }
    let library = |name: &'_ String| {
        // Windows finds a library by its name in any case.
        if triple.os() == Os::Windows { name.to_ascii_lowercase() } else { name.clone() }
    };
    let libs =
        target.libs.iter().map(|name| Word { text: name, span: Some(span.clone()), key: library(name) }).collect();
    problems.extend(words(&format!("`libs` of {triple}"), libs));
    problems.extend(words(&format!("`features` of {triple}"), target.features.iter().map(Word::of).collect()));
    problems.extend(empty(&format!("`runner` of {triple}"), &target.runner, Some(span)));
    problems
}

fn build(build: &Build) -> Vec<Problem> {
    let mut problems = words("build.unset", build.unset.iter().map(|name| Word::new(name, None)).collect());
    let remap = [&build.remap.source, &build.remap.cargo, &build.remap.target];
    problems.extend(words("build.remap", remap.into_iter().map(|folder| Word::new(folder, None)).collect()));
    let flags = [Os::Linux, Os::Macos, Os::Windows].into_iter().flat_map(|os| build.rustflags.of(os));
    // A flag may be there twice: `-C` stands before each option of its own.
    problems.extend(flags.filter_map(|flag| empty("build.rustflags", flag, None)));
    problems
}

/// Two names of one repository would be pushed to and read twice. What is no repository has a finding of its own.
fn repositories(image: &Image) -> Vec<Problem> {
    let word = |repository: &'_ Spanned<String>| {
        let reference: Option<Reference> = repository.get_ref().parse().ok();
        let key = reference.map(|reference| {
            let host = reference.host().to_ascii_lowercase();
            format!("{}/{}", host.strip_suffix(":443").unwrap_or(&host), reference.path())
        });
        key.unwrap_or_else(|| repository.get_ref().clone())
    };
    let all =
        image.repositories.iter().map(|repository| Word { key: word(repository), ..Word::of(repository) }).collect();
    words("image.repositories", all)
}

fn native(native: &Native) -> Vec<Problem> {
    let (name, span) = (native.name.get_ref(), native.name.span());
    let mut problems = words(&format!("`allow` of {name}"), native.allow.iter().map(Word::of).collect());
    let mut check = |key: &str, text: &str| {
        problems.extend(empty(&format!("`{key}` of {name}"), text, Some(span.clone())));
    };
    check("version", &native.version);
    if let Supply::Download(download) = &native.supply {
        check("url", &download.url);
        download.licences.iter().for_each(|file| check("licences", file));
        download.names.values().for_each(|word| check("names", word));
    }
    problems
}

/// The problems of one list of words.
fn words(list: &str, words: Vec<Word<'_>>) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for Word { text, span, key } in words {
        problems.extend(empty(list, text, span.clone()));
        if !text.trim().is_empty() && !seen.insert(key) {
            let message = format!("{list}: {text:?} is there already");
            let problem = Problem::new("value-twice", message).hint("keep one of the two");
            problems.push(placed(problem, span));
        }
    }
    problems
}

fn empty(what: &str, text: &str, span: Option<Range<usize>>) -> Option<Problem> {
    let problem = || Problem::new("value-empty", format!("{what}: a value is empty")).hint("write it, or take it out");
    text.trim().is_empty().then(|| placed(problem(), span))
}

fn placed(problem: Problem, span: Option<Range<usize>>) -> Problem {
    match span {
        Some(span) => problem.at(span),
        None => problem,
    }
}
