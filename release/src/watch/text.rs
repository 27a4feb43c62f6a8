//! The issue in Markdown. All that comes from the release or from a service stands in code spans, where it is neither a
//! mention, nor a link, nor HTML.

use std::fmt::Write as _;

use super::advisories::{Advisory, is_id};
use super::{Finding, Wanted};
use crate::notes::escape::fence;
use crate::shown::on_one_line;

/// The first line of each issue of the watch.
pub(super) const MARKER: &str = "<!-- sayna-release watch -->";
/// The title of each issue of the watch.
const TITLE: &str = "The newest release has findings";
/// Characters of a text from outside that are shown.
const LONGEST: usize = 500;
/// Entries of each list.
const ENTRIES: usize = 40;
/// Characters of each list. GitHub takes 65,536 for the whole text.
const LIST: usize = 28_000;
/// Documents that are named for a component.
const NAMED: usize = 3;

/// The issue for a finding.
pub(super) fn issue(finding: &Finding) -> Wanted {
    let mut body =
        format!("{MARKER}\n`sayna-release watch` looked at the newest public release, {}.\n", code(&finding.tag));
    if !finding.rows.is_empty() {
        body.push_str("\n## Rows of `verify` that do not hold\n\n");
        entries(&mut body, &finding.rows, |row| format!("* {} (`{}`): {}\n", row.title, row.id, code(&row.evidence)));
    }
    if !finding.advisories.is_empty() {
        body.push_str("\n## Advisories on its components\n\n");
        entries(&mut body, &finding.advisories, advisory);
    }
    body.push_str(
        "\nThe next steps are in `docs/release/when-it-fails.md#watch`. The nightly run edits this issue, and closes it \
         when nothing is found.\n",
    );
    Wanted { title: TITLE.to_owned(), body }
}

/// The comment on an issue whose matter is settled.
pub(super) fn settled(tag: &str) -> String {
    format!("{} was verified, and no advisory on its components counts. This issue is closed.", code(tag))
}

fn entries<T>(body: &mut String, all: &[T], one: impl Fn(&T) -> String) {
    let (mut room, mut shown) = (LIST, 0);
    for entry in all.iter().take(ENTRIES).map(one) {
        let Some(left) = room.checked_sub(entry.chars().count()) else { break };
        (room, shown) = (left, shown + 1);
        body.push_str(&entry);
    }
    if shown < all.len() {
        let more = all.len() - shown;
        let _infallible = writeln!(body, "* {more} more: `sayna-release watch --dry-run --json` lists them");
    }
}

fn advisory(advisory: &Advisory) -> String {
    let id = &advisory.id;
    let name = if is_id(id) { format!("[{id}](https://osv.dev/vulnerability/{id})") } else { code(id) };
    let aliases: Vec<String> = advisory.aliases.iter().take(NAMED).map(|alias| code(alias)).collect();
    let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
    let mut text = format!("* {name}{aliases}: {}\n", code(&advisory.summary));
    for (purl, documents) in advisory.components.iter().take(NAMED) {
        let more = documents.len().saturating_sub(NAMED);
        let named: Vec<String> = documents.iter().take(NAMED).map(|name| code(name)).collect();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let _infallible = writeln!(text, "  * {} in {}{more}", code(purl), named.join(", "));
    }
    text
}

/// A code span of text from outside: on one line, not longer than [`LONGEST`], between more backticks than it has itself.
fn code(text: &str) -> String {
    let line = on_one_line(text);
    let mut short: String = line.chars().take(LONGEST).collect();
    if line.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    let short = short.trim();
    let fence = fence(short);
    if short.is_empty() { "(nothing)".to_owned() } else { format!("{fence} {short} {fence}") }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_span_ends_where_its_text_ends() {
        assert_eq!(code("a"), "` a `");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a\n\n<b>"), "` a\\n\\n<b> `");
        assert_eq!(code(" \u{202e} "), "` \\u{202e} `");
        assert_eq!(code("  "), "(nothing)");
        assert_eq!(code(&"x".repeat(600)).chars().count(), 500 + 1 + 4);
    }
}
