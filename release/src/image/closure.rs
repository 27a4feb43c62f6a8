//! The system files that an executable needs to run: its loader and every shared library, found as the host's own loader
//! would find them, and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};

use super::Error;
use crate::atomic::At as _;

type Header = elf::FileHeader64<Endianness>;

/// What one ELF file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// `e_machine`
    pub machine: elf::Machine,
    /// The loader's path (`PT_INTERP`); a library has none.
    pub loader: Option<String>,
    /// Sonames (`DT_NEEDED`), in order.
    pub libraries: Vec<String>,
    /// Where it says to look first (`DT_RUNPATH`, `DT_RPATH`).
    pub run_paths: Vec<String>,
}

/// A file for the image: where it lies here, and where it must lie there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemFile {
    /// Its path in the image, without the first slash.
    pub inside: String,
    /// Its path on this machine.
    pub from: PathBuf,
}

/// Reads what a 64-bit ELF file asks for.
pub fn needs(path: &Path) -> Result<Needs, Error> {
    let bytes = fs::read(path).at("read", path)?;
    parse(&bytes).map_err(|source| Error::Elf { path: path.to_owned(), source })
}

/// The same of bytes in memory.
pub fn parse(bytes: &[u8]) -> Result<Needs, object::Error> {
    let header = Header::parse(bytes)?;
    let endian = header.endian()?;
    let mut needs =
        Needs { machine: header.e_machine(endian), loader: None, libraries: Vec::new(), run_paths: Vec::new() };
    let segments = header.program_headers(endian, bytes)?;
    for segment in segments {
        if let Some(loader) = segment.interpreter(endian, bytes)? {
            needs.loader = Some(String::from_utf8_lossy(loader).into_owned());
        }
    }
    let sections = header.sections(endian, bytes)?;
    let Some((entries, link)) = sections.dynamic(endian, bytes)? else { return Ok(needs) };
    let strings = sections.strings(endian, bytes, link)?;
    for entry in entries {
        let text =
            |e: &elf::Dyn64<Endianness>| e.string(endian, strings).map(|s| String::from_utf8_lossy(s).into_owned());
        match entry.tag(endian) {
            elf::DT_NEEDED => needs.libraries.push(text(entry)?),
            elf::DT_RUNPATH | elf::DT_RPATH => {
                needs.run_paths.extend(text(entry)?.split(':').map(str::to_owned));
            }
            _ => {}
        }
    }
    Ok(needs)
}

/// The folder in the image where every library goes: the first that a loader of glibc looks into on that architecture.
pub fn library_folder(arch: &str) -> Option<&'static str> {
    match arch {
        "x86_64" => Some("lib/x86_64-linux-gnu"),
        "aarch64" => Some("lib/aarch64-linux-gnu"),
        _ => None,
    }
}

/// Loader and libraries of an executable, sorted by their place in the image. A static executable needs none.
pub fn closure(executable: &Path, arch: &str) -> Result<Vec<SystemFile>, Error> {
    let first = needs(executable)?;
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut loader_name = None;
    if let Some(loader) = &first.loader {
        let inside = loader.trim_start_matches('/').to_owned();
        loader_name = Path::new(loader).file_name().map(|n| n.to_string_lossy().into_owned());
        found.insert(inside, PathBuf::from(loader));
    }
    let mut waiting: VecDeque<(PathBuf, Needs)> = VecDeque::from([(executable.to_owned(), first.clone())]);
    let mut seen = std::collections::BTreeSet::new();
    while let Some((asker, needs)) = waiting.pop_front() {
        for soname in &needs.libraries {
            if Some(soname) == loader_name.as_ref() || !seen.insert(soname.clone()) {
                continue;
            }
            let path = search(soname, &asker, &needs, arch)
                .ok_or_else(|| Error::NoLibrary { soname: soname.clone(), asker: asker.clone() })?;
            let inside = place(soname, &path, arch);
            waiting.push_back((path.clone(), self::needs(&path)?));
            found.insert(inside, path);
        }
    }
    Ok(found.into_iter().map(|(inside, from)| SystemFile { inside, from }).collect())
}

/// A library from the store or another private folder keeps its place, as whoever asks names it by that path.
fn place(soname: &str, path: &Path, arch: &str) -> String {
    match library_folder(arch) {
        Some(folder) if !path.starts_with("/nix/store") => format!("{folder}/{soname}"),
        _ => path.to_string_lossy().trim_start_matches('/').to_owned(),
    }
}

/// Where the loader would find a library: where the asker says, then the system's folders, in its own architecture.
fn search(soname: &str, asker: &Path, needs: &Needs, arch: &str) -> Option<PathBuf> {
    let origin = asker.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let named = needs.run_paths.iter().map(|p| p.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin));
    let system = [format!("/lib/{arch}-linux-gnu"), format!("/usr/lib/{arch}-linux-gnu")];
    let plain = ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(str::to_owned);
    named.chain(system).chain(plain).map(|folder| Path::new(&folder).join(soname)).find(|path| {
        // A 32-bit library of the same name, or another architecture's, is passed over as the loader would.
        path.is_file() && self::needs(path).is_ok_and(|found| found.machine == needs.machine)
    })
}
