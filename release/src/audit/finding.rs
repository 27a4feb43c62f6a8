//! Rules of the audit, and the findings that break them.

use std::fmt;

use serde::Serialize;

/// A rule that an executable has to keep. The names are stable: `--json` and the tables print them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The format is the one of the target's system.
    Format,
    /// The processor is the target's.
    Architecture,
    /// The loader is where every such system has it.
    Loader,
    /// Only listed libraries are asked for.
    Libraries,
    /// No library comes from a redistributable package that has to be installed first.
    Redistributable,
    /// Libraries are searched where the system has them only.
    SearchPath,
    /// No glibc symbol is newer than the floor.
    Glibc,
    /// No libstdc++ symbol is needed.
    Libstdcxx,
    /// No libgcc symbol is newer than the floor's systems have.
    Libgcc,
    /// The system's version is at most the floor.
    MinimumOs,
    /// No Nix store is mentioned.
    StorePath,
    /// No path of the build machine is mentioned.
    BuildPath,
    /// The list of crates inside, where there is one, can be read.
    Crates,
    /// Position independent.
    Pie,
    /// Relocations are read-only after start.
    Relro,
    /// The stack is not executable.
    Stack,
    /// No processor is needed that is newer than the target's first.
    Processor,
    /// The loader does not write into the code.
    TextRelocations,
    /// Signed, where the system refuses what is not; and the signature is of these bytes.
    Signature,
    /// The linker's identity is there, where the system refuses a file without it.
    Uuid,
    /// Loaded at a random address.
    Aslr,
    /// Data is not executed.
    Dep,
    /// Indirect calls are checked.
    Cfg,
}

/// One broken rule of an executable, with its fix. A build that has one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// The problem, in words.
    pub what: String,
    /// The fix.
    pub fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.fix)
    }
}

/// Collects the findings of one file while the rules run over it.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, rule: Rule, what: String, fix: impl Into<String>) {
        self.0.push(Finding { rule, what, fix: fix.into() });
    }

    pub(super) fn unless(&mut self, holds: bool, rule: Rule, what: &str, fix: &str) {
        if !holds {
            self.add(rule, what.to_owned(), fix);
        }
    }
}
