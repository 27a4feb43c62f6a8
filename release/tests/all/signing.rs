//! A Sigstore of our own: authority, certificate log and transparency log with keys that live as long as the test run.
//! What it signs verifies by its own trusted root and by no other.

pub(crate) mod releases;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SigningKey as _, date_time_ymd,
};
use sayna_release::attest::{self, Predicate, Subject};
use sayna_release::digest::Digest;
use sayna_release::manifest::Manifest;
use sayna_release::name::SUMS;
use sayna_release::part::{BinaryPart, Part};
use sayna_release::plan::Plan;
use sayna_release::sums;
use serde_json::{Value, json};

const SIGNED: u64 = 1_760_000_000;

/// The one instance of a test run.
pub(crate) static INSTANCE: LazyLock<Instance> = LazyLock::new(Instance::new);

pub(crate) struct Instance {
    authority: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
    issuer_key: Vec<u8>,
    certificates: KeyPair,
    log: KeyPair,
}

/// The requester of a signature, as the claims of GitHub's token.
#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) issuer: String,
    pub(crate) repository: String,
    pub(crate) workflow: String,
    pub(crate) reference: String,
    pub(crate) commit: String,
}

impl Claim {
    /// A workflow of this project, of the plan's tag and commit.
    pub(crate) fn of(plan: &Plan, workflow: &str) -> Self {
        Self {
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            repository: plan.source.clone(),
            workflow: format!(".github/workflows/{workflow}"),
            reference: format!("refs/tags/{}", plan.tag),
            commit: plan.commit.clone(),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    hex::decode(Digest::of(bytes).hex()).unwrap()
}

/// A DER value of that tag.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 128 => bytes.push(short),
        Ok(long) => bytes.extend([0x81, long]),
        Err(_) => bytes.extend([&[0x82], &u16::try_from(length).unwrap().to_be_bytes()[..]].concat()),
    }
    [bytes, content.to_vec()].concat()
}

/// Header and content lengths of the DER value at the beginning.
fn lengths(bytes: &[u8]) -> (usize, usize) {
    let first = usize::from(bytes[1]);
    if first < 128 {
        return (2, first);
    }
    let more = first - 128;
    (2 + more, bytes[2..2 + more].iter().fold(0, |sum, b| sum << 8 | usize::from(*b)))
}

/// What a certificate's signature is over.
fn to_be_signed(certificate: &[u8]) -> &[u8] {
    let inner = &certificate[lengths(certificate).0..];
    let (header, content) = lengths(inner);
    &inner[..header + content]
}

impl Instance {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let issuer_key = spki(&key);
        let (certificates, log) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        Self { authority: Issuer::new(params, key), certificate, issuer_key, certificates, log }
    }

    /// Writes the roots of this instance and of GitHub's service, one a line.
    pub(crate) fn write_root(&self, path: &Path) {
        let from = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &KeyPair, url: &str| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": base64(&spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": from},
                "logId": {"keyId": base64(&sha256(&spki(key)))},
            })
        };
        let root = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.log, "https://log.example")],
            "ctlogs": [log(&self.certificates, "https://certificates.example")],
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "example"},
                "uri": "https://authority.example",
                "certChain": {"certificates": [{"rawBytes": base64(&self.certificate)}]},
                "validFor": from,
            }],
        });
        fs::write(path, format!("{root}\n{}\n", releases::SERVICE.trusted_root())).unwrap();
    }

    /// A certificate with the claims, and its entry in the certificate log.
    fn certify(&self, key: &KeyPair, claim: &Claim) -> (Vec<u8>, String) {
        let workflow = format!("{}/{}@{}", claim.repository, claim.workflow, claim.reference);
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(workflow.as_str().try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.serial_number = Some(vec![1].into());
        (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2026, 1, 1));
        let run = format!("{}/actions/runs/1/attempts/1", claim.repository);
        for (number, text) in [
            (8, &claim.issuer),
            (9, &workflow),
            (11, &"github-hosted".to_owned()),
            (12, &claim.repository),
            (13, &claim.commit),
            (14, &claim.reference),
            (21, &run),
        ] {
            let oid = [1, 3, 6, 1, 4, 1, 57264, 1, number];
            params.custom_extensions.push(CustomExtension::from_oid_content(&oid, der(0x0c, text.as_bytes())));
        }
        let before = params.signed_by(key, &self.authority).unwrap();
        let entry = self.certificate_log_entry(to_be_signed(before.der()));
        let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
        params.custom_extensions.push(CustomExtension::from_oid_content(&oid, der(0x04, &entry)));
        let der = params.signed_by(key, &self.authority).unwrap().der().to_vec();
        let pem = base64(&der).as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l) + "\n").collect::<String>();
        (der, format!("-----BEGIN CERTIFICATE-----\n{pem}-----END CERTIFICATE-----\n"))
    }

    /// A list of one signed certificate timestamp (RFC 6962, section 3.2).
    fn certificate_log_entry(&self, tbs: &[u8]) -> Vec<u8> {
        let time = (SIGNED * 1000).to_be_bytes();
        let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let signed = [&[0, 0], &time[..], &[0, 1], &sha256(&self.issuer_key), &length[1..], tbs, &[0, 0]].concat();
        let signature = self.certificates.sign(&signed).unwrap();
        let log = sha256(&spki(&self.certificates));
        let entry = [&[0], &log[..], &time, &[0, 0, 4, 3], &short(&signature)].concat();
        short(&short(&entry))
    }

    /// A bundle of a statement.
    pub(crate) fn sign(&self, claim: &Claim, statement: &Value) -> Value {
        let key = KeyPair::generate().unwrap();
        let (certificate, pem) = self.certify(&key, claim);
        let payload = statement.to_string();
        let kind = "application/vnd.in-toto+json";
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let signature = base64(&key.sign(signed.as_bytes()).unwrap());
        let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": Digest::of(bytes).hex()});
        let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": hash(signed.as_bytes()),
            "payloadHash": hash(payload.as_bytes()),
            "signatures": [{"signature": signature, "verifier": base64(pem.as_bytes())}],
        }})
        .to_string();
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(&certificate)},
                "tlogEntries": [self.log_entry(&body)],
                "timestampVerificationData": {},
            },
            "dsseEnvelope": {
                "payload": base64(payload.as_bytes()),
                "payloadType": kind,
                "signatures": [{"sig": signature}],
            },
        })
    }

    /// The entry as the only leaf of a log of its own.
    fn log_entry(&self, body: &str) -> Value {
        let id = sha256(&spki(&self.log));
        let root = base64(&sha256(&[&[0], body.as_bytes()].concat()));
        let head = format!("log.example\n1\n{root}\n");
        let signature = base64(&[&id[..4], &self.log.sign(head.as_bytes()).unwrap()].concat());
        let hex = hex::encode(&id);
        let body = base64(body.as_bytes());
        let promise = json!({"body": body, "integratedTime": SIGNED, "logID": hex, "logIndex": 0}).to_string();
        json!({
            "canonicalizedBody": body,
            "inclusionPromise": {"signedEntryTimestamp": base64(&self.log.sign(promise.as_bytes()).unwrap())},
            "inclusionProof": {
                "checkpoint": {"envelope": format!("{head}\n\u{2014} log.example {signature}\n")},
                "hashes": [],
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
            },
            "integratedTime": SIGNED.to_string(),
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "logId": {"keyId": base64(&id)},
            "logIndex": "0",
        })
    }

    /// Provenance as `actions/attest` writes it.
    pub(crate) fn provenance(&self, claim: &Claim, subjects: &[Subject]) -> Value {
        let predicate = json!({"buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "resolvedDependencies": [{
                "uri": format!("git+{}@{}", claim.repository, claim.reference),
                "digest": {"gitCommit": claim.commit},
            }],
        }});
        self.sign(claim, &statement(Predicate::Provenance, &predicate, subjects))
    }

    /// Writes into `dist` what the workflows would leave there; `manifest` is the asset as `publish` writes it.
    pub(crate) fn attest(&self, plan: &Plan, dist: &Path, index: Option<Digest>, manifest: &[u8]) {
        for target in &plan.targets {
            let folder = dist.join(&target.folder);
            let Some(Part::Binary(part)) = Part::read(&folder).unwrap() else { panic!("no part") };
            write(&folder, &self.binary(&Claim::of(plan, "build.yml"), &folder, &part));
        }
        if let Some((image, digest)) = plan.image.as_ref().zip(index) {
            let subjects = Subject::of_image(&image.repositories, digest);
            let claim = Claim::of(plan, "images.yml");
            let document = serde_json::from_slice(&fs::read(dist.join("publish/image.cdx.json")).unwrap()).unwrap();
            let sbom = self.sign(&claim, &statement(Predicate::Sbom, &document, &subjects));
            write(&dist.join("index"), &[self.provenance(&claim, &subjects), sbom]);
        }
        let own = Digest::of(manifest);
        let sums = sums::digest(&Manifest::read(manifest).unwrap(), own);
        let subjects = [(plan.manifest.as_str(), own), (SUMS, sums)]
            .map(|(name, digest)| Subject { name: name.to_owned(), digest });
        write(&dist.join("publish"), &[self.provenance(&Claim::of(plan, "release.yml"), &subjects)]);
    }

    fn binary(&self, claim: &Claim, folder: &Path, part: &BinaryPart) -> [Value; 2] {
        let (archive, sbom) = (Subject::from(&part.archive), Subject::from(&part.sbom));
        let document: Value = serde_json::from_slice(&fs::read(folder.join(&part.sbom.name)).unwrap()).unwrap();
        [
            self.provenance(claim, &[archive.clone(), sbom]),
            self.sign(claim, &statement(Predicate::Sbom, &document, &[archive])),
        ]
    }
}

fn spki(key: &KeyPair) -> Vec<u8> {
    use rcgen::PublicKeyData as _;
    key.subject_public_key_info()
}

/// With its length in two bytes before it.
fn short(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

pub(crate) fn statement(kind: Predicate, predicate: &Value, subjects: &[Subject]) -> Value {
    let subject = |s: &Subject| json!({"name": s.name, "digest": {"sha256": s.digest.hex()}});
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": kind.uri(),
        "predicate": predicate,
    })
}

/// Writes bundles as `actions/attest` does, one a line.
pub(crate) fn write(folder: &Path, bundles: &[Value]) {
    fs::create_dir_all(folder).unwrap();
    let lines: String = bundles.iter().flat_map(|b| [b.to_string(), "\n".to_owned()]).collect();
    fs::write(folder.join(attest::FILE), lines).unwrap();
}
