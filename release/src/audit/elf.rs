//! ELF, read as the loader does: from the program headers and the dynamic segment. Section headers are for
//! debuggers, may be stripped, and may say something else.

use object::elf::{self, FileHeader32, FileHeader64, Vernaux, Verneed};
use object::read::ReadRef as _;
use object::read::elf::{Dyn as _, FileHeader, Note, NoteIterator, ProgramHeader as _, Sym as _};
use object::{Endianness, U16};

use super::{
    Damage, Format, Hardening, Image, Kind, OrDamage as _, Relro, Result, Signature, Stack, SymbolVersion, c_string,
    push, text,
};
use crate::table::DottedVersion;

/// Symbols looked at for an example; a table beyond this is not worth the time.
const MOST_SYMBOLS: u64 = 1 << 20;
/// Families of versions that are given an example.
const MOST_EXAMPLES: usize = 16;
/// Segments; linkers write about a dozen.
const MOST_SEGMENTS: usize = 256;

pub(super) fn images(bytes: &[u8]) -> Result<Vec<Image>> {
    let image = match bytes.get(4) {
        Some(1) => image::<FileHeader32<Endianness>>(bytes)?,
        Some(2) => image::<FileHeader64<Endianness>>(bytes)?,
        _ => return Err(Damage::Inside("its class is neither 32 nor 64 bits")),
    };
    Ok(vec![image])
}

/// A parsed header and where its parts lie.
struct Elf<'a, H: FileHeader<Endian = Endianness>> {
    bytes: &'a [u8],
    endian: Endianness,
    segments: &'a [H::ProgramHeader],
}

/// The entries of the dynamic segment that are used here.
#[derive(Default)]
struct Dynamic {
    needed: Vec<u64>,
    search_paths: Vec<u64>,
    strings: Option<(u64, u64)>,
    version_needs: Option<u64>,
    version_indices: Option<u64>,
    symbols: Option<u64>,
    hash: Option<u64>,
    gnu_hash: Option<u64>,
    binds_now: bool,
    is_program: bool,
    text_relocations: bool,
}

fn image<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Image> {
    let header = H::parse(bytes)?;
    let endian = header.endian()?;
    let file = Elf::<H> { bytes, endian, segments: header.program_headers(endian, bytes)? };
    if file.segments.len() > MOST_SEGMENTS {
        return Err(Damage::Inside("it has more segments than a linker writes"));
    }
    let dynamic = file.dynamic()?;
    let strings = file.strings(&dynamic)?;
    let loader = file.loader()?;
    let position_independent = header.e_type(endian) == elf::ET_DYN;
    let kind = match header.e_type(endian) {
        elf::ET_EXEC => Kind::Program,
        elf::ET_DYN if loader.is_some() || dynamic.is_program => Kind::Program,
        elf::ET_DYN => Kind::Library,
        _ => Kind::Other,
    };
    Ok(Image {
        format: Format::Elf,
        arch: arch(header.e_machine(endian), header.is_class_64()),
        kind,
        loader,
        needed: names(strings, &dynamic.needed)?,
        optional: Vec::new(),
        search_paths: names(strings, &dynamic.search_paths)?,
        symbol_versions: file.symbol_versions(&dynamic, strings)?,
        minimum_os: None,
        signature: Signature::NotApplicable,
        signature_fault: None,
        isa_level: file.isa_level(header.e_machine(endian)),
        text_relocations: dynamic.text_relocations,
        hardening: Hardening::Elf { pie: position_independent, relro: file.relro(&dynamic), stack: file.stack() },
        build_id: file.build_id(),
    })
}

impl<'a, H: FileHeader<Endian = Endianness>> Elf<'a, H> {
    fn dynamic(&self) -> Result<Dynamic> {
        let mut found = Dynamic::default();
        for segment in self.segments {
            let Some(entries) = segment.dynamic(self.endian, self.bytes)? else { continue };
            for entry in entries {
                let tag = entry.tag(self.endian);
                if tag == elf::DT_NULL {
                    break;
                }
                found.note(tag, entry.val(self.endian))?;
            }
            break;
        }
        Ok(found)
    }

    fn loader(&self) -> Result<Option<String>> {
        for segment in self.segments {
            if let Some(path) = segment.interpreter(self.endian, self.bytes)? {
                return Ok(Some(text(path)));
            }
        }
        Ok(None)
    }

    /// The bytes from an address to the end of the segment that holds it.
    fn at(&self, address: u64) -> Result<&'a [u8]> {
        for segment in self.segments.iter().filter(|s| s.p_type(self.endian) == elf::PT_LOAD) {
            let start: u64 = segment.p_vaddr(self.endian).into();
            let size: u64 = segment.p_filesz(self.endian).into();
            let Some(offset) = address.checked_sub(start).filter(|o| *o < size) else { continue };
            let file_start: u64 = segment.p_offset(self.endian).into();
            let within = file_start.checked_add(offset).or_damage("a segment ends beyond any file")?;
            return self.bytes.read_bytes_at(within, size - offset).or_damage("a segment ends beyond the file");
        }
        Err(Damage::Inside("the dynamic segment points outside every loaded segment"))
    }

    fn strings(&self, dynamic: &Dynamic) -> Result<&'a [u8]> {
        let Some((address, size)) = dynamic.strings else { return Ok(&[]) };
        let bytes = self.at(address)?;
        usize::try_from(size).ok().and_then(|size| bytes.get(..size)).or_damage("the string table is cut off")
    }

    /// Version needs by name, the newest of each family; a weak need stops nothing and is left out.
    fn symbol_versions(&self, dynamic: &Dynamic, strings: &[u8]) -> Result<Vec<SymbolVersion>> {
        let Some(address) = dynamic.version_needs else { return Ok(Vec::new()) };
        let mut needs = Vec::new();
        let mut library_at = self.at(address)?;
        loop {
            let need = library_at.read_at::<Verneed<Endianness>>(0).or_damage("the version needs are cut off")?;
            let library = text(string(strings, need.vn_file.get(self.endian).into())?);
            let mut version_at = skip(library_at, need.vn_aux.get(self.endian))?;
            for _ in 0..need.vn_cnt.get(self.endian) {
                let version = version_at.read_at::<Vernaux<Endianness>>(0).or_damage("a version need is cut off")?;
                if !version.vna_flags.get(self.endian).contains(elf::VER_FLG_WEAK) {
                    let name = text(string(strings, version.vna_name.get(self.endian).into())?);
                    push(&mut needs, (split(&name, library.clone()), version.vna_other.get(self.endian).0))?;
                }
                match version.vna_next.get(self.endian) {
                    0 => break,
                    next => version_at = skip(version_at, next)?,
                }
            }
            match need.vn_next.get(self.endian) {
                0 => break,
                next => library_at = skip(library_at, next)?,
            }
        }
        let mut versions = newest(needs);
        for (version, index) in versions.iter_mut().take(MOST_EXAMPLES) {
            version.symbol = self.example(dynamic, strings, *index);
        }
        Ok(versions.into_iter().map(|(version, _)| version).collect())
    }

    /// A symbol that needs the version of that index. Only an illustration: whatever is odd gives none.
    fn example(&self, dynamic: &Dynamic, strings: &[u8], wanted: u16) -> Option<String> {
        let symbols = self.at(dynamic.symbols?).ok()?;
        let indices = self.at(dynamic.version_indices?).ok()?;
        let count = self.symbol_count(dynamic)?.min(MOST_SYMBOLS);
        let count = usize::try_from(count).ok()?;
        let indices = indices.read_slice_at::<U16<Endianness>>(0, count).ok()?;
        let symbols = symbols.read_slice_at::<H::Sym>(0, count).ok()?;
        let hit = indices.iter().zip(symbols).find(|(index, symbol)| {
            index.get(self.endian) & !elf::VERSYM_HIDDEN.0 == wanted && symbol.st_name(self.endian) != 0
        });
        string(strings, hit?.1.st_name(self.endian).into()).ok().map(text)
    }

    /// How many dynamic symbols there are: told by the hash tables alone. The GNU table begins after the imports.
    fn symbol_count(&self, dynamic: &Dynamic) -> Option<u64> {
        let word = |address: u64| {
            let word = self.at(address).ok()?.read_at::<object::U32<Endianness>>(4).ok()?;
            Some(u64::from(word.get(self.endian)))
        };
        dynamic.hash.and_then(word).or_else(|| dynamic.gnu_hash.and_then(word))
    }

    fn relro(&self, dynamic: &Dynamic) -> Relro {
        let has = self.segments.iter().any(|s| s.p_type(self.endian) == elf::PT_GNU_RELRO);
        let is_static = self.segments.iter().all(|s| s.p_type(self.endian) != elf::PT_DYNAMIC);
        match (has, dynamic.binds_now || is_static) {
            (false, _) => Relro::None,
            (true, false) => Relro::Partial,
            (true, true) => Relro::Full,
        }
    }

    fn stack(&self) -> Stack {
        let stated = self.segments.iter().find(|s| s.p_type(self.endian) == elf::PT_GNU_STACK);
        match stated.map(|s| s.p_flags(self.endian).contains(elf::PF_X)) {
            None => Stack::Unstated,
            Some(true) => Stack::Executable,
            Some(false) => Stack::NonExecutable,
        }
    }

    /// The GNU build id; a damaged note is as good as none, since nothing is held against it.
    fn build_id(&self) -> Option<String> {
        let is =
            |note: &Note<'_, H>| note.name() == elf::ELF_NOTE_GNU && note.n_type(self.endian) == elf::NT_GNU_BUILD_ID;
        let note = self.notes().into_iter().find(is)?;
        Some(hex::encode(note.desc().get(..64).unwrap_or(note.desc())))
    }

    /// The highest level of x86-64 that it says it needs. glibc reads the same note, and does not start the program below it.
    fn isa_level(&self, machine: elf::Machine) -> Option<u32> {
        if !matches!(machine, elf::EM_X86_64 | elf::EM_386) {
            return None;
        }
        let notes = self.notes();
        let properties = notes.iter().filter_map(|note| note.gnu_properties(self.endian));
        let properties = properties.flat_map(|all| all.take(super::MOST).map_while(std::result::Result::ok));
        let needed = properties.filter(|property| property.pr_type() == elf::GNU_PROPERTY_X86_ISA_1_NEEDED);
        let levels = needed.filter_map(|property| property.data_u32(self.endian).ok());
        levels.map(|bits| u32::BITS - bits.leading_zeros()).filter(|level| *level > 0).max()
    }

    /// All notes that can be read, of a bounded number.
    fn notes(&self) -> Vec<Note<'a, H>> {
        let mut found = Vec::new();
        for segment in self.segments {
            let kind = segment.p_type(self.endian);
            if kind != elf::PT_NOTE && kind != elf::PT_GNU_PROPERTY {
                continue;
            }
            let Ok(data) = segment.data(self.endian, self.bytes) else { continue };
            let Ok(mut notes) = NoteIterator::<H>::new(self.endian, segment.p_align(self.endian), data) else {
                continue;
            };
            while let (true, Ok(Some(note))) = (found.len() < super::MOST, notes.next()) {
                found.push(note);
            }
        }
        found
    }
}

impl Dynamic {
    fn note(&mut self, tag: elf::DynamicTag, value: u64) -> Result<()> {
        let (string_start, string_size) = self.strings.unwrap_or((0, 0));
        match tag {
            elf::DT_NEEDED => push(&mut self.needed, value)?,
            elf::DT_RPATH | elf::DT_RUNPATH => push(&mut self.search_paths, value)?,
            elf::DT_STRTAB => self.strings = Some((value, string_size)),
            elf::DT_STRSZ => self.strings = Some((string_start, value)),
            elf::DT_VERNEED => self.version_needs = Some(value),
            elf::DT_VERSYM => self.version_indices = Some(value),
            elf::DT_SYMTAB => self.symbols = Some(value),
            elf::DT_HASH => self.hash = Some(value),
            elf::DT_GNU_HASH => self.gnu_hash = Some(value),
            elf::DT_BIND_NOW => self.binds_now = true,
            elf::DT_TEXTREL => self.text_relocations = true,
            elf::DT_FLAGS => {
                self.binds_now |= value & elf::DF_BIND_NOW.0 != 0;
                self.text_relocations |= value & elf::DF_TEXTREL.0 != 0;
            }
            elf::DT_FLAGS_1 => {
                self.binds_now |= value & elf::DF_1_NOW.0 != 0;
                self.is_program |= value & elf::DF_1_PIE.0 != 0;
            }
            _ => {}
        }
        Ok(())
    }
}

fn names(strings: &[u8], offsets: &[u64]) -> Result<Vec<String>> {
    offsets.iter().map(|offset| string(strings, *offset).map(text)).collect()
}

fn string(strings: &[u8], offset: u64) -> Result<&[u8]> {
    let rest = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..));
    c_string(rest.or_damage("a name lies outside the string table")?).or_damage("a name in the string table has no end")
}

fn skip(bytes: &[u8], by: u32) -> Result<&[u8]> {
    usize::try_from(by).ok().and_then(|by| bytes.get(by..)).or_damage("a version record lies outside its segment")
}

/// `GLIBC_2.34` is family and number. Markers that stand for a release are given its number, since it is the number
/// that a system lacks: `GLIBC_ABI_DT_RELR` came with glibc 2.36.
fn split(name: &str, library: String) -> SymbolVersion {
    let (family, version) = name.split_once('_').unwrap_or((name, ""));
    let number = if name == "GLIBC_ABI_DT_RELR" { "2.36" } else { version };
    let version = DottedVersion::try_from(number.to_owned()).ok();
    SymbolVersion { family: family.to_owned(), version, name: name.to_owned(), library, symbol: None }
}

/// Keeps the newest of each family, in the order of first mention; a version that is a word stays beside it.
fn newest(needs: Vec<(SymbolVersion, u16)>) -> Vec<(SymbolVersion, u16)> {
    let mut kept: Vec<(SymbolVersion, u16)> = Vec::new();
    for need in needs {
        let same = |k: &&mut (SymbolVersion, u16)| {
            k.0.family == need.0.family && k.0.version.is_some() && need.0.version.is_some()
        };
        match kept.iter_mut().find(same) {
            Some(other) if other.0.version < need.0.version => *other = need,
            Some(_) => {}
            None => kept.push(need),
        }
    }
    kept
}

fn arch(machine: elf::Machine, is_64: bool) -> String {
    let name = match (machine, is_64) {
        (elf::EM_X86_64, true) => "x86_64",
        (elf::EM_X86_64, false) => "x32",
        (elf::EM_AARCH64, true) => "aarch64",
        (elf::EM_AARCH64, false) => "aarch64_ilp32",
        (elf::EM_386, _) => "i686",
        (elf::EM_ARM, _) => "arm",
        (elf::EM_RISCV, true) => "riscv64gc",
        (elf::EM_PPC64, _) => "powerpc64",
        (elf::EM_S390, true) => "s390x",
        _ => return format!("machine {}", machine.0),
    };
    name.to_owned()
}
