//! The part of CycloneDX 1.6 that the document uses, field by field in the order of the specification.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::Error;
use crate::digest::Digest;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compositions: Vec<Composition>,
}

/// How much of something the document lists.
#[derive(Debug, Serialize)]
pub(super) struct Composition {
    pub(super) aggregate: Aggregate,
    pub(super) assemblies: Vec<String>,
    pub(super) dependencies: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Aggregate {
    Complete,
    Incomplete,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) timestamp: String,
    pub(super) tools: Tools,
    pub(super) component: Component,
}

#[derive(Debug, Serialize)]
pub(super) struct Tools {
    pub(super) components: Vec<Component>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Application,
    File,
    Library,
    MachineLearningModel,
    OperatingSystem,
}

#[derive(Debug, Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    pub(super) bom_ref: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(rename = "licenses", skip_serializing_if = "Vec::is_empty")]
    pub(super) licences: Vec<Licence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    /// The origin of a crate that is not as its registry has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pedigree: Option<Pedigree>,
    #[serde(rename = "externalReferences", skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<Reference>,
    /// Its components.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) components: Vec<Self>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

#[derive(Debug, Serialize)]
pub(super) struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Licence {
    Expression {
        expression: String,
    },
    /// Terms that SPDX has no identifier of, by words of our own.
    Named {
        license: Name,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Name {
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReferenceKind {
    Distribution,
    Vcs,
}

#[derive(Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    kind: ReferenceKind,
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
}

#[derive(Debug, Serialize)]
pub(super) struct Pedigree {
    commits: Vec<Commit>,
    notes: &'static str,
}

#[derive(Debug, Serialize)]
struct Commit {
    uid: String,
    url: String,
}

impl Pedigree {
    pub(super) fn of_commit(commit: &str, source: &str, notes: &'static str) -> Self {
        let commits = vec![Commit { uid: commit.to_owned(), url: source.to_owned() }];
        Self { commits, notes }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) bom_ref: String,
    #[serde(rename = "dependsOn", skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) depends_on: BTreeSet<String>,
}

impl Component {
    pub(super) fn new(kind: Kind, name: String, version: String) -> Self {
        Self {
            kind,
            bom_ref: String::new(),
            name,
            version,
            hashes: Vec::new(),
            licences: Vec::new(),
            cpe: None,
            purl: None,
            pedigree: None,
            references: Vec::new(),
            components: Vec::new(),
            properties: Vec::new(),
        }
    }
}

impl Hash {
    pub(super) fn sha256(digest: &Digest) -> Self {
        Self { alg: "SHA-256", content: digest.hex() }
    }
}

impl Reference {
    pub(super) fn new(kind: ReferenceKind, url: String) -> Self {
        Self { kind, url, hashes: Vec::new() }
    }
}

impl Document {
    /// Names the document after its content, so that another content has another serial number, and gives its bytes.
    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, Error> {
        self.serial_number = None;
        let unnamed = serde_json::to_vec(&self)?;
        self.serial_number = Some(serial_number(&Digest::of(&unnamed)));
        let mut bytes = serde_json::to_vec_pretty(&self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The same of a document that is JSON already.
pub(super) fn named(mut document: Value) -> Result<Vec<u8>, Error> {
    let serial = serial_number(&Digest::of(&serde_json::to_vec(&document)?));
    if let Some(fields) = document.as_object_mut() {
        fields.insert("serialNumber".to_owned(), serial.into());
    }
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A UUID of version 8, whose bits are free but for version and variant (RFC 9562, section 5.8).
fn serial_number(digest: &Digest) -> String {
    let hex: Vec<char> = digest.hex().chars().collect();
    let part = |from: usize, count: usize| hex.iter().skip(from).take(count).collect::<String>();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 4), part(12, 3), part(15, 3), part(18, 12))
}
