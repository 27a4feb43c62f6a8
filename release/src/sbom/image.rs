//! The SBOM of an image: those of its platforms in one document, which is about the index.

use serde_json::{Value, json};

use super::{Error, cyclonedx};
use crate::digest::Digest;
use crate::plan::Plan;

/// One platform with the document of its executable and of the system around it.
#[derive(Debug, Clone)]
pub struct Platform {
    /// `linux/amd64`
    pub name: String,
    /// As [`super::document`] makes it.
    pub document: Value,
}

/// The document's bytes. It is complete if each platform's document says so of itself.
pub fn document(plan: &Plan, image: &str, index: Digest, platforms: &[Platform]) -> Result<Vec<u8>, Error> {
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    let mut executables = Vec::new();
    let mut complete = !platforms.is_empty();
    for platform in platforms {
        let (component, edges) = nested(platform).ok_or_else(|| Error::Platform { name: platform.name.clone() })?;
        executables.push(component.get("bom-ref").cloned());
        components.push(component);
        dependencies.extend(edges);
        let aggregate = platform.document.pointer("/compositions/0/aggregate").and_then(Value::as_str);
        complete &= aggregate == Some("complete");
    }
    let (aggregate, scope) = if complete {
        ("complete", "every file of the layers, the executables and what they link")
    } else {
        ("incomplete", "the executables, what they link, and files of unknown origin")
    };
    let everything: Vec<_> = [Some(json!(image))].into_iter().chain(executables.iter().cloned()).collect();
    dependencies.insert(0, json!({"ref": image, "dependsOn": executables}));
    let first = platforms.first().map(|p| &p.document);
    let metadata = |key: &str| first.and_then(|d| d.pointer(&format!("/metadata/{key}"))).cloned();
    cyclonedx::named(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": metadata("timestamp"),
            "tools": metadata("tools"),
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": image,
                "version": plan.version,
                "hashes": [{"alg": "SHA-256", "content": index.hex()}],
                "licenses": [{"expression": plan.licence}],
                "properties": [
                    {"name": "sayna:commit", "value": plan.commit},
                    {"name": "sayna:scope", "value": scope},
                ],
            },
        },
        "components": components,
        "dependencies": dependencies,
        "compositions": [{"aggregate": aggregate, "assemblies": everything, "dependencies": everything}],
    }))
}

/// The executable with all that it links inside of it, and who needs whom; every reference is the platform's own.
fn nested(platform: &Platform) -> Option<(Value, Vec<Value>)> {
    let own = |reference: &mut Value| {
        *reference = json!(format!("{} {}", platform.name, reference.as_str()?));
        Some(())
    };
    let mut component = platform.document.pointer("/metadata/component")?.clone();
    own(component.get_mut("bom-ref")?)?;
    let name = component.get_mut("name")?;
    *name = json!(format!("{} {}", name.as_str()?, platform.name));
    let mut inside = platform.document.get("components")?.as_array()?.clone();
    each(&mut inside, &own)?;
    component.as_object_mut()?.insert("components".to_owned(), json!(inside));
    let mut edges = platform.document.get("dependencies")?.as_array()?.clone();
    for edge in &mut edges {
        own(edge.get_mut("ref")?)?;
        let on = edge.get_mut("dependsOn").and_then(Value::as_array_mut);
        on.into_iter().flatten().try_for_each(own)?;
    }
    Some((component, edges))
}

/// Renames components, and those inside of them.
fn each(components: &mut [Value], own: &impl Fn(&mut Value) -> Option<()>) -> Option<()> {
    for component in components {
        own(component.get_mut("bom-ref")?)?;
        if let Some(inside) = component.get_mut("components") {
            each(inside.as_array_mut()?, own)?;
        }
    }
    Some(())
}
