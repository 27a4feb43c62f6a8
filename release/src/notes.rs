//! The text of a release: the changelog, and below a fixed line the downloads, the image and the commands that verify them.
//!
//! In: the changelog and the manifest. Out: Markdown, the same bytes on every machine. `publish` writes it into the draft,
//! and `verify` makes it once more from the manifest that is public. What stands in a manifest may be hostile, so every name
//! in it is escaped.

use std::fmt::Write as _;

use crate::attest::Workflow;
use crate::changelog;
use crate::manifest::{BinaryEntry, ImageEntry, Manifest};
use crate::name::SUMS;
use crate::part::FileEntry;
use crate::shown::on_one_line;
use crate::shown::palette::megabytes;
use crate::triple::Triple;

/// The page of the repository on how to verify.
const PAGE: &str = "docs/verify/verifying.md";

pub mod escape;

use escape::{cell, code, quoted, url};

/// The line between the changelog and what is made from the manifest.
pub const MARKER: &str = "<!-- sayna-release: everything below this line is made from the release manifest -->";

/// Returns the whole text of a release.
pub fn text(changelog: &str, manifest: &Manifest) -> String {
    let below = below(manifest);
    let above = cut(changelog, manifest, &below);
    format!("{above}{below}")
}

/// Returns the changelog as the release has it: cut where it and what stands below it are more than a forge takes.
pub fn changelog(changelog: &str, manifest: &Manifest) -> String {
    cut(changelog, manifest, &below(manifest))
}

fn cut(changelog: &str, manifest: &Manifest, below: &str) -> String {
    let whole = format!("{}/blob/{}/{}", manifest.source, manifest.tag, changelog::FILE);
    changelog::fitted(changelog.to_owned(), &whole, below.chars().count())
}

/// Splits a published text into changelog and the rest, which begins with the line between them; `None` where that is missing.
pub fn split(text: &str) -> Option<(&str, &str)> {
    // The last one: a changelog may say everything, and below the line nothing of this form can stand.
    let begins_line = |at: &usize| text.get(..*at).is_some_and(|t| t.is_empty() || t.ends_with('\n'));
    let at = text.rmatch_indices(MARKER).map(|(at, _)| at).find(begins_line)?;
    text.split_at_checked(at.saturating_sub(1))
}

/// Returns everything below the changelog, with the empty line and the marker before it.
pub fn below(manifest: &Manifest) -> String {
    let mut out = format!("\n{MARKER}\n\n## Downloads\n\n");
    for (product, entries) in by_product(manifest) {
        if product != manifest.name {
            let verifier = if is_verifier(manifest, product) { "the verifier, " } else { "" };
            let _infallible = write!(out, "And {verifier}{}:\n\n", code(product));
        }
        table(&mut out, manifest, &entries);
        out.push('\n');
    }
    image(&mut out, manifest);
    verification(&mut out, manifest);
    out
}

/// Whether a program of the release is this one, which verifies it.
pub fn is_verifier(manifest: &Manifest, product: &str) -> bool {
    product == env!("CARGO_PKG_NAME") && product != manifest.name
}

/// Returns the downloads by program, the server's first.
pub fn by_product(manifest: &Manifest) -> Vec<(&str, Vec<&BinaryEntry>)> {
    let mut products: Vec<(&str, Vec<&BinaryEntry>)> = Vec::new();
    for entry in &manifest.binaries {
        match products.iter_mut().find(|(name, _)| *name == entry.product.as_str()) {
            Some((_, entries)) => entries.push(entry),
            None => products.push((&entry.product, vec![entry])),
        }
    }
    products.sort_by_key(|(name, _)| *name != manifest.name);
    products
}

/// A table of downloads, one row for each.
fn table(out: &mut String, manifest: &Manifest, entries: &[&BinaryEntry]) {
    out.push_str("| system | file | needs | size |\n| --- | --- | --- | ---: |\n");
    for entry in entries {
        let BinaryEntry { target, archive, needs, .. } = entry;
        let (system, needs) = (system(target), needs.words().join(", "));
        let needs = if needs.is_empty() { "nothing else".to_owned() } else { needs };
        let (file, size) = (link(manifest, archive), megabytes(archive.size));
        let _infallible = writeln!(out, "| {} | {file} | {} | {size} |", cell(&system), cell(&needs));
    }
}

fn link(manifest: &Manifest, file: &FileEntry) -> String {
    let text = cell(&file.name);
    match asset_url(manifest, &file.name) {
        Some(url) => format!("[{text}]({url})"),
        None => text,
    }
}

/// Returns the address of an asset; `None` where the source is not on GitHub.
pub fn asset_url(manifest: &Manifest, name: &str) -> Option<String> {
    let repository = repository(manifest)?;
    Some(format!("https://github.com/{repository}/releases/download/{}/{}", url(&manifest.tag), url(name)))
}

/// Returns `owner/repository` of the source; `None` where it is not on GitHub.
pub fn repository(manifest: &Manifest) -> Option<&str> {
    github_name(manifest.source.strip_prefix("https://github.com/")?)
}

/// Returns the text if it is `owner/repository` and can be part of an address as it stands.
pub fn github_name(path: &str) -> Option<&str> {
    let (owner, name) = path.split_once('/')?;
    let is_plain = |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !word.is_empty() && !word.starts_with(['-', '.']) && word.chars().all(plain)
    };
    (is_plain(owner) && is_plain(name)).then_some(path)
}

/// Returns a target in people's words: `Linux x86-64`, `macOS Apple silicon`, `Windows 32-bit`.
pub fn system(target: &Triple) -> String {
    use crate::triple::Os;
    let (system, machine) = match (target.os(), target.arch()) {
        (Os::Linux, "x86_64") => ("Linux", "x86-64"),
        (Os::Linux, "aarch64") => ("Linux", "ARM64"),
        (Os::Linux, _) => ("Linux", "32-bit"),
        (Os::Macos, "aarch64") => ("macOS", "Apple silicon"),
        (Os::Macos, _) => ("macOS", "Intel"),
        (Os::Windows, "x86_64") => ("Windows", "64-bit"),
        (Os::Windows, "aarch64") => ("Windows", "ARM64"),
        (Os::Windows, _) => ("Windows", "32-bit"),
    };
    format!("{system} {machine}")
}

/// Returns the names by which the image is pulled: one for each repository.
pub fn image_names(image: &ImageEntry) -> impl Iterator<Item = String> + '_ {
    image.repositories.iter().map(|repository| format!("{repository}:{}", image.tag))
}

fn image(out: &mut String, manifest: &Manifest) {
    out.push_str("## Image\n\n");
    let Some(image) = &manifest.image else {
        let tag = code(&manifest.version.to_string());
        let _infallible = write!(
            out,
            "The manifest names no image. An image that comes later gets the tag {tag}, and `sayna-release verify` says whose it \
             is: an attestation in the registry ties it to this commit. This text stays as it is.\n\n"
        );
        return;
    };
    for name in image_names(image) {
        let _infallible = writeln!(out, "* {}", code(&name));
    }
    let platforms: Vec<String> = image.platforms.iter().map(|p| code(&p.name())).collect();
    let _infallible =
        write!(out, "\nFor {}, by digest {}.\n\n", platforms.join(" and "), code(&image.index.to_string()));
}

/// The commands that verify a download.
fn verification(out: &mut String, manifest: &Manifest) {
    out.push_str("## Verify\n\n```sh\n");
    for command in commands(manifest) {
        let _infallible = writeln!(out, "{command}");
    }
    out.push_str("```\n");
    if let Some(repository) = repository(manifest) {
        let page = format!("https://github.com/{repository}/blob/{}/{PAGE}", url(&manifest.tag));
        let verifier = code(env!("CARGO_PKG_NAME"));
        let _infallible = write!(
            out,
            "\nThe first command needs the verifier, {verifier}, and the last one needs `{SUMS}` beside the downloads. \
             [Verifying a download]({page}) says how to get the verifier, and what each command proves.\n"
        );
    }
}

/// Returns the commands that verify a download: the whole release, who built a file, and the sums of the files that are there.
pub fn commands(manifest: &Manifest) -> Vec<String> {
    let mut commands = vec![format!("sayna-release verify --tag {}", quoted(&manifest.tag))];
    let first = by_product(manifest).into_iter().find_map(|(_, entries)| entries.first().copied());
    commands.extend(first.and_then(|first| attestation_command(manifest, &first.archive.name, Workflow::Build)));
    commands.push(format!("sha256sum -c --ignore-missing {SUMS}"));
    commands
}

/// Returns the call of GitHub's own program that asks who built a file; `None` where the source is not on GitHub.
pub fn attestation_command(manifest: &Manifest, what: &str, by: Workflow) -> Option<String> {
    let (repository, tag) = (repository(manifest)?, &manifest.tag);
    let identity = format!("https://github.com/{repository}/{}@refs/tags/{tag}", by.path());
    Some(format!(
        "gh attestation verify {} --repo {repository} --deny-self-hosted-runners --cert-identity {}",
        quoted(what),
        quoted(&identity)
    ))
}

/// Returns the first difference between the published text and the one that is expected, in words; `None` where there is none.
/// The published one begins after so many lines of the release's text.
pub fn difference(published: &str, expected: &str, before: usize) -> Option<String> {
    let (mut published, mut expected) = (lines(published), lines(expected));
    for number in before + 1.. {
        return Some(match (published.next(), expected.next()) {
            (None, None) => return None,
            (Some(found), Some(wanted)) if found == wanted => continue,
            (Some(found), Some(wanted)) => {
                let same = found.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
                format!("line {number} is {}, expected {}", excerpt(found, same), excerpt(wanted, same))
            }
            (Some(found), None) => format!("line {number} is too much: {}", excerpt(found, 0)),
            (None, Some(wanted)) => format!("line {number} is missing: {}", excerpt(wanted, 0)),
        });
    }
    None
}

fn lines(text: &str) -> std::str::Lines<'_> {
    text.trim_matches('\n').lines()
}

/// A piece of a line, around the character where it differs.
fn excerpt(line: &str, at: usize) -> String {
    const BEFORE: usize = 20;
    const MOST: usize = 80;
    let from = at.saturating_sub(BEFORE);
    let piece: String = line.chars().skip(from).take(MOST).collect();
    let left = if from > 0 { "…" } else { "" };
    let right = if line.chars().nth(from + MOST).is_some() { "…" } else { "" };
    format!("\"{left}{}{right}\"", on_one_line(&piece))
}

/// Returns the text with the line ends of this program. A forge's form for editing writes others.
pub fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}
