//! `security/vex.json` (`OpenVEX` 0.2.0) against `deny.toml`: no advisory is ignored without a written reason.
//!
//! The specification wants at least one statement. So the file exists if and only if `deny.toml` ignores an advisory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";
const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];
/// The identifier of the programs in their SBOMs, of any version.
const PRODUCT: &str = "pkg:github/saynaai/sayna";

/// Finds everything wrong with the two files together.
fn problems(deny: &str, vex: Option<&Value>) -> Vec<String> {
    let deny: toml::Table = deny.parse().unwrap();
    let ignored = deny.get("advisories").and_then(|table| table.get("ignore")).and_then(|list| list.as_array());
    let id = |entry: &toml::Value| entry.as_str().or_else(|| entry.get("id")?.as_str()).unwrap_or_default().to_owned();
    let ignored: BTreeSet<String> = ignored.into_iter().flatten().map(id).collect();
    let Some(vex) = vex else {
        return ignored.iter().map(|id| format!("{id} is ignored, and security/vex.json is missing")).collect();
    };
    let mut problems = head(vex);
    let statements = vex["statements"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut excused = BTreeSet::new();
    for (number, statement) in statements.iter().enumerate() {
        let name = statement["vulnerability"]["name"].as_str().unwrap_or_default();
        problems.extend(faults(statement).into_iter().map(|fault| format!("statement {number} ({name}): {fault}")));
        if statement["status"] == "not_affected" && !excused.insert(name.to_owned()) {
            problems.push(format!("{name} has two statements"));
        }
    }
    problems.extend(ignored.difference(&excused).map(|id| format!("{id} is ignored without a statement")));
    problems.extend(excused.difference(&ignored).map(|id| format!("{id} has a statement and is not ignored")));
    problems
}

/// The fields of the document, which the specification wants all.
fn head(vex: &Value) -> Vec<String> {
    let text = |name: &str| vex[name].as_str().is_some_and(|text| !text.is_empty());
    let mut problems: Vec<String> = ["@id", "author", "timestamp"]
        .into_iter()
        .filter(|name| !text(name))
        .map(|name| format!("no {name}"))
        .collect();
    if vex["@context"] != CONTEXT {
        problems.push(format!("@context is not {CONTEXT}"));
    }
    if vex["version"].as_u64().is_none_or(|version| version == 0) {
        problems.push("version is not a number from 1".to_owned());
    }
    if vex["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_err()) {
        problems.push("timestamp is not RFC 3339".to_owned());
    }
    if vex["statements"].as_array().is_none_or(Vec::is_empty) {
        problems.push("no statement".to_owned());
    }
    problems
}

fn faults(statement: &Value) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let products = statement["products"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_ours = |product: &Value| {
        let purl = product["@id"].as_str().unwrap_or_default();
        purl == PRODUCT || purl.starts_with(&format!("{PRODUCT}@v"))
    };
    if products.is_empty() || !products.iter().all(is_ours) {
        faults.push("its products are not the purl of the SBOMs");
    }
    let parts = products.iter().flat_map(|product| product["subcomponents"].as_array().into_iter().flatten());
    let mut purls = parts.map(|part| part["@id"].as_str().unwrap_or_default()).peekable();
    if purls.peek().is_none() || !purls.all(|purl| purl.starts_with("pkg:")) {
        faults.push("it names no component by its purl");
    }
    match statement["status"].as_str() {
        Some("not_affected") => {
            if statement["justification"].as_str().is_none_or(|word| !JUSTIFICATIONS.contains(&word)) {
                faults.push("its justification is not one of the specification");
            }
        }
        Some("affected") if statement["action_statement"].is_string() => {}
        Some("fixed" | "under_investigation") => {}
        _ => faults.push("its status is not one of the specification"),
    }
    if statement["status_notes"].as_str().is_none_or(|notes| notes.split_whitespace().count() < 3) {
        faults.push("it has no reason in status_notes");
    }
    faults
}

#[test]
fn every_ignored_advisory_has_a_statement_and_every_statement_an_ignored_advisory() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let deny = fs::read_to_string(root.join("deny.toml")).unwrap();
    let vex = fs::read_to_string(root.join("security/vex.json")).ok();
    let vex: Option<Value> = vex.map(|text| serde_json::from_str(&text).unwrap());
    assert_eq!(problems(&deny, vex.as_ref()), Vec::<String>::new());
}

fn document() -> Value {
    json!({
        "@context": CONTEXT,
        "@id": "https://github.com/saynaai/sayna/security/vex.json",
        "author": "Sayna",
        "timestamp": "2026-11-29T00:00:00Z",
        "version": 1,
        "statements": [{
            "vulnerability": {"name": "RUSTSEC-2026-0001"},
            "products": [{"@id": PRODUCT, "subcomponents": [{"@id": "pkg:cargo/leaf@1.0.0"}]}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
            "status_notes": "The server never calls it",
        }],
    })
}

#[test]
fn ignored_advisories_and_statements_are_held_against_each_other() {
    let both = ["\"RUSTSEC-2026-0001\"", "{ id = \"RUSTSEC-2026-0001\", reason = \"never called\" }"];
    for entry in both {
        let deny = format!("[advisories]\nignore = [{entry}]\n");
        assert_eq!(problems(&deny, Some(&document())), Vec::<String>::new());
        assert_eq!(problems(&deny, None).len(), 1);
    }
    assert_eq!(problems("", None), Vec::<String>::new());
    assert_eq!(problems("", Some(&document())), ["RUSTSEC-2026-0001 has a statement and is not ignored"]);
    let other = "[advisories]\nignore = [\"RUSTSEC-2026-0002\"]";
    assert_eq!(problems(other, Some(&document())).len(), 2);
}

#[test]
fn document_on_the_page_is_valid() {
    let page = crate::support::project_file("docs/release/when-it-fails.md");
    let shown = page.split("<!-- vex -->\n```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let deny = "[advisories]\nignore = [\"RUSTSEC-2027-0001\"]";
    assert_eq!(problems(deny, Some(&serde_json::from_str(shown).unwrap())), Vec::<String>::new());
}

#[test]
fn one_wrong_field_of_a_document_is_one_problem() {
    let deny = "[advisories]\nignore = [\"RUSTSEC-2026-0001\"]";
    let changes = [
        ("/@context", json!("https://openvex.dev/ns")),
        ("/@id", json!("")),
        ("/author", json!(null)),
        ("/timestamp", json!("yesterday")),
        ("/version", json!(0)),
        ("/statements/0/products", json!([])),
        ("/statements/0/products/0/@id", json!("pkg:github/other/sayna")),
        ("/statements/0/products/0/subcomponents", json!([])),
        ("/statements/0/justification", json!("harmless")),
        ("/statements/0/status_notes", json!("")),
    ];
    for (pointer, value) in changes {
        let mut vex = document();
        *vex.pointer_mut(pointer).unwrap() = value;
        let found = problems(deny, Some(&vex));
        let expected = if pointer.ends_with("/products") { 2 } else { 1 };
        assert_eq!(found.len(), expected, "{pointer}: {found:?}");
    }
}
