//! The row on the program that fills in the checklist: whether it is a file of the release that it looks at.

use std::fs::File;
use std::io;

use super::{Context, Evidence, Outcome, Verdict, pass};
use crate::digest::Digest;
use crate::manifest::Manifest;

/// Compares the running program with the executables that the manifest names. One that is none of them fails nothing: it was
/// built from source, or is of another version. A program that was changed may say anything here, which is why its own archive
/// has rows of its own, and other tools check it.
pub(super) fn itself(context: &mut Context<'_>) -> Outcome {
    let manifest = context.manifest()?;
    let not_here = |evidence| Ok(Evidence { verdict: Verdict::NotHere, evidence });
    match running() {
        Ok(digest) => match listed(manifest, digest) {
            Some(evidence) => pass(evidence),
            None => not_here(unlisted(manifest, digest)),
        },
        Err(error) => not_here(format!("this program cannot read its own file ({error})")),
    }
}

/// The digest of the running program. On Linux the kernel has the file open, whatever has become of its name.
fn running() -> io::Result<Digest> {
    let opened = if cfg!(target_os = "linux") { File::open("/proc/self/exe").ok() } else { None };
    let mut file = match opened {
        Some(file) => file,
        None => File::open(std::env::current_exe()?)?,
    };
    Ok(Digest::of_reader(&mut file)?.0)
}

fn listed(manifest: &Manifest, digest: Digest) -> Option<String> {
    let entry = manifest.binaries.iter().find(|entry| entry.binary.digest == digest)?;
    Some(format!("{} of {}, {digest}", entry.binary.name, entry.archive.name))
}

fn unlisted(manifest: &Manifest, digest: Digest) -> String {
    let own = env!("CARGO_PKG_VERSION");
    let origin =
        if manifest.version.to_string() == own { "built from source".to_owned() } else { format!("of version {own}") };
    format!("this program is not of this release: {origin}, {digest}")
}
