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
        }
        Hardening::MachO { pie } => {
            report.unless(pie || !program, Rule::Pie, "it is loaded at a fixed address", "link without -no_pie");
            let signed = image.signature != Signature::Missing || image.arch != "aarch64";
            let what = "it is not signed, and arm64 does not start such a file";
            report.unless(signed, Rule::Signature, what, "codesign -f -s - FILE, as the last step that changes it");
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

fn check_stack(report: &mut Report, stack: Stack) {
    let what = match stack {
        Stack::NonExecutable => return,
        Stack::Executable => "its stack is executable",
        Stack::Unstated => "it does not say that its stack is not executable, so it is",
    };
    let fix = "link with -z noexecstack; an assembly file without a .note.GNU-stack section is the usual cause";
    report.add(Rule::Stack, what.to_owned(), fix);
}
