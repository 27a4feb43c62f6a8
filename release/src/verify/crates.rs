//! The row on the crates that executables list.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::{Context, Outcome, pass};
use crate::embedded::{Fault, List, difference};

/// Every executable lists the crates of its SBOM. One without a list is accepted where the manifest says that it has none.
pub(super) fn crates(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let mut evidence = Vec::new();
    for entry in &manifest.binaries {
        let called = manifest.called(entry);
        let list = List::read(context.binary(entry)?).map_err(|fault| format!("{called}: {fault}"))?;
        let Some(list) = list else {
            if entry.built.crates {
                return Err(format!("{called}: {}, and the manifest says that it has one", Fault::Missing).into());
            }
            evidence.push(format!("{called}: no list"));
            continue;
        };
        let name = &entry.sbom.name;
        let document: Value =
            serde_json::from_slice(&fs::read(context.asset(name)?)?).map_err(|e| format!("{name}: {e}"))?;
        let version = manifest.version.to_string();
        if list.root() != Some((entry.product.as_str(), version.as_str())) {
            let (found, of) = list.root().unwrap_or_default();
            return Err(format!("{called} lists the crates of {found} {of}").into());
        }
        let (listed, wanted) = (list.linked(), crates_of(&document));
        if listed != wanted {
            let what = difference(&listed, &wanted);
            return Err(format!("{called} lists other crates than {name}: {what}").into());
        }
        evidence.push(format!("{called}: {}", listed.len()));
    }
    pass(evidence.join("; "))
}

/// Name and version of each crate in an SBOM: a registry's, or one that a commit of a repository has.
fn crates_of(document: &Value) -> BTreeSet<(&str, &str)> {
    let is_crate = |purl: &str| purl.starts_with("pkg:cargo/") || purl.contains("?vcs_url=");
    let components = document.get("components").and_then(Value::as_array).into_iter().flatten();
    components
        .filter(|component| component.get("purl").and_then(Value::as_str).is_some_and(is_crate))
        .filter_map(|component| Some((component.get("name")?.as_str()?, component.get("version")?.as_str()?)))
        .collect()
}
