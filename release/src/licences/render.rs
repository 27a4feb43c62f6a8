//! The file itself: what is inside, then each text once.

use std::fmt::Write as _;

use indexmap::IndexMap;

use super::Component;
use super::texts::Text;

const RULE: &str = "================================================================================";

/// The whole file, LF only.
pub(super) fn document(package: &str, components: &[Component]) -> String {
    let mut users: IndexMap<&Text, Vec<&str>> = IndexMap::new();
    for component in components {
        for text in &component.texts {
            users.entry(text).or_default().push(&component.name);
        }
    }
    let mut out = format!(
        "Third-party software in {package}\n\n\
         What this program links besides its own code, each with its licence (an SPDX expression) and the numbers\n\
         of the texts that belong to it. A library inside another input whose text is none of SPDX's has \"own text\"\n\
         instead. Every text follows once, with the list of what it covers.\n\n"
    );
    for component in components {
        list(&mut out, component, &users);
    }
    for (number, (text, names)) in users.iter().enumerate() {
        section(&mut out, number + 1, text, names);
    }
    out
}

fn list(out: &mut String, component: &Component, users: &IndexMap<&Text, Vec<&str>>) {
    let numbers = component.texts.iter().filter_map(|text| users.get_index_of(text));
    let numbers: Vec<String> = numbers.map(|number| format!("[{}]", number + 1)).collect();
    // Writing into a String cannot fail.
    let terms = component.terms.as_ref().map_or("own text", |terms| &terms.expression);
    let _ok = writeln!(out, "{}: {terms} {}", component.name, numbers.join(" "));
    if !component.authors.is_empty() {
        let _ok = writeln!(out, "    by {}", component.authors.join(", "));
    }
}

fn section(out: &mut String, number: usize, text: &Text, names: &[&str]) {
    let _ok = writeln!(out, "\n{RULE}\n[{number}] {}", names.join(", "));
    if let Text::Canonical(licence, _) = text {
        let _ok = writeln!(out, "They come without a whole licence text; this is the one that SPDX has for {licence}.");
    }
    let _ok = writeln!(out, "{RULE}\n\n{}", text.body());
}
