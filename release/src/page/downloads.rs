//! Downloads by system, the files of the whole release, the image, and every digest.

use maud::{Markup, html};

use super::{Links, copyable, text};
use crate::digest::Digest;
use crate::manifest::{BinaryEntry, ImageEntry, Manifest};
use crate::name::{SUMS, checksum};
use crate::notes;
use crate::shown::palette::megabytes;
use crate::sums;
use crate::verify::Report;

/// The server's downloads, those of other programs, the files of the whole release, and the image.
pub(super) fn section(report: &Report, manifest: &Manifest, links: &Links) -> Markup {
    html! {
        section aria-labelledby="downloads" {
            h2 #downloads { "Downloads" }
            @for (product, entries) in notes::by_product(manifest) {
                h3 { (text(product)) @if notes::is_verifier(manifest, product) { ", the verifier" } }
                ul.cards { @for entry in entries { (card(entry, links)) } }
            }
            h3 { "Files of the whole release" }
            ul.cards { (whole(report, manifest, links)) }
            h3 { "Image" }
            @match &manifest.image {
                Some(found) => { (image(found)) }
                None => { p { "The manifest names no image. The checklist says whether one came later, and whose it is." } }
            }
        }
    }
}

fn card(entry: &BinaryEntry, links: &Links) -> Markup {
    let needs = entry.needs.words().join(", ");
    html! {
        li.card {
            h4 { (notes::system(&entry.target)) }
            p.file { (link(&entry.archive.name, &entry.archive.name, links)) }
            p.quiet { (megabytes(entry.archive.size)) " · " @if needs.is_empty() { "needs nothing else" } @else { "needs " (text(&needs)) } }
            p.quiet { "SHA-256" br; (copyable(&entry.archive.digest.hex())) }
            p.quiet.more { (link(&entry.sbom.name, "SBOM", links)) " " (link(&entry.checksum.name, "Checksum file", links)) }
        }
    }
}

/// The manifest, the sums and the attestations: the commands of the checklist read them beside the downloads.
fn whole(report: &Report, manifest: &Manifest, links: &Links) -> Markup {
    let (names, own) = (manifest.names(), report.manifest_digest);
    let (own_name, attestations) = (names.manifest(), names.attestations());
    html! {
        li.card {
            h4 { "Manifest" }
            p.file { (link(&own_name, &own_name, links)) }
            p.quiet { "Every digest of the release, for programs" }
            @if let Some(own) = own { p.quiet { "SHA-256" br; (copyable(&own.hex())) } }
            p.quiet.more { (link(&checksum(&own_name), "Checksum file", links)) }
        }
        li.card {
            h4 { "Sums" }
            p.file { (link(SUMS, SUMS, links)) }
            p.quiet { "Every digest, for " code { "sha256sum -c" } }
            @if let Some(own) = own { p.quiet { "SHA-256" br; (copyable(&sums::digest(manifest, own).hex())) } }
        }
        @if report.signed() {
            li.card {
                h4 { "Attestations" }
                p.file { (link(&attestations, &attestations, links)) }
                p.quiet { "The signed statements, for " code { "sayna-release verify" } " without a network" }
            }
        }
    }
}

/// A link to a file, by its name or by a word. The label of a word has the name too, for readers who hear the page.
fn link(name: &str, word: &str, links: &Links) -> Markup {
    let label = (word != name).then(|| format!("{word} {}", text(name)));
    html! {
        @match (links.to(name), &label) {
            (Some(url), _) => { a.break href=(url) aria-label=[label] { (text(word)) } }
            (None, Some(_)) => { span.break.line { (text(name)) } }
            (None, None) => { span.break { (text(word)) } }
        }
    }
}

fn image(image: &ImageEntry) -> Markup {
    html! {
        div.card {
            @for name in notes::image_names(image) { p { (copyable(&name)) } }
            p.quiet { "Index" br; (copyable(&image.index.to_string())) }
            @for platform in &image.platforms {
                p.quiet { (text(&platform.name())) ", " (megabytes(platform.compressed)) " compressed" br; (copyable(&platform.manifest.to_string())) }
            }
        }
    }
}

/// Every file with its digest: the lines of `SHA256SUMS`.
pub(super) fn digests(manifest: &Manifest, own: Digest) -> Markup {
    let files = sums::of(manifest, own);
    let lines: Vec<String> = files.iter().map(|(name, digest)| format!("{}  {}\n", digest.hex(), text(name))).collect();
    html! {
        section aria-labelledby="digests" {
            h2 #digests { "Digests" }
            p {
                "The lines of " code { (SUMS) } ". One click selects all of it. Saved as a file beside the downloads, "
                code { "sha256sum -c --ignore-missing" } " reads it."
            }
            pre.copy tabindex="0" role="region" aria-label="Digests of all files" { (lines.concat()) }
        }
    }
}
