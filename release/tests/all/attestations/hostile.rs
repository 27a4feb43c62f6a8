//! Bytes that were made to hurt: they end in an error, never in a panic.

use proptest::prelude::*;
use sayna_release::attest::{Bundle, Trust};

use super::{PROVENANCE, STAGING, read};

fn survives(bytes: &[u8]) {
    let trust = Trust::new(None).unwrap();
    for bundle in Bundle::parse("it", bytes).into_iter().flatten() {
        let _either = trust.open(&bundle);
    }
}

#[test]
fn truncated_bundles_are_errors_wherever_they_end() {
    let bytes = read(PROVENANCE);
    for end in (0..bytes.trim_ascii_end().len()).step_by(7) {
        assert!(Bundle::parse("it", &bytes[..end]).is_err(), "{end}");
    }
}

#[test]
fn documents_that_are_no_bundles_are_errors() {
    let deep = "[".repeat(100_000);
    let mut twice: serde_json::Value = serde_json::from_slice(&read(PROVENANCE)).unwrap();
    let signatures = twice["dsseEnvelope"]["signatures"].as_array_mut().unwrap();
    signatures.push(signatures[0].clone());
    let twice = twice.to_string();
    for text in ["", " \n\n", "null", "{}", "[]", "1 2", "{\"mediaType\":1}", &deep, "\u{feff}{}", &twice] {
        let error = Bundle::parse("it", text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("it: not a list of attestation bundles"), "{error}");
        assert!(error.hint().is_some());
    }
    assert!(Bundle::parse("it", &[0xff, 0xfe, 0x00]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
    }

    #[test]
    fn no_change_of_a_real_bundle_makes_it_panic(
        staging in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = read(if staging { STAGING } else { PROVENANCE });
        for (index, byte) in changes {
            let position = index.index(bytes.len());
            bytes[position] = byte;
        }
        survives(&bytes);
    }
}
