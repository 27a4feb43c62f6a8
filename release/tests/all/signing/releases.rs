//! GitHub's own instance, as the tests have it: an authority for the service of releases, and one for the time (RFC 3161). It has
//! no log.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SigningKey as _, date_time_ymd,
};
use sayna_release::attest::Subject;
use serde_json::{Value, json};

use super::{base64, der, lengths, sha256, to_be_signed};

/// When everything is signed.
const TIME: &str = "20251009085320Z";
const SHA256: [u8; 11] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const ECDSA_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: [u8; 13] = [0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const POLICY: [u8; 5] = [0x06, 0x03, 0x2a, 0x03, 0x04];

/// The one instance of a test run.
pub(crate) static SERVICE: LazyLock<Service> = LazyLock::new(Service::new);

pub(crate) struct Service {
    authority: Issuer<'static, KeyPair>,
    root: Vec<u8>,
    clock: KeyPair,
    clock_certificate: Vec<u8>,
}

/// What the service states.
#[derive(Clone)]
pub(crate) struct Stated {
    pub(crate) signer: &'static str,
    pub(crate) predicate: &'static str,
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) object: String,
    pub(crate) assets: Vec<Subject>,
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

impl Service {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "releases of the tests");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let root = params.self_signed(&key).unwrap().der().to_vec();
        let authority = Issuer::new(params, key);
        let clock = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
        params.serial_number = Some(vec![7].into());
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
        let clock_certificate = params.signed_by(&clock, &authority).unwrap().der().to_vec();
        Self { authority, root, clock, clock_certificate }
    }

    /// The root, as the second line of `gh attestation trusted-root`.
    pub(crate) fn trusted_root(&self) -> Value {
        let chain = |certificates: &[&Vec<u8>]| {
            let all: Vec<Value> = certificates.iter().map(|c| json!({"rawBytes": base64(c)})).collect();
            json!([{
                "subject": {"organization": "GitHub, Inc.", "commonName": "example"},
                "uri": "https://authority.example",
                "certChain": {"certificates": all},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": chain(&[&self.root]),
            "timestampAuthorities": chain(&[&self.clock_certificate, &self.root]),
        })
    }

    fn certify(&self, key: &KeyPair, signer: &str) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(signer.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.serial_number = Some(vec![8].into());
        (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2026, 1, 1));
        params.signed_by(key, &self.authority).unwrap().der().to_vec()
    }

    /// A time stamp of a signature: `ContentInfo` with `SignedData` (RFC 3161, section 2.4.2; RFC 5652, section 5).
    fn stamp(&self, signature: &[u8]) -> Vec<u8> {
        let hash = sequence(&[&SHA256]);
        let imprint = sequence(&[&hash, &der(0x04, &sha256(signature))]);
        let info = sequence(&[&[2, 1, 1], &POLICY, &imprint, &[2, 1, 9], &der(0x18, TIME.as_bytes())]);
        let attribute = |kind: &[u8], value: &[u8]| sequence(&[kind, &der(0x31, value)]);
        let kind = attribute(&CONTENT_TYPE, &TST_INFO);
        let attributes = [kind, attribute(&MESSAGE_DIGEST, &der(0x04, &sha256(&info)))].concat();
        let signed = self.clock.sign(&der(0x31, &attributes)).unwrap();
        let identity = sequence(&[issuer(&self.clock_certificate), &[2, 1, 7]]);
        let algorithm = sequence(&[&ECDSA_SHA256]);
        let about = sequence(&[&[2, 1, 1], &identity, &hash, &der(0xa0, &attributes), &algorithm, &der(0x04, &signed)]);
        let content = sequence(&[&TST_INFO, &der(0xa0, &der(0x04, &info))]);
        let data = sequence(&[&[2, 1, 3], &der(0x31, &hash), &content, &der(0x31, &about)]);
        let token = sequence(&[&SIGNED_DATA, &der(0xa0, &data)]);
        sequence(&[&sequence(&[&[2, 1, 0]]), &token])
    }

    /// A bundle of what the service states.
    pub(crate) fn sign(&self, stated: &Stated) -> Value {
        let purl = format!("pkg:github/{}@{}", stated.repository, stated.tag);
        let tag = json!({"uri": purl, "digest": {"sha1": stated.object}});
        let asset = |s: &Subject| json!({"name": s.name, "digest": {"sha256": s.digest.hex()}});
        let subjects: Vec<Value> = std::iter::once(tag).chain(stated.assets.iter().map(asset)).collect();
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": subjects,
            "predicateType": stated.predicate,
            "predicate": {
                "databaseId": "1", "ownerId": "1", "packageId": "1", "repositoryId": "1",
                "purl": purl, "repository": stated.repository, "tag": stated.tag,
            },
        });
        let payload = statement.to_string();
        let key = KeyPair::generate().unwrap();
        let kind = "application/vnd.in-toto+json";
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let signature = key.sign(signed.as_bytes()).unwrap();
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(&self.certify(&key, stated.signer))},
                "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": base64(&self.stamp(&signature))}]},
            },
            "dsseEnvelope": {
                "payload": base64(payload.as_bytes()),
                "payloadType": kind,
                "signatures": [{"sig": base64(&signature)}],
            },
        })
    }
}

/// The issuer's name in a certificate: after version, number and algorithm.
fn issuer(certificate: &[u8]) -> &[u8] {
    let inner = to_be_signed(certificate);
    let mut rest = &inner[lengths(inner).0..];
    for _ in 0..3 {
        let (header, content) = lengths(rest);
        rest = &rest[header + content..];
    }
    let (header, content) = lengths(rest);
    &rest[..header + content]
}
