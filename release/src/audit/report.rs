//! An audit for people: one row for each thing that was looked at, then what is wrong with it and how to fix it.

use std::path::Path;

use super::{Facts, Finding, Hardening, Image, Kind, Relro, Rule, Signature, Stack};
use crate::shown::on_one_line;
use crate::shown::palette::{BAD, GOOD, QUIET, TITLE, megabytes};

/// The width of the first column: the longest label.
const LABEL: usize = 16;

/// One row: what was looked at, what was found, and the rules that judge it.
struct Row(&'static str, String, &'static [Rule]);

/// The table of one file. It holds ANSI styles; print it through `anstream`, which removes them where they do not fit.
pub fn render(path: &Path, facts: &Facts, findings: &[Finding]) -> String {
    let mut out = String::new();
    let size = megabytes(facts.size);
    line(
        &mut out,
        format_args!("{TITLE}{}{TITLE:#}  {QUIET}{size}{QUIET:#}", on_one_line(&path.display().to_string())),
    );
    for image in &facts.images {
        if facts.images.len() > 1 {
            line(&mut out, format_args!("  {TITLE}{}{TITLE:#}", image.arch));
        }
        for row in image_rows(image) {
            print_row(&mut out, &row, findings);
        }
    }
    let paths = [
        Row("Nix store", mentions(facts.store_paths.count), &[Rule::StorePath]),
        Row("build machine", mentions(facts.build_paths.count), &[Rule::BuildPath]),
        Row("crates listed", facts.crates.map_or_else(|| "no list".to_owned(), |n| n.to_string()), &[Rule::Crates]),
    ];
    for row in paths {
        print_row(&mut out, &row, findings);
    }
    verdict(&mut out, findings);
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.push_str(&text.to_string());
    out.push('\n');
}

fn print_row(out: &mut String, row: &Row, findings: &[Finding]) {
    let Row(label, value, rules) = row;
    let wrong = findings.iter().any(|finding| rules.contains(&finding.rule));
    let (style, mark) = match (rules.is_empty(), wrong) {
        (true, _) => (QUIET, "·"),
        (false, false) => (GOOD, "✓"),
        (false, true) => (BAD, "✗"),
    };
    line(out, format_args!("  {style}{mark}{style:#} {label:<LABEL$} {value}"));
}

fn verdict(out: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        line(out, format_args!("  {GOOD}nothing found{GOOD:#}"));
        return;
    }
    let plural = if findings.len() == 1 { "" } else { "s" };
    line(out, format_args!("  {BAD}{} finding{plural}{BAD:#}", findings.len()));
    for finding in findings {
        let rule = name(finding.rule);
        line(out, format_args!("    {BAD}{rule}{BAD:#}: {}", finding.what));
        line(out, format_args!("      {QUIET}fix:{QUIET:#} {}", finding.fix));
    }
}

/// The rule's name as JSON has it.
fn name(rule: Rule) -> String {
    serde_json::to_value(rule).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn image_rows(image: &Image) -> Vec<Row> {
    let kind = match image.kind {
        Kind::Program => "program",
        Kind::Library => "library",
        Kind::Other => "neither program nor library",
    };
    let what = format!("{} {}, {kind}", image.format.name(), image.arch);
    let mut rows = vec![Row("file", what, &[Rule::Format, Rule::Architecture])];
    match &image.loader {
        Some(loader) => rows.push(Row("loader", loader.clone(), &[Rule::Loader])),
        None if image.format == super::Format::Elf => rows.push(Row("loader", "none".to_owned(), &[Rule::Loader])),
        None => {}
    }
    rows.push(Row("libraries", listed(&image.needed), &[Rule::Libraries, Rule::Redistributable]));
    if !image.optional.is_empty() {
        rows.push(Row("loaded later", listed(&image.optional), &[Rule::Libraries, Rule::Redistributable]));
    }
    if image.format != super::Format::Pe {
        rows.push(Row("search paths", listed(&image.search_paths), &[Rule::SearchPath]));
    }
    for need in &image.symbol_versions {
        let by = need.symbol.as_ref().map_or_else(String::new, |symbol| format!(" by {symbol}"));
        let (label, rules): (_, &'static [Rule]) = match need.family.as_str() {
            "GLIBC" => ("glibc", &[Rule::Glibc]),
            "GLIBCXX" | "CXXABI" => ("libstdc++", &[Rule::Libstdcxx]),
            "GCC" => ("libgcc", &[Rule::Libgcc]),
            _ => ("symbols", &[]),
        };
        rows.push(Row(label, format!("{}{by}", need.name), rules));
    }
    if let Some(version) = &image.minimum_os {
        let system = if image.format == super::Format::Pe { "Windows" } else { "macOS" };
        rows.push(Row("minimum system", format!("{system} {version}"), &[Rule::MinimumOs]));
    }
    rows.extend(protections(image));
    if let Some(id) = &image.build_id {
        let rules: &'static [Rule] = if image.format == super::Format::MachO { &[Rule::Uuid] } else { &[] };
        rows.push(Row("build id", id.clone(), rules));
    } else if image.format == super::Format::MachO {
        rows.push(Row("build id", "none".to_owned(), &[Rule::Uuid]));
    }
    rows
}

fn protections(image: &Image) -> Vec<Row> {
    let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
    match image.hardening {
        Hardening::Elf { pie, relro, stack } => {
            let relro = match relro {
                Relro::None => "none",
                Relro::Partial => "partial",
                Relro::Full => "full",
            };
            let stack = match stack {
                Stack::NonExecutable => "not executable",
                Stack::Executable => "executable",
                Stack::Unstated => "not stated",
            };
            let mut rows = vec![
                Row("PIE", yes(pie), &[Rule::Pie]),
                Row("RELRO", relro.to_owned(), &[Rule::Relro]),
                Row("stack", stack.to_owned(), &[Rule::Stack]),
            ];
            if image.text_relocations {
                rows.push(Row("code", "written to when loaded".to_owned(), &[Rule::TextRelocations]));
            }
            rows.extend(image.isa_level.map(|level| Row("processor", format!("x86-64-v{level}"), &[Rule::Processor])));
            rows
        }
        Hardening::MachO { pie } => {
            let signature = match image.signature {
                Signature::NotApplicable => "not applicable",
                Signature::Missing => "none",
                Signature::AdHoc => "ad hoc",
                Signature::Certificate => "by certificate",
            };
            let signature = if image.signature_fault.is_some() {
                format!("{signature}, of other bytes")
            } else {
                signature.to_owned()
            };
            vec![Row("PIE", yes(pie), &[Rule::Pie]), Row("signature", signature, &[Rule::Signature])]
        }
        Hardening::Pe { dynamic_base, high_entropy_va, nx_compat, guard_cf } => {
            let aslr = match (dynamic_base, high_entropy_va) {
                (true, true) => "yes, of 64 bits",
                (true, false) => "yes, of 32 bits",
                (false, _) => "no",
            };
            vec![
                Row("ASLR", aslr.to_owned(), &[Rule::Aslr]),
                Row("DEP", yes(nx_compat), &[Rule::Dep]),
                Row("CFG", yes(guard_cf), &[Rule::Cfg]),
            ]
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn mentions(count: u64) -> String {
    match count {
        0 => "not mentioned".to_owned(),
        1 => "mentioned once".to_owned(),
        _ => format!("mentioned {count} times"),
    }
}

impl Facts {
    /// Format, processor, and the newest of each that a system must have.
    pub fn summary(&self) -> String {
        let images = self.images.iter().map(|image| {
            let newest = image.symbol_versions.iter().map(|v| v.name.clone());
            let oldest = image.minimum_os.iter().map(|v| format!("system {v}"));
            let needs: Vec<String> = newest.chain(oldest).collect();
            format!(
                "{} {}, needs {}",
                image.format.name(),
                image.arch,
                if needs.is_empty() { "nothing".to_owned() } else { needs.join(" ") }
            )
        });
        images.collect::<Vec<_>>().join("; ")
    }
}
