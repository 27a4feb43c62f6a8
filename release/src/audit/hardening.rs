//! Protections that every released executable has, whatever its target.

use super::finding::{Findings, Rule};
use super::{Hardening, Image, Kind, Relro, Signature, Stack};

pub(super) fn check(findings: &mut Findings, image: &Image) {
    let program = image.kind == Kind::Program;
    match image.hardening {
        Hardening::Elf { pie, relro, stack } => {
            let fix = "build it with -C relocation-model=pie, and link with -pie";
            findings.unless(pie || !program, Rule::Pie, "it is loaded at a fixed address", fix);
            let fix = "build it with -C relro-level=full (link with -z relro -z now)";
            findings.unless(relro == Relro::Full, Rule::Relro, "its function table stays writable", fix);
            check_stack(findings, stack);
            let fix = "compile all of it as position-independent code (-fPIC), hand-written assembly too";
            findings.unless(
                !image.text_relocations,
                Rule::TextRelocations,
                "its code is written to when it is loaded, which hardened systems refuse",
                fix,
            );
            check_level(findings, image);
        }
        Hardening::MachO { pie } => {
            findings.unless(pie || !program, Rule::Pie, "it is loaded at a fixed address", "link without -no_pie");
            let signed = image.signature != Signature::Missing || image.arch != "aarch64";
            let what = "it is not signed, and arm64 does not start such a file";
            let fix = "codesign -f -s - FILE, as the last step that changes it";
            findings.unless(signed, Rule::Signature, what, fix);
            if let Some(fault) = &image.signature_fault {
                findings.add(Rule::Signature, format!("{fault}: macOS kills it when it gets there"), fix);
            }
            let what = "it has no LC_UUID, and macOS 26 does not start such a file";
            let is_loaded = program || image.kind == Kind::Library;
            findings.unless(image.build_id.is_some() || !is_loaded, Rule::Uuid, what, "link without -no_uuid");
        }
        Hardening::Pe { dynamic_base, high_entropy_va, nx_compat, guard_cf } => {
            let fix = "link with /DYNAMICBASE, and keep the relocations";
            findings.unless(dynamic_base, Rule::Aslr, "it is loaded at a fixed address", fix);
            let wide = high_entropy_va || image.arch == "i686";
            findings.unless(wide, Rule::Aslr, "its address is drawn from 32 bits only", "link with /HIGHENTROPYVA");
            findings.unless(nx_compat, Rule::Dep, "its data may be executed", "link with /NXCOMPAT");
            let fix = "build it with -C control-flow-guard=yes";
            findings.unless(guard_cf, Rule::Cfg, "its indirect calls are not checked", fix);
        }
    }
}

/// Every x86-64 processor has the first level.
fn check_level(findings: &mut Findings, image: &Image) {
    if let Some(level) = image.isa_level.filter(|level| *level > 1) {
        let what = format!("it needs x86-64-v{level}, and the loader refuses it on older processors");
        findings.add(
            Rule::Processor,
            what,
            "link without -z x86-64-v2 and the like, and compile without -march=x86-64-v2 and the like",
        );
    }
}

fn check_stack(findings: &mut Findings, stack: Stack) {
    let what = match stack {
        Stack::NonExecutable => return,
        Stack::Executable => "its stack is executable",
        Stack::Unstated => "it does not say that its stack is not executable, so it is",
    };
    let fix = "link with -z noexecstack; an assembly file without a .note.GNU-stack section is the usual cause";
    findings.add(Rule::Stack, what.to_owned(), fix);
}
