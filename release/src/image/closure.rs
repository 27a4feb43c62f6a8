//! The system files that an executable needs to run: its loader and every shared library, found as the host's own loader
//! would find them, and nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, elf};

use super::Error;
use crate::atomic::At as _;

type Header = elf::FileHeader64<Endianness>;

/// The requirements of one ELF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// `e_machine`
    pub machine: elf::Machine,
    /// The loader's path (`PT_INTERP`); a library has none.
    pub loader: Option<String>,
    /// Sonames (`DT_NEEDED`), in order.
    pub libraries: Vec<String>,
    /// The folders that it searches first (`DT_RUNPATH`, `DT_RPATH`).
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
    // Section headers may be stripped; the loader reads segments, and so does this.
    let Some(entries) = dynamic(segments, endian, bytes)? else { return Ok(needs) };
    let strings = strings(segments, entries, endian, bytes);
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

type Segments<'a> = &'a [elf::ProgramHeader64<Endianness>];
type Entries<'a> = &'a [elf::Dyn64<Endianness>];

fn dynamic<'a>(
    segments: Segments<'a>,
    endian: Endianness,
    bytes: &'a [u8],
) -> Result<Option<Entries<'a>>, object::Error> {
    for segment in segments {
        if let Some(entries) = segment.dynamic(endian, bytes)? {
            return Ok(Some(entries));
        }
    }
    Ok(None)
}

/// The dynamic string table: `DT_STRTAB` is an address, so the segment that is loaded there has it.
fn strings<'a>(segments: Segments<'_>, entries: Entries<'_>, endian: Endianness, bytes: &'a [u8]) -> StringTable<'a> {
    let value = |tag| entries.iter().find(|e| e.tag(endian) == tag).map(|e| e.val(endian));
    let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else {
        return StringTable::default();
    };
    let start = segments.iter().filter(|s| s.p_type(endian) == elf::PT_LOAD).find_map(|s| {
        let within = address.checked_sub(s.p_vaddr(endian))?;
        (within < s.p_filesz(endian)).then(|| s.p_offset(endian).checked_add(within)).flatten()
    });
    let start = start.unwrap_or(u64::MAX);
    StringTable::new(bytes, start, start.saturating_add(size))
}

/// Loader and libraries of an executable, from the system at `root`, sorted by their place in the image. A static
/// executable needs none.
pub fn closure(executable: &Path, arch: &str, root: &Path) -> Result<Vec<SystemFile>, Error> {
    let first = needs(executable)?;
    if machine(arch) != Some(first.machine) {
        return Err(Error::Machine { path: executable.to_owned(), arch: arch.to_owned() });
    }
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut loader_name = None;
    if let Some(loader) = &first.loader {
        let inside = loader.trim_start_matches('/').to_owned();
        loader_name = Path::new(loader).file_name().map(|n| n.to_string_lossy().into_owned());
        found.insert(inside.clone(), root.join(inside));
    }
    let mut waiting: VecDeque<(PathBuf, Needs)> = VecDeque::from([(executable.to_owned(), first.clone())]);
    let mut seen = std::collections::BTreeSet::new();
    while let Some((asker, needs)) = waiting.pop_front() {
        for soname in &needs.libraries {
            if Some(soname) == loader_name.as_ref() || !seen.insert(soname.clone()) {
                continue;
            }
            let path = search(soname, &asker, &needs, arch, root)
                .ok_or_else(|| Error::NoLibrary { soname: soname.clone(), asker: asker.clone() })?;
            // Where the host's loader found it, the same loader finds it in the image.
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            waiting.push_back((path.clone(), self::needs(&path)?));
            found.insert(inside, path);
        }
    }
    Ok(found.into_iter().map(|(inside, from)| SystemFile { inside, from }).collect())
}

fn machine(arch: &str) -> Option<elf::Machine> {
    match arch {
        "x86_64" => Some(elf::EM_X86_64),
        "aarch64" => Some(elf::EM_AARCH64),
        _ => None,
    }
}

/// Returns the path at which the loader finds a library: in the folders of the requiring file, then in the system's folders, for
/// its own architecture.
fn search(soname: &str, asker: &Path, needs: &Needs, arch: &str, root: &Path) -> Option<PathBuf> {
    let asker = asker.strip_prefix(root).unwrap_or(asker);
    let origin = asker.parent().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
    let named = needs.run_paths.iter().map(|p| p.replace("$ORIGIN", &origin).replace("${ORIGIN}", &origin));
    let system = [format!("/lib/{arch}-linux-gnu"), format!("/usr/lib/{arch}-linux-gnu")];
    let plain = ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"].map(str::to_owned);
    let folders = named.chain(system).chain(plain);
    folders.map(|folder| root.join(folder.trim_start_matches('/')).join(soname)).find(|path| {
        // A 32-bit library of the same name, or another architecture's, is passed over as the loader would.
        path.is_file() && self::needs(path).is_ok_and(|found| found.machine == needs.machine)
    })
}
