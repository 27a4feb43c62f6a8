//! Downloads by system, the image, and every digest.

use maud::{Markup, html};

use super::{Links, copyable, text};
use crate::manifest::{BinaryEntry, ImageEntry, Manifest};
use crate::notes;
use crate::part::FileEntry;
use crate::shown::palette::megabytes;

/// The server's downloads, those of other programs, and the image.
pub(super) fn section(manifest: &Manifest, links: &Links) -> Markup {
    html! {
        section aria-labelledby="downloads" {
            h2 #downloads { "Downloads" }
            @for (product, entries) in notes::by_product(manifest) {
                h3 { (text(product)) }
                ul.cards { @for entry in entries { (card(entry, links)) } }
            }
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
            p.file { (link(&entry.archive, &entry.archive.name, links)) }
            p.quiet { (megabytes(entry.archive.size)) " · " @if needs.is_empty() { "needs nothing else" } @else { "needs " (text(&needs)) } }
            p.quiet { "SHA-256" br; (copyable(&entry.archive.digest.hex())) }
            p.quiet.more { (link(&entry.sbom, "SBOM", links)) " " (link(&entry.checksum, "Checksum file", links)) }
        }
    }
}

/// A file by its name, or by a word; then who does not see the card around it is told which one it is.
fn link(file: &FileEntry, word: &str, links: &Links) -> Markup {
    let label = (word != file.name.as_str()).then(|| format!("{word} {}", text(&file.name)));
    html! {
        @match (links.to(&file.name), &label) {
            (Some(url), _) => { a.break href=(url) aria-label=[label] { (text(word)) } }
            (None, Some(_)) => { span.break.line { (text(&file.name)) } }
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

/// Every file with its digest, in the form that `sha256sum -c` reads.
pub(super) fn digests(manifest: &Manifest) -> Markup {
    let mut lines: Vec<String> =
        manifest.assets().map(|file| format!("{}  {}\n", file.digest.hex(), text(&file.name))).collect();
    lines.sort_by(|a, b| a.get(64..).cmp(&b.get(64..)));
    html! {
        section aria-labelledby="digests" {
            h2 #digests { "Digests" }
            p { "One click selects all of it. Saved as a file beside the downloads, " code { "sha256sum -c --ignore-missing" } " reads it." }
            pre.copy tabindex="0" role="region" aria-label="Digests of all files" { (lines.concat()) }
        }
    }
}
