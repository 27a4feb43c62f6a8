//! Protections that every released executable has, whatever its target.

use super::rules::{Report, Rule};
use super::{Hardening, Image, Kind, Relro, Signature, Stack};

pub(super) fn check(report: &mut Report, image: &Image) {
    let program = image.kind == Kind::Program;
    match image.hardening {
        Hardening::Elf { pie, relro, stack } => {
            let fix = "build it with -C relocation-model=pie, and link with -pie";
            report.unless(pie || !program, Rule::Pie, "it is loaded at a fixed address", fix);
            let fix = "build it with -C relro-level=full (link with -z relro -z now)";
            report.unless(relro == Relro::Full, Rule::Relro, "its function table stays writable", fix);
            check_stack(report, stack);
            let fix = "compile all of it as position-independent code (-fPIC), hand-written assembly too";
            report.unless(
                !image.text_relocations,
                Rule::TextRelocations,
                "its code is written to when it is loaded, which hardened systems refuse",
                fix,
            );
            check_level(report, image);
        }
        Hardening::MachO { pie } => {
            report.unless(pie || !program, Rule::Pie, "it is loaded at a fixed address", "link without -no_pie");
            let signed = image.signature != Signature::Missing || image.arch != "aarch64";
            let what = "it is not signed, and arm64 does not start such a file";
            let fix = "codesign -f -s - FILE, as the last step that changes it";
            report.unless(signed, Rule::Signature, what, fix);
            if let Some(fault) = &image.signature_fault {
                report.add(Rule::Signature, format!("{fault}: macOS kills it when it gets there"), fix);
            }
            let what = "it has no LC_UUID, and macOS 26 does not start such a file";
            let is_loaded = program || image.kind == Kind::Library;
            report.unless(image.build_id.is_some() || !is_loaded, Rule::Uuid, what, "link without -no_uuid");
        }
        Hardening::Pe { dynamic_base, high_entropy_va, nx_compat, guard_cf } => {
            let fix = "link with /DYNAMICBASE, and keep the relocations";
            report.unless(dynamic_base, Rule::Aslr, "it is loaded at a fixed address", fix);
            let wide = high_entropy_va || image.arch == "i686";
            report.unless(wide, Rule::Aslr, "its address is drawn from 32 bits only", "link with /HIGHENTROPYVA");
            report.unless(nx_compat, Rule::Dep, "its data may be executed", "link with /NXCOMPAT");
            let fix = "build it with -C control-flow-guard=yes";
            report.unless(guard_cf, Rule::Cfg, "its indirect calls are not checked", fix);
        }
    }
}

/// Every x86-64 processor has the first level.
fn check_level(report: &mut Report, image: &Image) {
    if let Some(level) = image.isa_level.filter(|level| *level > 1) {
        let what = format!("it needs x86-64-v{level}, and the loader refuses it on older processors");
        report.add(
            Rule::Processor,
            what,
            "link without -z x86-64-v2 and the like, and compile without -march=x86-64-v2 and the like",
        );
    }
}

fn check_stack(report: &mut Report, stack: Stack) {
    let what = match stack {
        Stack::NonExecutable => return,
        Stack::Executable => "its stack is executable",
        Stack::Unstated => "it does not say that its stack is not executable, so it is",
    };
    let fix = "link with -z noexecstack; an assembly file without a .note.GNU-stack section is the usual cause";
    report.add(Rule::Stack, what.to_owned(), fix);
}
