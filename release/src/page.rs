//! A release as one page for a stranger: downloads, the checklist with its evidence, digests, and how to repeat each check.
//!
//! In: the report of `verify`. Out: one HTML file without a script, the same bytes for the same report. Everything in a report
//! may be hostile: all text is escaped, what a reader would not see is made visible, and links lead to the release's own
//! assets alone.

use std::borrow::Cow;
use std::path::{Path, absolute};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::digest::Digest;
use crate::manifest::Manifest;
use crate::notes::{self, escape};
use crate::shown::on_one_line;
use crate::verify::{Report, Row, Verdict};

mod checklist;
mod downloads;
mod repeat;

/// The page's only style. The policy in its head names the digest of these bytes, so that nothing else has an effect.
const STYLE: &str = include_str!("page/style.css");
/// The characters of one text that a page shows.
const MOST: usize = 4000;

/// The place of a release's assets, for links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// Below this address, or below this path from the page. It ends with a slash.
    Below(String),
    /// Nowhere that a browser reaches.
    None,
}

impl Links {
    /// Returns where the assets of a report are, as seen from the file of a page: on GitHub, or in a folder beside the page.
    pub fn of(report: &Report, page: &Path) -> Self {
        let tag = escape::url(&report.tag);
        match report.forge.split_once(':') {
            Some(("github", name)) => match notes::github_name(name) {
                Some(name) => Self::Below(format!("https://github.com/{name}/releases/download/{tag}/")),
                None => Self::None,
            },
            Some(("dir", root)) => Self::beside(Path::new(root), page, &tag).unwrap_or(Self::None),
            _ => Self::None,
        }
    }

    fn beside(root: &Path, page: &Path, tag: &str) -> Option<Self> {
        let (root, page) = (absolute(root).ok()?, absolute(page).ok()?);
        let below = root.strip_prefix(page.parent()?).ok()?;
        let mut path = String::new();
        for component in below.components() {
            path.push_str(&escape::url(component.as_os_str().to_str()?));
            path.push('/');
        }
        Some(Self::Below(format!("{path}published/{tag}/assets/")))
    }

    fn to(&self, name: &str) -> Option<String> {
        if let Self::Below(base) = self { Some(format!("{base}{}", escape::url(name))) } else { None }
    }
}

/// Returns the page of a report.
pub fn render(report: &Report, links: &Links) -> String {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        Digest::of(STYLE.as_bytes()).base64()
    );
    let title = title(report);
    // What does not hold is not offered.
    let links = if report.failed() { &Links::None } else { links };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { @if report.failed() { "FAILED: " } (title) @if report.passed() && report.signed() { ", verified" } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(report, &title))
                main { (body(report, links)) }
                footer {
                    p {
                        code { "sayna-release verify" } " made this page. It has no script, loads nothing, and proves nothing by itself: "
                        "repeat what matters to you with the commands beside each row."
                    }
                }
            }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    page
}

fn title(report: &Report) -> String {
    match &report.manifest {
        Some(manifest) => format!("{} {}", text(&manifest.name), manifest.version),
        None => text(&report.tag).into_owned(),
    }
}

fn header(report: &Report, title: &str) -> Markup {
    html! {
        header {
            (banner(report))
            p.eyebrow { "Release" }
            h1 { (title) }
            nav aria-label="On this page" {
                @if report.manifest.is_some() { a href="#downloads" { "Downloads" } " " }
                a href="#checklist" { "Checklist" } " "
                a href="#signatures" { "Signatures" }
                @if report.manifest.is_some() && report.manifest_digest.is_some() { " " a href="#digests" { "Digests" } }
            }
        }
    }
}

/// The verdict, before anything else.
fn banner(report: &Report) -> Markup {
    let of = |is: &dyn Fn(&Verdict) -> bool| report.rows.iter().filter(|row| is(&row.verdict)).collect::<Vec<&Row>>();
    let (failed, stopped) = (of(&|v| *v == Verdict::Failed), of(&|v| v.stops_promotion()));
    let (holds, refused) = (of(&|v| *v == Verdict::Ok), of(&|v| *v == Verdict::WouldRefuse));
    let rows = report.rows.len();
    let (class, head, rest, named) = if !failed.is_empty() {
        ("bad", "Do not use this release.", format!("{} of {rows} checks failed:", failed.len()), failed)
    } else if !stopped.is_empty() {
        let rest = format!("{} of {rows} could not be made here:", stopped.len());
        ("warn", "Not every check could be made.", rest, stopped)
    } else if refused.is_empty() {
        let rest = format!("{} of {rows} checks hold, and none fails.", holds.len());
        // Whole files can be anybody's.
        let (class, head) = if report.signed() { ("good", "Verified.") } else { ("warn", "Whole, but not signed.") };
        let unsigned =
            if report.signed() { vec![] } else { report.rows.iter().filter(|row| row.id == "attested").collect() };
        (class, head, rest, unsigned)
    } else {
        let rest = format!("It holds, but {} of {rows} checks would refuse a real release:", refused.len());
        ("warn", "A rehearsal.", rest, refused)
    };
    html! {
        div.banner.(class) role="status" {
            p { strong { (head) } " " (rest) }
            @if !named.is_empty() {
                ul { @for row in named { li { a href={ "#row-" (row.number) } { (row.title) } } } }
            }
        }
    }
}

fn body(report: &Report, links: &Links) -> Markup {
    let Some(manifest) = &report.manifest else {
        return html! { (checklist::section(report)) (checklist::signatures(report)) };
    };
    html! {
        (facts(report, manifest))
        // After a failure, the failed rows come first.
        @if report.failed() { (checklist::section(report)) }
        (downloads::section(report, manifest, links))
        @if !report.failed() { (checklist::section(report)) }
        (checklist::signatures(report))
        @if let Some(own) = report.manifest_digest { (downloads::digests(manifest, own)) }
    }
}

fn facts(report: &Report, manifest: &Manifest) -> Markup {
    let mut places = vec![report.forge.as_str()];
    places.extend(report.registries.iter().map(String::as_str));
    html! {
        section aria-labelledby="facts" {
            h2 #facts { "This release" }
            dl.facts {
                (fact("Tag", &html! { (text(&manifest.tag)) }))
                (fact("Commit", &copyable(&manifest.commit)))
                (fact("Time of the commit", &time(manifest.commit_time)))
                (fact("Source", &html! { span.break { (text(&manifest.source)) } }))
                (fact("Toolchain", &html! { "rustc " (manifest.toolchain) }))
                @if manifest.tree != "clean" { (fact("Tree", &html! { "changed: " (text(&manifest.tree)) })) }
                @if let Some(lock) = &manifest.flake_lock { (fact("flake.lock", &copyable(&lock.to_string()))) }
                (fact("Looked at", &html! { @for place in &places { span.break.line { (text(place)) } } }))
            }
        }
    }
}

/// A time for people. What no calendar has is a number.
fn time(seconds: i64) -> Markup {
    let Ok(time) = jiff::Timestamp::from_second(seconds) else { return html! { (seconds) } };
    let words = time.strftime("%e %B %Y, %H:%M:%S UTC").to_string();
    html! { time datetime=(time) { (words.trim()) } }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A value that one click selects as a whole.
fn copyable(value: &str) -> Markup {
    html! { code.copy { (text(value)) } }
}

/// A text from outside: one line in which everything is visible, and not endless.
fn text(text: &str) -> Cow<'_, str> {
    if text.chars().nth(MOST).is_none() {
        return on_one_line(text);
    }
    let cut: String = text.chars().take(MOST).collect();
    let left = text.chars().count().saturating_sub(MOST);
    Cow::Owned(format!("{} … and {left} characters more", on_one_line(&cut)))
}
