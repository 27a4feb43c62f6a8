//! The table against the package and the files: whether everything it names exists and fits together. Each finding points
//! at its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Component, Path};

use super::package::Package;
use super::problem::{Problem, SHOWN};
use crate::git::{Checkout, Kind, Tracked};
use crate::name::{self, Tag};
use crate::package;
use crate::registry::Reference;
use crate::snippet::nearest;
use crate::table::{Builder, Floor, Program, Source, Spanned, Table, Target};
use crate::triple::{Os, Triple};

/// The inputs that the table is compared with.
pub(super) struct Contents<'a> {
    pub(super) root: &'a Path,
    pub(super) source: &'a Source,
    pub(super) package: &'a Package,
    pub(super) checkout: &'a Checkout,
    /// The files that Git tracks in it.
    pub(super) tracked: &'a [Tracked],
}

impl Contents<'_> {
    /// Everything that is wrong with `[release]`, the targets and the image.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = self.release();
        for target in &self.table().targets {
            problems.extend(self.target(target));
        }
        problems.extend(duplicates(&self.table().targets));
        problems.extend(self.products());
        problems.extend(self.image());
        problems.extend(self.forge());
        problems.extend(self.submodules());
        problems
    }

    fn table(&self) -> &Table {
        &self.source.table
    }

    fn release(&self) -> Vec<Problem> {
        let release = &self.table().release;
        let (name, package) = (release.name.get_ref(), &self.package.name);
        let mut problems = Vec::new();
        if name != package {
            let message = format!("release.name is {name:?}, but the package in Cargo.toml is {package:?}");
            problems.push(
                Problem::new("package-name", message).hint(format!("write name = {package:?}")).at(release.name.span()),
            );
        }
        problems.extend(self.ignored());
        problems.extend(self.table().programs().take(1).flat_map(|server| self.files(server)));
        problems.extend(self.artifact_name(name, release.name.span()));
        problems
    }

    /// A pattern of tags that are no versions must not have this one's.
    fn ignored(&self) -> Option<Problem> {
        let release = &self.table().release;
        let tag = Tag::of(&self.package.version).to_string();
        let pattern = release.ignore_tags.as_ref().filter(|_| release.ignores(&tag))?;
        let message = format!("release.ignore_tags leaves out {tag}, the tag of this version");
        Some(Problem::new("tag-ignored", message).hint("write a pattern of the other tags alone").at(pattern.span()))
    }

    /// The problems of the files that are packed beside a program.
    pub(super) fn files(&self, program: Program<'_>) -> Vec<Problem> {
        let wrong: Vec<Problem> = program.files().iter().filter_map(|file| self.file(file)).collect();
        let wrong: Vec<Problem> = wrong.into_iter().chain(self.tree(program)).collect();
        if wrong.is_empty() { self.names(program).into_iter().collect() } else { wrong }
    }

    /// The files beside the executable and the licences, as `package` puts them into one archive.
    fn names(&self, program: Program<'_>) -> Option<Problem> {
        let own = executables(program, self.source).into_iter();
        let own: BTreeSet<String> = own.chain([name::THIRD_PARTY.to_owned()]).collect();
        let files = program.packed().map(|(name, _)| name);
        let all: Vec<&str> = files.chain(own.iter().map(String::as_str)).collect();
        let refused = package::check_names(&all).err()?;
        let at = match &refused {
            package::Error::Name { name, .. } => {
                program.packed().filter(|(inside, _)| inside.eq_ignore_ascii_case(name)).last().map(|(_, file)| file)
            }
            _ => None,
        };
        let hint = "each name stands once in an archive, beside the executable and THIRD-PARTY-LICENSES";
        let problem = Problem::new("file-twice", refused.to_string()).hint(hint);
        Some(if let Some(file) = at { problem.at(file.span()) } else { problem })
    }

    fn file(&self, file: &Spanned<String>) -> Option<Problem> {
        let name = file.get_ref();
        if !is_inside(name) {
            let message = format!("the file {name:?} is not a path below the top folder");
            let hint = "write it relative to the top folder, without `..` and without a leading `/`";
            return Some(Problem::new("file-outside", message).hint(hint).at(file.span()));
        }
        if let Some(link) = self.link(Path::new(name)) {
            let message = format!("{name:?} is packed from the link {:?}", link.display().to_string());
            let hint =
                "put the file itself there: a checkout on Windows may have a file with the link's target instead";
            return Some(Problem::new("file-link", message).hint(hint).at(file.span()));
        }
        let found = self.root.join(name).metadata().ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            let message = format!("{name:?} is a folder");
            return Some(Problem::new("file-folder", message).hint("list the files in it").at(file.span()));
        }
        if let Some(found) = found.filter(fs::Metadata::is_file) {
            let message = || format!("the licence {name:?} is empty");
            let is_empty = is_licence(name) && found.len() == 0;
            return is_empty.then(|| Problem::new("file-empty", message()).hint("write its text").at(file.span()));
        }
        let folder = self.root.join(name).parent().map(Path::to_owned).unwrap_or_default();
        let there: Vec<String> = fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or(name);
        let hint = nearest(last, there.iter().map(String::as_str)).map_or_else(
            || "add the file, or take it out of the list".to_owned(),
            |near| format!("did you mean {near:?}?"),
        );
        Some(Problem::new("file-missing", format!("there is no file {name:?}")).hint(hint).at(file.span()))
    }

    /// The link that leads to a file: the file itself, or one of the folders above it.
    fn link(&self, file: &Path) -> Option<&Path> {
        let is_link = |entry: &&Tracked| entry.kind == Kind::Link && file.starts_with(&entry.path);
        self.tracked.iter().find(is_link).map(|entry| entry.path.as_path())
    }

    /// A commit names a submodule's commit, but what is built is what was checked out.
    fn submodules(&self) -> Option<Problem> {
        let is_missing = |entry: &&Tracked| entry.kind == Kind::Submodule && !self.checkout.has_submodule(&entry.path);
        let missing: Vec<String> =
            self.tracked.iter().filter(is_missing).map(|entry| entry.path.display().to_string()).collect();
        let message = format!("submodules are not checked out: {}", first(&missing));
        let hint = "`git submodule update --init --recursive`";
        (!missing.is_empty()).then(|| Problem::new("submodule-missing", message).hint(hint))
    }

    /// Asset names and image tags both carry the version; a forge would silently rename other characters.
    pub(super) fn artifact_name(&self, name: &str, span: Range<usize>) -> Option<Problem> {
        let version = self.package.version.to_string();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let wrong: BTreeSet<char> = name.chars().chain(version.chars()).filter(|c| !is_plain(*c)).collect();
        let listed: Vec<String> = wrong.iter().map(|c| format!("{c:?}")).collect();
        (!listed.is_empty()).then(|| {
            let message = format!("the artifacts of {name} {version} would have {} in their names", listed.join(", "));
            let hint = "names and versions of a release are made of letters, digits, `.`, `_` and `-`";
            Problem::new("artifact-name", message).hint(hint).at(span)
        })
    }

    fn target(&self, target: &Target) -> Vec<Problem> {
        let mut problems = self.features(&target.features);
        problems.extend(floor(&target.floor, &target.triple));
        problems.extend(budget(target));
        let triple = target.triple.get_ref();
        if target.builder == Builder::Nix && target.system.is_none() {
            let message = format!("{triple} is built by nix, but has no `system`");
            let hint = format!("add the flake's name of it: system = {:?}", nix_system(triple));
            problems.push(Problem::new("system-missing", message).hint(hint).at(target.triple.span()));
        }
        if let Some(system) = target.system.as_ref().filter(|s| *s.get_ref() != nix_system(triple)) {
            let message = format!("the system {:?} is not that of {triple}", system.get_ref());
            let hint = format!("write system = {:?}", nix_system(triple));
            problems.push(Problem::new("system-mismatch", message).hint(hint).at(system.span()));
        }
        problems
    }

    pub(super) fn features(&self, features: &[Spanned<String>]) -> Vec<Problem> {
        features.iter().filter_map(|feature| self.feature(feature)).collect()
    }

    pub(super) fn feature(&self, feature: &Spanned<String>) -> Option<Problem> {
        let name = feature.get_ref();
        if self.package.features.contains_key(name) {
            return None;
        }
        let message = format!("the package {} has no feature {name:?}", self.package.name);
        let hint = nearest(name, self.package.features.keys().map(String::as_str)).map_or_else(
            || format!("it has: {}", listed(&self.package.features)),
            |near| format!("did you mean {near:?}?"),
        );
        Some(Problem::new("unknown-feature", message).hint(hint).at(feature.span()))
    }

    fn image(&self) -> Vec<Problem> {
        let Some(image) = &self.table().image else { return Vec::new() };
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for platform in &image.platforms {
            let (triple, span) = (platform.target.get_ref(), platform.target.span());
            let name = name::platform(&platform.os, &platform.arch);
            problems.extend(self.known_target(&platform.target));
            if !seen.insert(name.clone()) {
                let message = format!("the image platform {name} is listed twice");
                problems.push(Problem::new("duplicate-platform", message).at(span.clone()));
            }
            if triple.platform() != Some(name.as_str()) {
                let message = format!("the image platform {name} cannot hold a binary for {triple}");
                let hint = "linux/amd64 takes x86_64-unknown-linux-gnu, linux/arm64 takes aarch64-unknown-linux-gnu";
                problems.push(Problem::new("platform-mismatch", message).hint(hint).at(span));
            }
        }
        if image.budget.0 == 0 {
            let hint = "write the largest size that is right";
            problems.push(Problem::new("budget-none", "image.budget is 0, so no image can be released").hint(hint));
        }
        problems.extend(image.repositories.iter().filter_map(repository));
        problems
    }

    pub(super) fn known_target(&self, target: &Spanned<Triple>) -> Option<Problem> {
        let triple = target.get_ref();
        if self.table().target(triple).is_some() {
            return None;
        }
        let known: Vec<&str> = self.table().targets.iter().map(|t| t.triple.get_ref().as_str()).collect();
        let hint = nearest(triple.as_str(), known.iter().copied())
            .map_or_else(|| format!("add a [[target]] for {triple}"), |near| format!("did you mean {near:?}?"));
        let message = format!("there is no [[target]] with the triple {triple}");
        Some(Problem::new("unknown-target", message).hint(hint).at(target.span()))
    }

    fn forge(&self) -> Option<Problem> {
        let github = &self.table().forge.github;
        let is_part =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let is_pair = github.get_ref().split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name));
        (!is_pair).then(|| {
            Problem::new("forge-form", format!("{:?} is not a repository on GitHub", github.get_ref()))
                .hint("write github = \"owner/repository\"")
                .at(github.span())
        })
    }
}

/// Whether a file's name is a path below the top folder.
pub(super) fn is_inside(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|c| matches!(c, Component::Normal(_)))
}

/// The flake's name of a triple's system.
fn nix_system(triple: &Triple) -> String {
    let os = match triple.os() {
        Os::Linux => "linux",
        Os::Macos => "darwin",
        Os::Windows => "windows",
    };
    format!("{}-{os}", triple.arch())
}

fn floor(floor: &Floor, triple: &Spanned<Triple>) -> Option<Problem> {
    let (wanted, example, has) = match triple.get_ref().os() {
        Os::Linux => ("glibc", "2.34", floor.glibc.is_some()),
        Os::Macos => ("macos", "14.0", floor.macos.is_some()),
        Os::Windows => ("windows", "10.0", floor.windows.is_some()),
    };
    let count = [&floor.glibc, &floor.macos, &floor.windows].into_iter().flatten().count();
    (!has || count != 1).then(|| {
        let message = format!("the floor of {} must be `{wanted}` and nothing else", triple.get_ref());
        let hint = format!("write floor = {{ {wanted} = {example:?} }}");
        Problem::new("floor-kind", message).hint(hint).at(triple.span())
    })
}

fn duplicates(targets: &[Target]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let again = targets.iter().filter(|target| !seen.insert(target.triple.get_ref()));
    let problem = |target: &Target| {
        let message = format!("{} is listed twice, so its artifacts would have equal names", target.triple.get_ref());
        Problem::new("duplicate-target", message).hint("keep one of the two entries").at(target.triple.span())
    };
    again.map(problem).collect()
}

/// Whether a file is one of those that hold terms, by its name.
fn is_licence(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|word| last.starts_with(word))
}

/// No executable fits into nothing.
fn budget(target: &Target) -> Option<Problem> {
    let budget = &target.budget;
    let all = [Some(budget.binary), Some(budget.archive), budget.without_livekit];
    let is_none = all.into_iter().flatten().any(|size| size.0 == 0);
    is_none.then(|| {
        let message = format!("the budget of {} is 0, so no build of it can be released", target.triple.get_ref());
        Problem::new("budget-none", message).hint("write the largest size that is right").at(target.triple.span())
    })
}

/// `host/path` in the characters that a registry accepts (OCI distribution specification, "Pulling manifests").
fn repository(repository: &Spanned<String>) -> Option<Problem> {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    let is_host = |host: &str| host == "localhost" || host.contains(['.', ':']);
    let parts = repository.get_ref().split_once('/');
    let is_right = parts.is_some_and(|(host, path)| is_host(host) && path.split('/').all(is_word))
        && repository.get_ref().parse::<Reference>().is_ok();
    (!is_right).then(|| {
        Problem::new("repository-form", format!("{:?} is not an image repository", repository.get_ref()))
            .hint("write host and path in lower case and without a tag, such as \"docker.io/owner/name\"")
            .at(repository.span())
    })
}

/// The first of some names, and how many more there are.
pub(super) fn first(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn listed(names: &BTreeMap<String, Vec<String>>) -> String {
    let names: Vec<&str> = names.keys().map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The names of the executables of a program, one per operating system.
fn executables(program: Program<'_>, source: &Source) -> Vec<String> {
    source.table.targets.iter().map(|target| target.triple.get_ref().exe_name(program.name())).collect()
}
