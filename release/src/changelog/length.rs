//! Notes that are longer than GitHub takes.

/// So many characters a release's text may have on GitHub, which says so (status 422) when the draft is made.
const LIMIT: usize = 125_000;
/// The cut leaves room for the warning that a withdrawn release has on top.
const KEPT: usize = 120_000;

/// Begins the fold at the end of notes.
const FOLD: &str = "\n<details>\n";
/// Ends it.
const FOLD_END: &str = "\n</details>\n";

/// Begins the last line of notes that were cut.
const REST: &str = "These notes are cut, as they are longer than a release's text may be. All of them: [CHANGELOG.md]";

/// Whether these are notes that were cut.
pub fn is_cut(notes: &str) -> bool {
    notes.lines().next_back().is_some_and(|line| line.starts_with(REST))
}

/// Returns notes that fit above a text of so many characters: as they are, or cut as `cut` does it.
pub fn fitted(notes: String, whole: &str, below: usize) -> String {
    cut(notes, whole, below).0
}

/// Notes as they are published above a text of so many characters, and their length where they had to be cut: after a line,
/// outside of code, with a link to all of them at the end.
pub(super) fn cut(notes: String, whole: &str, below: usize) -> (String, Option<usize>) {
    let length = notes.chars().count();
    if length.saturating_add(below) <= LIMIT {
        return (notes, None);
    }
    let link = format!("\n{REST}({whole})\n");
    let room = KEPT.saturating_sub(below).saturating_sub(link.chars().count()).saturating_sub(FOLD_END.len());
    let (mut used, mut at, mut end, mut fence) = (0, 0, 0, None);
    for line in notes.split_inclusive('\n') {
        used += line.chars().count();
        if used > room {
            break;
        }
        at += line.len();
        // The next entry ends what an entry has left open.
        fence = after(line, fence.filter(|_| !line.starts_with(['-', '#'])));
        // Not inside of a block of code, which would swallow the link, and not behind a heading that then has nothing below.
        if fence.is_none() && !line.starts_with(['#', '<']) && !line.trim().is_empty() {
            end = at;
        }
    }
    let kept = notes.get(..end).unwrap_or_default();
    // An open fold would hide the link.
    let close = if kept.contains(FOLD) { FOLD_END } else { "" };
    (format!("{kept}{close}{link}"), Some(length))
}

/// The fence that is open after a line (`CommonMark`, "Fenced code blocks"): its character, and how many of them.
fn after(line: &str, open: Option<(char, usize)>) -> Option<(char, usize)> {
    let text = line.trim();
    let of = |mark: char| (mark, text.chars().take_while(|c| *c == mark).count());
    let found = [of('`'), of('~')].into_iter().find(|(_, count)| *count >= 3);
    match (open, found) {
        (None, Some((mark, count))) => {
            let is_fence = mark == '~' || !text.trim_start_matches(mark).contains(mark);
            is_fence.then_some((mark, count))
        }
        (Some((mark, least)), Some((other, count))) if mark == other && count >= least && text.len() == count => None,
        (open, _) => open,
    }
}
