//! The demands of an executable on a system, read from its bytes alone.
//!
//! In: one file in ELF, Mach-O or PE form. Out: [`Facts`], and by [`findings`] what of them a target of the table
//! does not allow. Nothing here runs the file, and nothing trusts it: every count and offset in it may be a lie, so
//! what is read is bounded, and a file that contradicts itself is an error rather than a guess.

mod elf;
mod finding;
mod hardening;
mod macho;
mod needs;
mod paths;
mod pe;
mod report;
mod rules;
mod signature;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use self::finding::{Finding, Rule};
pub use self::needs::{NeededSymbol, Needs};
pub use self::paths::Paths;
pub use self::report::render;
pub use self::rules::{Expectations, findings, matching};
use crate::atomic::{At as _, PathError};
use crate::embedded;
use crate::shown::on_one_line;
use crate::table::DottedVersion;

/// The largest file that is read: several times what any released executable is.
pub const LARGEST: u64 = 1 << 30;

/// How many entries of one list in a file are believed; linkers write a few dozen at most.
const MOST: usize = 4096;

/// The three forms of executable that a release has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Linux.
    Elf,
    /// macOS.
    MachO,
    /// Windows.
    Pe,
}

impl Format {
    /// The format's usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elf => "ELF",
            Self::MachO => "Mach-O",
            Self::Pe => "PE",
        }
    }
}

/// The facts that the headers of an executable state. [`findings`] compares them with [`Expectations`]. The JSON of
/// `audit --json` has these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Its size in bytes.
    pub size: u64,
    /// The images: one, or one per architecture of a universal Mach-O file.
    pub images: Vec<Image>,
    /// Paths of a Nix store anywhere in the file.
    pub store_paths: Paths,
    /// Paths of the machine it was built on, anywhere in the file.
    pub build_paths: Paths,
    /// How many crates it lists in cargo-auditable's section; `None` without such a section.
    pub crates: Option<usize>,
    /// The reason why the section cannot be read, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crates_fault: Option<String>,
}

/// One loadable image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Its form.
    pub format: Format,
    /// The processor, by the first word of a Rust triple: `x86_64`, `aarch64`, `i686`, or another name.
    pub arch: String,
    /// Whether it is a program or a library.
    pub kind: Kind,
    /// The program that loads it; a static ELF file has none, and PE has no such field.
    pub loader: Option<String>,
    /// The libraries it cannot start without, by the name it asks with, in file order.
    pub needed: Vec<String>,
    /// The libraries it asks for later or can do without: PE delay imports, weak dylibs.
    pub optional: Vec<String>,
    /// Folders of its own where libraries are searched: rpath, runpath.
    pub search_paths: Vec<String>,
    /// The newest version it needs of each family of symbols (`GLIBC`, `GLIBCXX`, `CXXABI`, `GCC`, …).
    pub symbol_versions: Vec<SymbolVersion>,
    /// The oldest macOS, or the Windows subsystem version, that it says it runs on.
    pub minimum_os: Option<DottedVersion>,
    /// Its code signature, where the format has one inside the image.
    pub signature: Signature,
    /// The mismatch between signature and bytes, in words; `None` where they agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_fault: Option<String>,
    /// The level of x86-64 (1 to 4) below which the loader refuses it; nothing where it does not say one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isa_level: Option<u32>,
    /// Whether the loader has to write into its code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub text_relocations: bool,
    /// Protections that its linker was asked for.
    pub hardening: Hardening,
    /// The linker's identity of this build (GNU build id, Mach-O UUID), in hex.
    pub build_id: Option<String>,
}

/// The purpose of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is run.
    Program,
    /// It is loaded by a program.
    Library,
    /// An object file, a core dump, a driver.
    Other,
}

/// The newest need of one family of versioned symbols.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SymbolVersion {
    /// `GLIBC`, `GLIBCXX`, `CXXABI`, `GCC`, …
    pub family: String,
    /// The newest needed; none where the family's version is a word instead of numbers, such as `GLIBC_PRIVATE`.
    pub version: Option<DottedVersion>,
    /// The version as it stands in the file, such as `GLIBC_2.34`.
    pub name: String,
    /// The library it is asked of.
    pub library: String,
    /// A symbol that needs it, where one could be told.
    pub symbol: Option<String>,
}

/// A Mach-O code signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// The format keeps none in the image, or not in a form that is read here.
    NotApplicable,
    /// It is possible and absent.
    Missing,
    /// Hashes without an identity: enough for arm64 to run it.
    AdHoc,
    /// Signed with a certificate.
    Certificate,
}

/// Protections, per format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Hardening {
    /// ELF.
    Elf {
        /// Position independent, so that it is loaded at a random address.
        pie: bool,
        /// Relocations read-only after start.
        relro: Relro,
        /// Whether the stack may be executed.
        stack: Stack,
    },
    /// Mach-O.
    MachO {
        /// Position independent.
        pie: bool,
    },
    /// PE.
    Pe {
        /// `DYNAMIC_BASE`: loaded at a random address.
        dynamic_base: bool,
        /// `HIGH_ENTROPY_VA`: of the whole 64-bit space.
        high_entropy_va: bool,
        /// `NX_COMPAT`: data is not executed.
        nx_compat: bool,
        /// `GUARD_CF`: indirect calls are checked.
        guard_cf: bool,
    },
}

/// The part of an ELF file's relocations that is read-only after start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relro {
    /// Nothing.
    None,
    /// All but the lazily bound function table.
    Partial,
    /// All.
    Full,
}

/// The stack permissions that an ELF file states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stack {
    /// Not executable.
    NonExecutable,
    /// Executable.
    Executable,
    /// Nothing, which kernels take as executable.
    Unstated,
}

/// The reason why a file could not be audited.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not there, or not readable.
    #[error(transparent)]
    File(#[from] PathError),
    /// A folder, a device, a pipe.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Larger than [`LARGEST`].
    #[error("the file has {size} bytes; executables up to {LARGEST} bytes are read")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// None of the three formats.
    #[error("this is not an ELF, Mach-O or PE executable: it begins with the bytes {start}")]
    UnknownFormat {
        /// Its first bytes, in hex.
        start: String,
    },
    /// Cut off, or it contradicts itself.
    #[error("this {} file is damaged: {source}", format.name())]
    Damaged {
        /// The format it begins as.
        format: Format,
        /// The mismatch.
        source: Damage,
    },
}

impl Error {
    /// The next step.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(_) | Self::TooLarge { .. } => None,
            Self::NotAFile { .. } | Self::UnknownFormat { .. } => {
                Some("give the executable itself; unpack an archive or a wheel first".to_owned())
            }
            Self::Damaged { .. } => Some(
                "compare its size and checksum with what was published; a partial download looks like this".to_owned(),
            ),
        }
    }
}

/// Reads the facts of a file.
pub fn read(path: &Path) -> Result<Facts, Error> {
    let metadata = fs::metadata(path).at("read", path)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(LARGEST)).unwrap_or(0));
    // One byte beyond the limit tells a file that grew since its size was asked.
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).at("read", path)?;
    facts(&bytes)
}

/// Reads the facts of a file in memory.
pub fn facts(bytes: &[u8]) -> Result<Facts, Error> {
    let size = bytes.len() as u64;
    if size > LARGEST {
        return Err(Error::TooLarge { size });
    }
    let (format, images) = match bytes {
        [0x7f, b'E', b'L', b'F', ..] => (Format::Elf, elf::images(bytes)),
        [b'M', b'Z', ..] => (Format::Pe, pe::images(bytes)),
        _ if macho::is_macho(bytes) => (Format::MachO, macho::images(bytes)),
        _ => return Err(Error::UnknownFormat { start: hex::encode(bytes.get(..8).unwrap_or(bytes)) }),
    };
    let images: Vec<Image> = images.map_err(|source| Error::Damaged { format, source })?;
    let (crates, crates_fault) = match embedded::List::inside(bytes) {
        Ok(list) => (list.map(|list| list.packages.len()), None),
        Err(fault) => (None, Some(on_one_line(&fault.to_string()).into_owned())),
    };
    let (store_paths, build_paths) = (paths::store(bytes), paths::build(bytes));
    Ok(Facts { size, images, store_paths, build_paths, crates, crates_fault })
}

/// Text of a file, in a form that can be printed and that has a bounded length.
fn text(bytes: &[u8]) -> String {
    /// Linux' `PATH_MAX`; nothing longer can be opened.
    const LONGEST: usize = 4096;
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    on_one_line(&String::from_utf8_lossy(bytes)).into_owned()
}

/// A defect inside a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Found by the parser of the `object` crate.
    #[error(transparent)]
    Parser(#[from] object::read::Error),
    /// Found here.
    #[error("{0}")]
    Inside(&'static str),
}

type Result<T, E = Damage> = std::result::Result<T, E>;

/// The text from the start of these bytes to its zero byte, looked for as far as any path or symbol reaches.
fn c_string(bytes: &[u8]) -> Option<&[u8]> {
    const FARTHEST: usize = 1 << 16;
    let within = bytes.get(..FARTHEST).unwrap_or(bytes);
    memchr::memchr(0, within).and_then(|end| within.get(..end))
}

/// Says what is damaged where a read gave nothing.
trait OrDamage<T> {
    fn or_damage(self, what: &'static str) -> Result<T>;
}

impl<T> OrDamage<T> for Option<T> {
    fn or_damage(self, what: &'static str) -> Result<T> {
        self.ok_or(Damage::Inside(what))
    }
}

impl<T> OrDamage<T> for Result<T, ()> {
    fn or_damage(self, what: &'static str) -> Result<T> {
        self.map_err(|()| Damage::Inside(what))
    }
}

/// Adds to a list that a hostile file would like to be endless.
fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    if list.len() >= MOST {
        return Err(Damage::Inside("it lists more entries than a linker writes"));
    }
    list.push(item);
    Ok(())
}
