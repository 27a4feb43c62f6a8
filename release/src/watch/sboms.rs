//! The components of a release, by the SBOMs that it carries.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Package types that the advisory service knows by the purls of our SBOMs.
const TYPES: [&str; 1] = ["pkg:cargo/"];

/// The components of all SBOMs of a release.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// Documents by purl, without qualifiers.
    pub known: BTreeMap<String, BTreeSet<String>>,
    /// Components that the advisory service cannot be asked about.
    pub not_covered: BTreeSet<String>,
    /// The documents.
    pub documents: BTreeSet<String>,
}

impl Components {
    /// Adds the components of a document, nested ones included.
    pub fn add(&mut self, document: &str, sbom: &Value) {
        self.documents.insert(document.to_owned());
        let mut left: Vec<&Value> = sbom.pointer("/metadata/component").into_iter().collect();
        left.extend(list(sbom));
        while let Some(component) = left.pop() {
            left.extend(list(component));
            let text = |key: &str| component.get(key).and_then(Value::as_str);
            let Some(purl) = text("purl") else {
                self.not_covered.extend(text("name").map(str::to_owned));
                continue;
            };
            // A crate of another registry may have the name of one that the service knows.
            if TYPES.iter().any(|kind| purl.starts_with(kind))
                && purl.contains('@')
                && !purl.contains("repository_url=")
            {
                self.known.entry(bare(purl).to_owned()).or_default().insert(document.to_owned());
            } else {
                self.not_covered.insert(purl.to_owned());
            }
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.get("components").and_then(Value::as_array).into_iter().flatten()
}

/// A purl without qualifiers and subpath.
pub(super) fn bare(purl: &str) -> &str {
    purl.split(['?', '#']).next().unwrap_or(purl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_components_are_found_and_foreign_registries_are_not_asked_about() {
        let sbom = json!({
            "metadata": {"component": {"name": "sayna", "purl": "pkg:github/saynaai/sayna@v1.2.3"}},
            "components": [
                {"name": "a", "purl": "pkg:cargo/a@1.0.0?checksum=sha256:ab", "components": [{"purl": "pkg:cargo/b@2.0.0"}]},
                {"name": "c", "purl": "pkg:cargo/c@1.0.0?repository_url=https:%2F%2Fexample.org"},
                {"name": "glibc"}, {"name": 7, "components": "none"}, 7, {"purl": "pkg:cargo/no-version"},
            ],
        });
        let mut found = Components::default();
        found.add("x.cdx.json", &sbom);
        found.add("y.cdx.json", &sbom);
        let known: Vec<&str> = found.known.keys().map(String::as_str).collect();
        assert_eq!(known, ["pkg:cargo/a@1.0.0", "pkg:cargo/b@2.0.0"]);
        assert_eq!(found.known["pkg:cargo/b@2.0.0"].len(), 2);
        assert_eq!(found.not_covered.len(), 4, "{found:?}");
    }
}
