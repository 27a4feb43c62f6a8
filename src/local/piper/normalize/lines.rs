//! Lines into paragraphs: a line that was broken because it was full goes on in the next one, and an item of a list does not.

/// Lines are not taken for full ones that are shorter than this.
const NARROW: usize = 30;

/// Words that no line ends with unless it goes on.
#[rustfmt::skip]
const OPEN: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "of", "to", "in", "on", "at", "by", "for", "with", "from", "as", "is", "are", "was",
    "were", "be", "that", "which", "who", "my", "your", "his", "her", "our", "their", "its", "this", "these", "not", "will",
    "would", "can", "could", "should", "have", "has", "had", "if", "than", "mr.", "mrs.", "ms.", "dr.",
];

/// The paragraphs of a text, each on one line, without the marks that only lay it out.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim).chain([""]) {
        if line.is_empty() {
            join(&std::mem::take(&mut lines), &mut paragraphs);
        } else {
            lines.push(line);
        }
    }
    paragraphs
}

/// Lines without an empty one between them.
fn join(lines: &[&str], paragraphs: &mut Vec<String>) {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let mut before: Option<&str> = None;
    for line in lines {
        let text = item(line).unwrap_or(line);
        match (paragraphs.last_mut(), before) {
            (Some(paragraph), Some(before)) if item(line).is_none() && goes_on(before, line, width) => {
                // A word that was parted keeps its hyphen, and no blank comes into it.
                let parted = before.ends_with('-') && !before.ends_with(" -");
                paragraph.push_str(if parted { "" } else { " " });
                paragraph.push_str(text);
            }
            _ => paragraphs.push(text.to_owned()),
        }
        before = Some(line);
    }
}

/// Whether a line is continued by the next one, where the longest is so wide.
fn goes_on(line: &str, next: &str, width: usize) -> bool {
    let ended = line.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', ':']);
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    let first = next.split_whitespace().next().unwrap_or_default().chars().count();
    let full = width >= NARROW && line.chars().count() + 1 + first > width;
    full || line.ends_with([',', '-'])
        || OPEN.contains(&last.as_str())
        || (!ended && next.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()))
}

/// What is behind the mark of an item or a heading.
fn item(line: &str) -> Option<&str> {
    let bullet = line.strip_prefix(['-', '*', '+', '•', '●', '▪', '–']).filter(|rest| rest.starts_with(' '));
    let heading = || Some(line.trim_start_matches('#')).filter(|rest| line.starts_with('#') && rest.starts_with(' '));
    let quote = || line.strip_prefix("> ");
    let number = || {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - rest.len();
        ((1..=2).contains(&digits) && (rest.starts_with(". ") || rest.starts_with(") "))).then_some(line)
    };
    bullet.or_else(heading).or_else(quote).or_else(number).map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_lines_go_on_and_items_do_not() {
        for (text, expected) in [
            ("The meeting is\nat noon.", vec!["The meeting is at noon."]),
            ("I talked to\nJohn about it.", vec!["I talked to John about it."]),
            ("Yes!\nNew line", vec!["Yes!", "New line"]),
            ("Milk\nEggs\nBread", vec!["Milk", "Eggs", "Bread"]),
            ("One\n\ntwo", vec!["One", "two"]),
            (
                "A line that was wrapped at forty columns\nParis comes next, and a last line\nends it.",
                vec!["A line that was wrapped at forty columns Paris comes next, and a last line ends it."],
            ),
            ("- one item\n- another\n  that goes on", vec!["one item", "another that goes on"]),
            ("# Heading\nText of it", vec!["Heading", "Text of it"]),
            ("inter-\nnational", vec!["inter-national"]),
            ("1. Salt\n2. Pepper", vec!["1. Salt", "2. Pepper"]),
            ("a\r\nb", vec!["a b"]),
        ] {
            assert_eq!(paragraphs(text), expected, "{text}");
        }
    }
}
