//! What loaders refuse: signed bytes that were changed, a missing identity, a processor or a libgcc that is too old, code that
//! has to be written to.

use std::fs;
use std::process::Command;

use sayna_release::audit::{self, Rule};

use super::fixtures::{Elf, MachO};
use super::foreign::wheel;
use super::rules::{LINUX, MAC, breaks, broken};

#[test]
fn every_changed_byte_of_a_signed_program_is_found() {
    let program = MachO::default().build();
    let signed = program.windows(4).position(|w| w == 0xfade_0cc0_u32.to_be_bytes()).unwrap();
    let mut found = 0;
    for at in 0..signed {
        let mut changed = program.clone();
        changed[at] ^= 1;
        // Load commands that contradict themselves are damage already.
        let Ok(facts) = audit::facts(&changed) else { continue };
        if facts.images[0].signature == audit::Signature::Missing {
            continue;
        }
        let findings = audit::findings(&facts, None);
        let what = findings.iter().find(|f| f.rule == Rule::Signature).map(|f| f.what.as_str());
        assert!(what.is_some_and(|what| what.contains("not those that were signed")), "{at}: {findings:?}");
        found += 1;
    }
    assert!(found > signed / 2, "{found} of {signed}");
}

#[test]
fn a_signature_of_another_length_is_found() {
    let program = MachO::default().build();
    let at = program.windows(4).position(|w| w == 0xfade_0c02_u32.to_be_bytes()).unwrap();
    // The fields `nCodeSlots` and `codeLimit` of the code directory.
    for (field, words) in [(28, "digests of"), (32, "lie before it")] {
        let mut other = program.clone();
        other[at + field + 3] -= 1;
        breaks(MAC, &other, Rule::Signature, &[words, "codesign"]);
    }
}

#[test]
fn a_mac_program_has_an_identity_and_no_foreign_library_that_it_can_do_without() {
    breaks(MAC, &MachO { uuid: false, ..MachO::default() }.build(), Rule::Uuid, &["LC_UUID", "no_uuid"]);
    let weak = |name| MachO { weak: Some(name), ..MachO::default() }.build();
    assert_eq!(broken(MAC, &weak("/System/Library/Frameworks/ScreenCaptureKit.framework/ScreenCaptureKit")), []);
    for name in ["/opt/homebrew/lib/libz.dylib", "@rpath/libz.dylib"] {
        breaks(MAC, &weak(name), Rule::Libraries, &[name]);
    }
}

#[test]
fn a_processor_above_the_first_level_is_refused() {
    for bits in [None, Some(1)] {
        assert_eq!(broken(LINUX, &Elf { isa: bits, ..Elf::default() }.build()), []);
    }
    for (bits, level) in [(2, "x86-64-v2"), (3, "x86-64-v2"), (4, "x86-64-v3"), (0xf, "x86-64-v4")] {
        breaks(LINUX, &Elf { isa: Some(bits), ..Elf::default() }.build(), Rule::Processor, &[level, "-march"]);
    }
}

#[test]
fn text_relocations_are_refused() {
    breaks(LINUX, &Elf { text_relocations: true, ..Elf::default() }.build(), Rule::TextRelocations, &["-fPIC"]);
}

#[test]
fn a_libgcc_newer_than_the_floors_is_refused() {
    let with = |version| Elf { versions: vec![("libgcc_s.so.1", version, false)], ..Elf::default() }.build();
    for version in ["GCC_3.0", "GCC_4.2.0", "GCC_7.0.0", "GCC_11.0"] {
        assert_eq!(broken(LINUX, &with(version)), [], "{version}");
    }
    for version in ["GCC_12.0.0", "GCC_13.0.0", "GCC_14.0.0"] {
        breaks(LINUX, &with(version), Rule::Libgcc, &[version, "libgcc_s.so.1", "glibc 2.34", "-static-libgcc"]);
    }
}

/// The real linker's notes and tags.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn executables_of_gcc_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("a.c"), folder.path().join("a"));
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let rules = |flags: &[&str]| {
        let output = Command::new("cc").args(flags).arg(&source).arg("-o").arg(&program).output().unwrap();
        assert!(output.status.success(), "{flags:?}: {}", String::from_utf8_lossy(&output.stderr));
        let facts = audit::read(&program).unwrap();
        audit::findings(&facts, None).into_iter().map(|f| f.rule).collect::<Vec<_>>()
    };
    let plain = ["-pie", "-fPIE", "-Wl,-z,relro,-z,now"];
    assert_eq!(rules(&plain), []);
    for level in ["x86-64-v2", "x86-64-v3", "x86-64-v4"] {
        assert_eq!(rules(&[&plain[..], &[&format!("-Wl,-z,{level}")]].concat()), [Rule::Processor], "{level}");
    }
    let assembly = "__asm__(\".text\\n.globl f\\nf: .quad main\\n\");\nint main(void) { return 0; }\n";
    fs::write(&source, assembly).unwrap();
    assert_eq!(rules(&[&plain[..], &["-Wl,-z,notext"]].concat()), [Rule::TextRelocations]);
}

/// Programs that many people run: whatever is found in them is true, and one changed byte is found too.
#[test]
#[ignore = "needs pip"]
fn signatures_of_well_known_tools_hold_until_a_byte_is_changed() {
    for tool in ["ruff", "uv", "cmake", "ninja"] {
        let folder = tempfile::tempdir().unwrap();
        let mut signed = 0;
        for path in wheel(tool, "macosx_11_0_arm64", folder.path()) {
            let mut bytes = fs::read(&path).unwrap();
            let Ok(facts) = audit::facts(&bytes) else { continue };
            let rules = |facts| audit::findings(facts, None).into_iter().map(|f| f.rule).collect::<Vec<_>>();
            let found = rules(&facts);
            assert!(!found.contains(&Rule::Signature) && !found.contains(&Rule::Uuid), "{}: {found:?}", path.display());
            let arm = facts.images.last().unwrap();
            assert_eq!(arm.arch, "aarch64", "{}", path.display());
            // The last quarter of a universal file is inside of its last slice, and far from the end of what is signed.
            let at = bytes.len() / 4 * 3;
            bytes[at] ^= 0x10;
            let changed = audit::facts(&bytes).unwrap();
            assert!(rules(&changed).contains(&Rule::Signature), "{}", path.display());
            signed += 1;
        }
        assert!(signed > 0, "{tool}");
    }
}
