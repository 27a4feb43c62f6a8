//! Damaged and hostile files: an answer or an error, never a panic, and never more work than the file is worth.

use proptest::prelude::*;
use sayna_release::audit::{self, Error};

use super::fixtures::{Elf, MachO, Pe};

fn fixtures() -> Vec<Vec<u8>> {
    let pe32 = Pe { machine: 0x14c, is_64: false, ..Pe::default() };
    vec![
        Elf { rpath: Some("/x"), text: b"/home/ann/x.rs", ..Elf::default() }.build(),
        MachO { rpath: Some("@loader_path"), ..MachO::default() }.build(),
        MachO::universal(&[MachO::default(), MachO::default()]),
        Pe { delayed: vec!["x.dll"], ..Pe::default() }.build(),
        pe32.build(),
    ]
}

/// Checks the audit of any input: it ends, and its result is bounded and can be used.
fn survives(bytes: &[u8]) {
    match audit::facts(bytes) {
        Ok(facts) => {
            let findings = audit::findings(&facts, None);
            assert!(!audit::render("x".as_ref(), &facts, &findings).is_empty());
            assert!(serde_json::to_string(&facts).unwrap().len() < 64_000 + 16 * bytes.len());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn every_beginning_of_a_file_is_survived() {
    for file in fixtures() {
        audit::facts(&file).unwrap();
        (0..file.len()).for_each(|length| survives(&file[..length]));
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    for file in fixtures() {
        let mut file = file;
        for at in 0..file.len() {
            for bit in 0..8 {
                file[at] ^= 1 << bit;
                survives(&file);
                file[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn every_extreme_word_is_survived() {
    for file in fixtures() {
        for at in 0..file.len() - 4 {
            for word in [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX, u32::try_from(file.len()).unwrap()] {
                let mut file = file.clone();
                file[at..at + 4].copy_from_slice(&word.to_le_bytes());
                survives(&file);
                file[at..at + 4].copy_from_slice(&word.to_be_bytes());
                survives(&file);
            }
        }
    }
}

/// What the fuzzer starts from, and whatever it once found, is read in the ordinary suite too.
#[test]
fn the_fuzzers_corpus_is_survived() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/audit");
    let files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(files.len() >= fixtures().len());
    for file in files {
        survives(&file);
    }
}

#[test]
fn cut_files_say_that_they_are_damaged() {
    let file = MachO::default().build();
    let error = audit::facts(&file[..file.len() - 8]).unwrap_err();
    assert_eq!(error.to_string(), "this Mach-O file is damaged: its code signature ends beyond the file");
    assert!(error.hint().unwrap().contains("partial download"));
}

#[test]
fn other_files_are_no_executables() {
    let texts: [&[u8]; 4] = [b"", b"#!/bin/sh\n", b"\xca\xfe\xba\xbe\0\0\0\x41\0\x10", b"PK\x03\x04"];
    for bytes in texts {
        let error = audit::facts(bytes).unwrap_err();
        assert!(matches!(error, Error::UnknownFormat { .. }), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(audit::read(folder.path()).unwrap_err(), Error::NotAFile { .. }));
    let missing = audit::read(&folder.path().join("missing")).unwrap_err();
    assert!(missing.to_string().contains("missing"), "{missing}");
}

/// Records that point at themselves would be read for ever by a reader that believes them.
#[test]
fn a_list_without_end_is_refused() {
    let libraries = vec!["kernel32.dll"; 5000];
    let error = audit::facts(&Pe { imports: libraries, ..Pe::default() }.build()).unwrap_err();
    assert!(error.to_string().contains("more entries than a linker writes"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_mutation_is_survived(
        which in 0..5_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut file = fixtures().swap_remove(which);
        for (at, byte) in edits {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        survives(&file);
    }

    #[test]
    fn any_bytes_after_a_magic_are_survived(
        magic in prop::sample::select(vec![&b"\x7fELF\x02\x01\x01"[..], b"\x7fELF\x01\x02\x01", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbf\0\0\0\x02", b"MZ"]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        survives(&[magic, &rest].concat());
    }
}
