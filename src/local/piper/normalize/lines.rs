//! Lines as paragraphs. A line that was wrapped continues in the next one, an item of a list does not.

/// Characters of the narrowest column that text is wrapped at.
const MIN_WIDTH: usize = 30;

/// Words that hardly ever end a sentence: a line that ends with one continues.
#[rustfmt::skip]
const CONTINUING: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "of", "to", "in", "on", "at", "by", "for", "with", "from", "as", "is", "are", "was",
    "were", "be", "that", "which", "who", "my", "your", "his", "her", "our", "their", "its", "this", "these", "not", "will",
    "would", "can", "could", "should", "have", "has", "had", "if", "than", "mr.", "mrs.", "ms.", "dr.",
];

/// Returns the paragraphs of a text, each on one line, without the marks of lists, headings and quotations.
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

/// Joins lines that have no empty line between them.
fn join(lines: &[&str], paragraphs: &mut Vec<String>) {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let mut before: Option<&str> = None;
    for line in lines {
        let text = item(line).unwrap_or(line);
        match (paragraphs.last_mut(), before) {
            (Some(paragraph), Some(before)) if item(line).is_none() && goes_on(before, line, width) => {
                // A hyphenated word keeps its hyphen, and gets no space.
                let hyphenated = before.ends_with('-') && !before.ends_with(" -");
                paragraph.push_str(if hyphenated { "" } else { " " });
                paragraph.push_str(text);
            }
            _ => paragraphs.push(text.to_owned()),
        }
        before = Some(line);
    }
}

/// Whether a line continues in the next one. `width` is that of the longest line.
fn goes_on(line: &str, next: &str, width: usize) -> bool {
    let ended = line.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', ':']);
    let last = line.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    let first = next.split_whitespace().next().unwrap_or_default().chars().count();
    let full = width >= MIN_WIDTH && line.chars().count() + 1 + first > width;
    full || line.ends_with([',', '-'])
        || CONTINUING.contains(&last.as_str())
        || (!ended && next.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()))
}

/// Returns the text behind the mark of an item or a heading.
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
    fn wrapped_lines_continue_and_list_items_do_not() {
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
